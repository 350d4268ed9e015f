"""The network of study E with three kinds of cell, and its errors window by window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spikecast.core.seeding import derive_seed
from spikecast.evaluation.fit import fit_model
from spikecast.models.networks.gru import GRUWeights, run_gru
from spikecast.models.networks.network import Network
from spikecast.models.networks.plan import Plan
from spikecast.models.networks.recurrent import CELLS
from spikecast.models.neural import NeuralModel
from spikecast.models.preprocess import find_principal_axes
from spikecast.runs.studies.step_cache import Arrays
from spikecast.runs.studies.study import Measure
from spikecast.scoring.ratio_scores import RatioScores, compute_interval, draw_bootstrap_weights
from spikecast.tasks.splits import Fold

NAMES = {"rnn": "vanilla RNN", "lstm": "LSTM", "gru": "GRU"}
"""What the deck's cells are called."""

AUTOENCODERS = {"auto_rnn": "rnn", "own": "lstm", "auto_gru": "gru"}
"""Row -> the cell of the autoencoder that is in it, one net per plane."""

WIDE = 150  # units of the middle layers
N_RESAMPLES = 1000


class TwoWayGRU(nn.Module):
    """A GRU in both directions side by side: torch's takes several times as long on windows."""

    def __init__(self, n_features: int, n_latents: int) -> None:
        super().__init__()
        self.units = GRUWeights(2, n_features, n_latents)

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """(window, time, feature) -> (window, time, 2 latent), forward first; no last state."""
        units = self.units
        n_windows, n_bins, n_features = x.shape
        both = torch.stack([x, x.flip(1)]).transpose(1, 2)  # (direction, time, window, feature)
        drive = both.reshape(2, -1, n_features) @ units.input_weight + units.input_offset
        drive = drive.reshape(2, n_bins, n_windows, -1)
        start = x.new_zeros(2, n_windows, units.state_weight.shape[1])
        states = run_gru(drive, start, units.state_weight, units.state_offset).transpose(1, 2)
        return torch.cat([states[0], states[1].flip(1)], dim=-1), None


