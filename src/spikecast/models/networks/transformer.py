"""Masked modelling with a transformer over time bins (Ye & Pandarinath 2021; Zhang et al. 2024).

The network sees the activity of all neurons together with which entries are observed, and gives
the rate of every neuron at every bin. In training, entries are hidden in several ways
(:mod:`spikecast.models.networks.masks`) and only hidden entries count, so one network predicts any
entries from any others.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spikecast.models.networks.layers import Features, Linear, normalize
from spikecast.models.networks.masks import Mixture
from spikecast.models.networks.network import Network, dropout

N_SCORED_SOURCES = 128  # at most so many sources count in a training step
SOURCE_WEIGHT = 0.3  # of all sources together, relative to all targets together


class TransformerNet(Network):
    """Features of what is observed -> one token per bin -> attention blocks -> linear readout.

    `labels` (neuron,) are groups of neurons: tokens hold which part of each is hidden. `targets`
    (neuron,) are the neurons that ``forward`` hides; where there are none, the network gives
    denoised rates of the neurons that it sees. `hiding` hides entries in training. The other
    settings are those of :class:`spikecast.models.transformer.Transformer`.
    """

    neuron_parameters = ("embedding.weight", "embedding.offset", "readout.weight", "offset")
    shares_batches = True
    group_share: Tensor
    targets: Tensor

    def __init__(
        self,
        kind: str,
        features: Features,
        labels: Tensor,
        targets: Tensor,
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
        self.register_buffer("group_share", group / group.sum(dim=0).clamp(min=1), persistent=False)
        self.register_buffer("targets", targets, persistent=False)
        self.embedding = Linear(n_members, n_features + group.shape[1], n_latents)
        self.blocks = nn.ModuleList(
            [Block(n_members, n_latents, n_heads, dropout, causal) for _ in range(n_layers)]
        )
        self.readout = Linear(n_members, n_latents, len(labels), gain=0.1)
        self.offset = self.readout.offset

    def prepare_readin(self, x: Tensor) -> Tensor:
        """Population features and what is hidden, as ``forward`` sees them."""
        return self._make_tokens(x, self._observed)

    @property
    def readin_weight(self) -> Tensor:
        """(member, latent, feature)."""
        return self.embedding.weight.transpose(1, 2)

    def states(self, x: Tensor, observed: Tensor) -> Tensor:
        """Return hidden states, (member, trial, time, latent).

        `x` (member or 1, trial, time, ...) holds activity and beside it, so as not to smooth it
        again and again, its roots (:meth:`spikecast.models.preprocess.PopulationFeatures.roots`).
        `observed` is 0 or 1, broadcastable to the activity.
        """
        tokens = self._make_tokens(x, observed).expand(self.n_members, -1, -1, -1)
        z = self.embedding(dropout(tokens, self.dropout, self.training))
        for block in self.blocks:
            z = block(z)
        return normalize(z)

    def _make_tokens(self, x: Tensor, observed: Tensor) -> Tensor:
        n_neurons = len(self.group_share)
        # (member, trial, time or 1, neuron) @ (neuron, group): the part of each that is hidden
        hidden = (1 - observed).expand(-1, -1, -1, n_neurons) @ self.group_share
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
        """Return the outputs of some neurons, in training with dropout."""
        offset, weight = self.readout.offset[..., neurons], self.readout.weight[..., neurons]
        flat = dropout(z, self.dropout, self.training).flatten(1, -2)  # (member, sample, latent)
        return torch.baddbmm(offset, flat, weight).view(*z.shape[:-1], -1)

    def latents(self, x: Tensor) -> Tensor:
        """Activity and roots, targets hidden -> (member, trial, time, latent)."""
        return self.states(x, self._observed)

    def forward(self, x: Tensor) -> Tensor:
        """Activity and roots, targets hidden -> all neurons, (member, trial, time, neuron)."""
        return self.outputs(x, self._observed)

    def predict_masked(self, x: Tensor) -> Tensor:
        """(member, trial, time, 2 * neuron), activity then observed -> (..., neuron)."""
        return self.outputs(*x.chunk(2, dim=-1))

    @property
    def _observed(self) -> Tensor:
        return 1 - self.targets.float()[None, None, None]  # (1, 1, 1, neuron)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Loss of the hidden entries, (member, trial).

        In evaluation the targets are hidden (what the main scheme hides, where there are none).
        All sources together weigh less than the targets, though there are more of them, and only
        some of them, drawn at random, are read out in each step.
        """
        if not self.training and self.targets.any():
            hidden = self.targets[None, None, None]
        else:
            scheme = self.hiding if self.training else self.hiding.main
            hidden = scheme(y.shape, self._make_rand(x.device))
        scored, weight = self._draw_scored()
        z = self.states(x, 1 - hidden.float())
        hidden = hidden.expand(-1, -1, -1, y.shape[3])[..., scored]
        return self.trial_loss(self._read_out(z, scored), y[..., scored], hidden * weight)

    def _draw_scored(self) -> tuple[Tensor, Tensor]:
        """Return the neurons whose hidden entries count in this step, and their weights."""
        if self.targets.all() or not self.targets.any():
            all_neurons = torch.arange(len(self.targets), device=self.targets.device)
            return all_neurons, torch.ones_like(all_neurons, dtype=torch.float32)
        targets, sources = self.targets.nonzero().flatten(), (~self.targets).nonzero().flatten()
        n_drawn = N_SCORED_SOURCES if self.training else 0
        drawn = self._make_rand(targets.device)(len(sources)).argsort()[:n_drawn]
        weight = torch.full(
            (len(targets) + len(drawn),), SOURCE_WEIGHT * len(targets) / max(len(drawn), 1)
        )
        weight[: len(targets)] = 1.0
        return torch.cat([targets, sources[drawn]]), weight.to(targets.device)

    def _make_rand(self, device: torch.device) -> partial[Tensor]:
        """Return what draws uniform numbers: in validation the same ones in every epoch."""
        if self.training:
            return partial(torch.rand, device=device)
        return partial(torch.rand, device=device, generator=torch.Generator(device).manual_seed(0))


class Block(nn.Module):
    """Attention over time, then a perceptron; both read normalised states and add to them."""

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
    """Rotate (..., time, width) by position (Su et al. 2021): products then depend on lags only.

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
