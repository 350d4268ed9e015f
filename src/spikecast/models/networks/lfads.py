"""Latent factor analysis via dynamical systems (Sussillo et al. 2016, Pandarinath et al. 2018).

A sequential variational autoencoder. A bidirectional encoder reads a trial and infers where the
generator, a recurrent network, starts; from there the generator runs by itself, or with inputs that
a controller infers bin by bin. Its states are read out as factors, factors as log rates.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn

from spikecast.models.networks.generators import Generator, Trajectory, start_posterior
from spikecast.models.networks.gru import GRUWeights, run_gru
from spikecast.models.networks.network import LOSSES, Network, draw_uniform, dropout
from spikecast.models.preprocess import make_smoothing_matrix

MASK_SEED = 0  # of the elements that are hidden when an autoencoder is validated

_make_smoothing_matrix = lru_cache(maxsize=16)(make_smoothing_matrix)


class LFADSNet(Network):
    """Encoder -> initial condition -> generator (and controller) -> factors -> log rates.

    The activity that is encoded is also reconstructed, from elements (trial, bin, neuron) that the
    encoder did not see: coordinated dropout (Keshtkaran & Pandarinath 2019) hides a random part of
    the input, and only the hidden part is scored. Further targets are read out from the factors;
    they are learnt from, never encoded. Where the network autoencodes, there are none.

    `generator` makes one from (initial, encoded, factor) sizes, see ``choose_generator``; the other
    settings are those of :class:`spikecast.models.lfads.LFADS`, `n_readin` its ``n_components``.
    """

    neuron_parameters = ("readin", "readout_weight", "offset")
    input_center: Tensor
    generator: Generator

    def __init__(
        self,
        kind: str,
        n_features: int,
        n_targets: int,
        generator: Callable[[int, int, int], Generator],
        source_kind: str = "counts",
        autoencodes: bool = False,
        n_readin: int = 40,
        n_encoder: int = 64,
        n_initial: int = 32,
        n_factors: int = 20,
        width: float = 2.0,
        dropout: float = 0.2,
        coordinated_dropout: float = 0.3,
        kl_weight: float = 1.0,
        kl_warmup: float = 0.3,
    ) -> None:
        super().__init__(kind)
        self.source_loss = LOSSES[source_kind]
        self.autoencodes, self.n_targets = autoencodes, n_targets
        self.dropout, self.coordinated_dropout = dropout, coordinated_dropout
        self.width, self.kl_weight, self.kl_warmup = width, kl_weight, kl_warmup
        self.warmth = 0.0
        self.register_buffer("input_center", torch.zeros(n_features))
        self.readin = draw_uniform(n_features, n_readin, fan_in=n_features)
        self.encoder = GRUWeights(2, n_readin, n_encoder)
        self.encoder_start = nn.Parameter(torch.zeros(2, 1, n_encoder))
        self.initial_weight = draw_uniform(2 * n_encoder, 2 * n_initial, fan_in=2 * n_encoder)
        self.initial_offset = nn.Parameter(start_posterior(n_initial))
        self.generator = generator(n_initial, 2 * n_encoder, n_factors)
        n_outputs = n_targets if autoencodes else n_features + n_targets
        self.readout_weight = draw_uniform(n_factors, n_outputs, fan_in=n_factors)
        self.offset = nn.Parameter(torch.zeros(n_outputs))

    def prepare_readin(self, x: Tensor) -> Tensor:
        """Deviations from the mean, (1, trial, time, feature)."""
        return x - self.input_center

    @property
    def readin_weight(self) -> Tensor:
        """(1, component, feature)."""
        return self.readin.T[None]

    def set_progress(self, fraction: float) -> None:
        """Raise the weight of the divergences while training warms up."""
        self.warmth = min(1.0, fraction / self.kl_warmup) if self.kl_warmup > 0 else 1.0

    def decayed_weights(self) -> list[nn.Parameter]:
        """Return all weights, neither offsets nor priors."""
        return [p for name, p in self.named_parameters() if "weight" in name or name == "readin"]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read trials (trial, time, feature) in both directions.

        Returns the encoded trials (time, trial, 2 encoder), and mean and log variance of the
        posterior of the initial condition, (trial, initial).
        """
        n_trials, n_bins, _ = x.shape
        z = (x - self.input_center) @ self.readin
        if self.width > 0:
            matrix = torch.from_numpy(_make_smoothing_matrix(n_bins, self.width)).to(z)
            z = matrix @ z  # (time, time) @ (trial, time, readin)
        z = z.transpose(0, 1)
        z = torch.stack([z, z.flip(0)]).flatten(1, 2)
        unit = self.encoder
        drive = torch.baddbmm(unit.input_offset, z, unit.input_weight)
        start = self.encoder_start.expand(-1, n_trials, -1)
        # (direction, time, trial, encoder)
        states = run_gru(
            drive.view(2, n_bins, n_trials, -1), start, unit.state_weight, unit.state_offset
        )
        last = dropout(states[:, -1].transpose(0, 1).flatten(1), self.dropout, self.training)
        mean, log_variance = (last @ self.initial_weight + self.initial_offset).chunk(2, dim=1)
        return torch.cat([states[0], states[1].flip(0)], dim=-1), mean, log_variance

    def run(self, x: Tensor) -> tuple[Trajectory, Tensor]:
        """Return the generator's trajectory in each trial (trial, time, feature), and divergences.

        In training the posteriors are sampled, otherwise their means are used.
        """
        encoded, mean, log_variance = self.encode(x)
        start = mean
        if self.training:
            start = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        encoded = dropout(encoded, self.dropout, self.training)
        trajectory = self.generator(start, encoded, self.training)
        divergence = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(dim=1)
        return trajectory, divergence + trajectory.divergence

    def _compute_log_rates(self, states: Tensor) -> Tensor:
        """(time, trial, generator) -> (trial, time, output): sources (if apart), then targets."""
        states = dropout(states, self.dropout, self.training)
        factors = states.flatten(0, 1) @ self.generator.factor_weight
        output = torch.addmm(self.offset, factors, self.readout_weight)
        return output.view(*states.shape[:2], -1).transpose(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(1, trial, time, feature) -> (1, trial, time, target)."""
        trajectory, _ = self.run(x[0])
        return self._compute_log_rates(trajectory.states)[None, ..., -self.n_targets :]

    def latents(self, x: Tensor) -> Tensor:
        """Factors: (1, trial, time, feature) -> (1, trial, time, factor)."""
        trajectory, _ = self.run(x[0])
        return (trajectory.states @ self.generator.factor_weight).transpose(0, 1)[None]

    def initial_condition(self, x: Tensor) -> Tensor:
        """Posterior mean: (1, trial, time, feature) -> (1, trial, initial)."""
        return self.encode(x[0])[1][None]

    def inferred_inputs(self, x: Tensor) -> Tensor:
        """Posterior mean: (1, trial, time, feature) -> (1, trial, time, input)."""
        return self.run(x[0])[0].inputs.transpose(0, 1)[None]

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Loss of each trial, (1, trial): in nats per bin, summed over neurons.

        In training the negative evidence lower bound under coordinated dropout. In validation what
        prediction is judged by: the loss of the targets alone or, where the targets are encoded,
        of elements that were hidden from the encoder, the same ones every time.
        """
        x, y = x[0], y[0]
        if self.training:
            hidden = torch.rand_like(x) < self.coordinated_dropout
            return self._compute_bound(x, y, hidden)[None]
        if not self.autoencodes:
            return super().loss(x[None], y[None])
        generator = torch.Generator().manual_seed(MASK_SEED)
        hidden = torch.rand(x.shape, generator=generator).to(x.device) < self.coordinated_dropout
        trajectory, _ = self.run(self._hide_elements(x, hidden))
        return self._compute_reconstruction_loss(
            x, self._compute_log_rates(trajectory.states), hidden
        )[None]

    def _compute_bound(self, x: Tensor, y: Tensor, hidden: Tensor) -> Tensor:
        trajectory, divergence = self.run(self._hide_elements(x, hidden))
        output = self._compute_log_rates(trajectory.states)
        n_sources = output.shape[2] - (0 if self.autoencodes else self.n_targets)
        loss = self._compute_reconstruction_loss(x, output[..., :n_sources], hidden)
        if not self.autoencodes:
            of_targets = self.trial_loss(output[..., n_sources:], y)
            loss = loss + of_targets
        return loss + self.warmth * self.kl_weight / x.shape[1] * divergence

    def _hide_elements(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Return hidden elements at their mean, the others' deviations scaled up as in dropout."""
        keep = 1 / (1 - self.coordinated_dropout)
        return torch.where(hidden, self.input_center, torch.lerp(self.input_center, x, keep))

    def _compute_reconstruction_loss(self, x: Tensor, output: Tensor, hidden: Tensor) -> Tensor:
        """Loss of the hidden elements, (trial,), as if all elements had been hidden."""
        return self.source_loss(output, x, hidden * (1 / self.coordinated_dropout))
