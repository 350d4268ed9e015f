"""Masked modelling with a transformer over time bins (Ye & Pandarinath 2021; Zhang et al. 2024).

The network sees the activity of all neurons together with which entries are observed, and gives
the rate of every neuron at every bin. In training, entries are hidden in several ways
(:mod:`spikecast.models.networks.masks`) and only hidden entries count; hence one network answers
any question of the form "these entries, given those".
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecast.models.networks.layers import Features, Linear, normalize
from spikecast.models.networks.masks import Mixture
from spikecast.models.networks.network import Network, dropout

N_OTHERS = 128  # neurons that are not asked but count in a training step
OTHERS = 0.3  # weight of all neurons that are not asked together, relative to those that are


class TransformerNet(Network):
    """Features of what is observed -> one token per bin -> attention blocks -> linear readout.

    Parameters
    ----------
    kind : {"counts", "continuous"}
    features : Features
        From activity to population features, honouring what is hidden.
    labels : Tensor, (neuron,)
        Group of each neuron; a token tells the network which part of each group is hidden.
    asked : Tensor of bool, (neuron,)
        Neurons that ``forward`` hides, the targets. Where it is False throughout, the network
        gives denoised rates of neurons that it sees.
    hiding : Mixture
        What is hidden in training, see :mod:`spikecast.models.networks.masks`.
    n_features, n_latents, n_layers, n_heads, n_members : int
    dropout : float
        On tokens, within blocks and on the states that are read out.
    causal : bool
        Attend to the past only (the features have to be causal too).
    """

    neuron_parameters = ("embedding.weight", "embedding.offset", "readout.weight", "offset")
    shares_batches = True
    part: Tensor
    asked: Tensor

    def __init__(
        self,
        kind: str,
        features: Features,
        labels: Tensor,
        asked: Tensor,
        hiding: Mixture,
        n_features: int,
        n_latents: int = 64,
        n_layers: int = 1,
        n_heads: int = 4,
        n_members: int = 1,
        dropout: float = 0.2,
        causal: bool = False,
    ) -> None:
        super().__init__(kind)
        self.n_members, self.dropout, self.hiding = n_members, dropout, hiding
        self.features = features
        group = F.one_hot(labels).float()
        self.register_buffer("part", group / group.sum(dim=0).clamp(min=1), persistent=False)
        self.register_buffer("asked", asked, persistent=False)
        self.embedding = Linear(n_members, n_features + group.shape[1], n_latents)
        self.blocks = nn.ModuleList(
            [Block(n_members, n_latents, n_heads, dropout, causal) for _ in range(n_layers)]
        )
        self.readout = Linear(n_members, n_latents, len(labels), gain=0.1)
        self.offset = self.readout.offset

    def prepare_readin(self, x: Tensor) -> Tensor:
        """Population features and what is hidden, as ``forward`` sees them."""
        return self._tokens(x, self._not_asked)

    @property
    def readin_weight(self) -> Tensor:
        """(member, latent, feature)."""
        return self.embedding.weight.transpose(1, 2)

    def states(self, x: Tensor, observed: Tensor) -> Tensor:
        """Hidden states, (member, trial, time, latent).

        Parameters
        ----------
        x : Tensor, (member or 1, trial, time, neuron)
            Activity, and beside it, to save smoothing it again and again, its roots: see
            :meth:`spikecast.models.preprocess.PopulationFeatures.roots`.
        observed : Tensor of 0 and 1, broadcastable to the activity
        """
        tokens = self._tokens(x, observed).expand(self.n_members, -1, -1, -1)
        z = self.embedding(dropout(tokens, self.dropout, self.training))
        for block in self.blocks:
            z = block(z)
        return normalize(z)

    def _tokens(self, x: Tensor, observed: Tensor) -> Tensor:
        n_neurons = len(self.part)
        # (member, trial, time or 1, neuron) @ (neuron, group): the part of each that is hidden
        hidden = (1 - observed).expand(-1, -1, -1, n_neurons) @ self.part
        hidden = hidden.expand(*x.shape[:3], -1)
        activity, roots = x[..., :n_neurons], x[..., n_neurons:]
        if observed.shape[2] == 1 and roots.shape[3] > 0:
            features = self.features.mask_neurons(roots, observed)
        else:
            features = self.features(activity, observed)
        return torch.cat([features, hidden], dim=-1)

    def outputs(self, x: Tensor, observed: Tensor) -> Tensor:
        """Natural parameters of all neurons, (member, trial, time, neuron)."""
        return self.readout(self.states(x, observed))

    def _read_out(self, z: Tensor, neurons: Tensor) -> Tensor:
        """Like ``outputs`` for some neurons, in training with dropout."""
        offset, weight = self.readout.offset[..., neurons], self.readout.weight[..., neurons]
        flat = dropout(z, self.dropout, self.training).flatten(1, -2)  # (member, sample, latent)
        return torch.baddbmm(offset, flat, weight).view(*z.shape[:-1], -1)

    def latents(self, x: Tensor) -> Tensor:
        """Activity and roots, the asked neurons hidden -> (member, trial, time, latent)."""
        return self.states(x, self._not_asked)

    def forward(self, x: Tensor) -> Tensor:
        """Activity and roots, the asked neurons hidden -> (member, trial, time, neuron), all."""
        return self.outputs(x, self._not_asked)

    def answer(self, x: Tensor) -> Tensor:
        """(member, trial, time, 2 * neuron), activity then observed -> (..., neuron)."""
        return self.outputs(*x.chunk(2, dim=-1))

    @property
    def _not_asked(self) -> Tensor:
        return 1 - self.asked.float()[None, None, None]  # (1, 1, 1, neuron)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Loss of the hidden entries, (member, trial).

        In evaluation exactly what was asked is hidden (what the main scheme hides, where nothing
        was). Sources outnumber targets, but these are the question: all others together weigh less
        than the asked ones, and only some of them, drawn at random, are read out in each step.
        """
        if not self.training and self.asked.any():
            hidden = self.asked[None, None, None]
        else:
            scheme = self.hiding if self.training else self.hiding.main
            hidden = scheme(y.shape, self._rand(x.device))
        counted, weight = self._counted()
        z = self.states(x, 1 - hidden.float())
        loss = self.element_loss(self._read_out(z, counted), y[..., counted])
        hidden = hidden.expand(-1, -1, -1, y.shape[3])[..., counted]
        return (loss * (hidden * weight)).sum(dim=3).mean(dim=2)

    def _counted(self) -> tuple[Tensor, Tensor]:
        """Neurons whose hidden entries count in this step, and what they weigh."""
        if self.asked.all() or not self.asked.any():
            everyone = torch.arange(len(self.asked), device=self.asked.device)
            return everyone, torch.ones_like(everyone, dtype=torch.float32)
        asked, others = self.asked.nonzero().flatten(), (~self.asked).nonzero().flatten()
        drawn = self._rand(asked.device)(len(others)).argsort()[: N_OTHERS if self.training else 0]
        weight = torch.full((len(asked) + len(drawn),), OTHERS * len(asked) / max(len(drawn), 1))
        weight[: len(asked)] = 1.0
        return torch.cat([asked, others[drawn]]), weight.to(asked.device)

    def _rand(self, device: torch.device) -> partial[Tensor]:
        """Validation hides the same entries in every epoch, or the best one would be luck."""
        if self.training:
            return partial(torch.rand, device=device)
        return partial(torch.rand, device=device, generator=torch.Generator(device).manual_seed(0))