class DeckRecurrent(Network):
    """Recurrence in both directions, averaged -> latents -> MLP with Mish -> neurons."""

    def __init__(
        self, cell: str, n_features: int, n_latents: int, n_targets: int, n_layers: int,
        dropout: float,
    ) -> None:  # fmt: skip
        super().__init__("continuous")
        self.recurrence = (
            TwoWayGRU(n_features, n_latents)
            if cell == "gru" and n_layers == 1
            else CELLS[cell](n_features, n_latents, n_layers, batch_first=True, bidirectional=True)
        )
        layers: list[nn.Module] = []
        for n_in, n_out in ((n_latents, WIDE), (WIDE, WIDE), (WIDE, n_latents)):
            layers += [nn.Linear(n_in, n_out), nn.Mish(), nn.Dropout(dropout)]
        self.decoder = nn.Sequential(*layers)
        self.readout = nn.Linear(n_latents, n_targets)
        self.offset = self.readout.bias

    def latents(self, x: Tensor) -> Tensor:
        """(1, window, time, neuron) -> (1, window, time, latent)."""
        forward, backward = self.recurrence(x[0])[0].chunk(2, dim=-1)
        return ((forward + backward) / 2)[None]

    def forward(self, x: Tensor) -> Tensor:
        """(1, window, time, neuron) -> (1, window, time, target)."""
        return self.readout(self.decoder(self.latents(x)))

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean squared error of each window."""
        return ((self(x) - y) ** 2).mean(dim=(2, 3))


@dataclass(eq=False, repr=False)
class DeckNetwork(NeuralModel):
    """The deck's network on signals as they come: no scaling, no validation part."""

    cell: str = "lstm"
    n_latents: int = 75
    n_layers: int = 1
    dropout: float = 0.25
    epochs: int = 50
    batch_size: int = 8
    learning_rate: float = 0.001
    weight_decay: float = 0.00001
    device: str = "cpu"
    seed: int = 0

    def _make_examples(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_targets = y.shape[2]
        self.center_, self.scale_ = np.zeros(n_targets), np.ones(n_targets)
        self.sizes_ = {"n_features": x.shape[2], "n_targets": n_targets}
        return self._prepare_inputs(x), y.astype(np.float32)

    def _prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        return x.astype(np.float32)

    def _build_network(self, n_features: int, n_targets: int) -> Network:
        return DeckRecurrent(
            self.cell, n_features, self.n_latents, n_targets, self.n_layers, self.dropout
        )

    def _make_member_folds(self, n_trials: int) -> list[Fold]:
        return [Fold(np.arange(n_trials), np.arange(0))]

    def _make_plan(self) -> Plan:
        return Plan.plain(self.epochs, self.learning_rate, self.batch_size, self.weight_decay)


def make_network(settings: dict[str, Any], seed: int, cell: str, **change: Any) -> DeckNetwork:
    """Return the deck's network with one of its cells, not fitted."""
    kept = ("n_latents", "epochs", "batch_size", "learning_rate", "weight_decay", "dropout")
    made = {name: settings[name] for name in kept} | change
    return DeckNetwork(cell, seed=derive_seed(seed, "nma-layers", cell), **made)


def fit_windows(model: DeckNetwork, x: np.ndarray, y: np.ndarray, fold: Fold) -> dict[str, Any]:
    """Fit a network on a fold; return its training loss and its errors on the test windows."""
    fitted = fit_model(model, x, y, fold).model
    errors = sum_errors(y, fitted.predict(x[fold.test]), fold)
    return errors | {"course": np.array(fitted.training_["train_loss"])[:, 0]}


def fit_planes_together(
    model: DeckNetwork, planes: dict[str, np.ndarray], fold: Fold, mapped: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Fit one network to all planes; return its errors, and its latents of what is `mapped`.

    Latents are (plane, time, latent).
    """
    n_windows = len(next(iter(planes.values())))
    every = np.concatenate([*planes.values()])
    train, test = (
        np.concatenate([n_windows * number + part for number in range(len(planes))])
        for part in fold
    )
    fitted = fit_model(model, every, every, Fold(train, test)).model
    errors = [sum_errors(x, fitted.predict(x[fold.test]), fold) for x in planes.values()]
    latents = [fitted.transform(x).reshape(-1, model.n_latents) for x in mapped.values()]
    empty = np.empty((0, 0, model.n_latents))
    return join_neurons(errors) | {"latents": np.array(latents or empty, dtype=np.float32)}


def reduce_windows(x: np.ndarray, fold: Fold, n_components: int) -> dict[str, Any]:
    """Return the errors of rebuilding test windows from components of the training windows."""
    mean, axes, _ = find_principal_axes(x[fold.train].reshape(-1, x.shape[2]), n_components)
    centered = x[fold.test] - mean
    return sum_errors(x, mean + (centered @ axes.T) @ axes, fold)


def sum_errors(y: np.ndarray, predicted: np.ndarray, fold: Fold) -> dict[str, Any]:
    """Return squared errors of a prediction and of each neuron's training mean, (window, neuron).

    They are sums over the bins of a window.
    """
    truth, mean = y[fold.test], y[fold.train].mean(axis=(0, 1), dtype=float)
    return {
        "error": np.square(truth - predicted).sum(axis=1, dtype=float),
        "null": np.square(truth - mean).sum(axis=1, dtype=float),
        "n_bins": y.shape[1],
    }


def join_neurons(errors: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the errors of several planes on the same windows as those of one."""
    return _join(errors, axis=1)


def join_windows(errors: Sequence[Arrays]) -> dict[str, Any]:
    """Return the errors of several folds as those of one."""
    return _join(errors, axis=0)


def _join(errors: Sequence[dict[str, Any]], axis: int) -> dict[str, Any]:
    joined = {key: np.concatenate([one[key] for one in errors], axis) for key in ("error", "null")}
    return joined | {"n_bins": errors[0]["n_bins"]}


def measure_mse(name: str, errors: dict[str, Any], seed: int, *, interval: bool = True) -> Measure:
    """Return the mean squared error, with its interval by resampling the windows."""
    size = np.full_like(errors["error"], float(errors["n_bins"]))
    measure = _measure(name, RatioScores(errors["error"], size), "mse", "pooled", seed)
    return measure if interval else replace(measure, low=None, high=None)


def measure_r2(name: str, errors: dict[str, Any], seed: int) -> Measure:
    """Return R² above each neuron's training mean, averaged over neurons, with its interval."""
    ratios = RatioScores(errors["null"] - errors["error"], errors["null"])
    return _measure(name, ratios, "r2", "per_neuron", seed)


def measure_share(name: str, errors: dict[str, Any], seed: int) -> Measure:
    """Return the share of all variance about the training means that is explained.

    Unlike R² by neuron it is the mean squared error said otherwise: neurons that vary weigh most.
    """
    ratios = RatioScores(errors["null"] - errors["error"], errors["null"])
    return _measure(name, ratios, "variance", "pooled", seed)


def measure_null(name: str, errors: dict[str, Any], seed: int) -> Measure:
    """Return the mean squared error of saying each neuron's training mean."""
    size = np.full_like(errors["null"], float(errors["n_bins"]))
    return _measure(name, RatioScores(errors["null"], size), "mse", "pooled", seed)


def _measure(name: str, ratios: RatioScores, unit: str, how: str, seed: int) -> Measure:
    weights = draw_bootstrap_weights(len(ratios.numerator), N_RESAMPLES, seed)
    interval = compute_interval(ratios, weights, how)
    return Measure(name, interval.value, unit, interval.low, interval.high)