class Block(nn.Module):
    """Attention over time, then a perceptron; each sees normalised states and adds to them."""

    def __init__(
        self, n_members: int, n_latents: int, n_heads: int, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.n_heads, self.dropout, self.causal = n_heads, dropout, causal
        self.mix = Linear(n_members, n_latents, 3 * n_latents)
        self.join = Linear(n_members, n_latents, n_latents, gain=0.5)
        self.widen = Linear(n_members, n_latents, 2 * n_latents)
        self.narrow = Linear(n_members, 2 * n_latents, n_latents, gain=0.5)

    def forward(self, z: Tensor) -> Tensor:
        """(member, trial, time, latent) -> the same shape."""
        z = z + dropout(self.join(self._attend(z)), self.dropout, self.training)
        hidden = F.gelu(self.widen(normalize(z)))
        return z + dropout(self.narrow(hidden), self.dropout, self.training)

    def _attend(self, z: Tensor) -> Tensor:
        mixed = self.mix(normalize(z)).unflatten(-1, (3, self.n_heads, -1))
        # (member, trial, time, 3, head, width) -> three of (member, trial, head, time, width)
        query, key, value = mixed.permute(3, 0, 1, 4, 2, 5)
        query, key = rotate(query), rotate(key)
        score = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5  # (..., time, time)
        if self.causal:
            later = torch.ones_like(score[0, 0, 0], dtype=torch.bool).triu(1)
            score = score.masked_fill(later, -torch.inf)
        # (member, trial, head, time, width) -> (member, trial, time, head * width)
        return (score.softmax(dim=-1) @ value).transpose(2, 3).flatten(-2)


def rotate(z: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021): products of queries and keys see only how far apart.

    Parameters
    ----------
    z : Tensor, (..., time, width)
        An even width.

    Examples
    --------
    >>> q = rotate(torch.ones(5, 2))
    >>> torch.allclose(q[1] @ q[3], q[2] @ q[4])
    True
    """
    half = z.shape[-1] // 2
    frequency = 100.0 ** (-torch.arange(half, device=z.device) / half)  # radians per bin
    angle = torch.arange(z.shape[-2], device=z.device)[:, None] * frequency  # (time, half)
    cos, sin = angle.cos(), angle.sin()
    first, second = z[..., :half], z[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
