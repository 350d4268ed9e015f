"""Recurrent networks from sequence to sequence, and the reference recipe of the decks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spikecast.models.networks.plan import Plan
from spikecast.models.neural import LATENT_SPACE, NeuralModel, pick_settings
from spikecast.models.spaces import Between, Space
from spikecast.tasks.splits import Fold

if TYPE_CHECKING:
    from torch import Tensor

    from spikecast.models.networks.network import Network


@dataclass(eq=False, repr=False)
class RecurrentModel(NeuralModel):
    """Base class of :class:`RNN`, :class:`GRU` and :class:`LSTM`, which say which cell.

    Principal components of the smoothed source -> input dropout -> recurrent layers, in both
    directions unless `causal` -> dropout -> linear readout of the log rate (for continuous targets,
    of the mean).
    """

    search_space: ClassVar[Space] = LATENT_SPACE
    cell: ClassVar[str]

    n_latents: int = 32
    n_layers: int = 1
    widths: Sequence[float] = (1.0, 3.0)
    n_components: int = 60
    dropout: float = 0.4
    causal: bool = False
    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 0.005
    weight_decay: float = 0.1
    patience: int | None = 8
    device: str = "auto"
    seed: int = 0

    def _build_network(self, n_features: int, n_targets: int) -> "Network":
        from spikecast.models.networks.recurrent import Recurrent

        settings = pick_settings(self, Recurrent)
        return Recurrent(self._kind, self.cell, n_features, n_targets=n_targets, **settings)


class RNN(RecurrentModel):
    """Recurrent network of tanh units, from sequence to sequence on population features.

    {recurrent}
    """

    title = "RNN"
    about = "tanh RNN from sequence to sequence on population features"
    paper = "Elman 1990"
    cell = "rnn"


class GRU(RecurrentModel):
    """Gated recurrent units, from sequence to sequence on population features.

    {recurrent}
    """

    title = "GRU"
    about = "GRU from sequence to sequence on population features"
    paper = "Cho et al. 2014"
    cell = "gru"


class LSTM(RecurrentModel):
    """Long short-term memory, from sequence to sequence on population features.

    {recurrent}
    """

    title = "LSTM"
    about = "LSTM from sequence to sequence on population features"
    paper = "Hochreiter & Schmidhuber 1997"
    cell = "lstm"


@dataclass(eq=False, repr=False)
class Recipe(NeuralModel):
    """The recipe of the published student projects, as it is: for comparison, not for use.

    Raw counts -> one-layer bidirectional tanh RNN, its two directions averaged -> linear ->
    softplus(beta=10). Adam on all training trials at once for a fixed number of iterations, without
    validation, dropout or weight decay. The output offset starts at the mean rate of the source,
    which is right only where source and target are alike.

    Parameters
    ----------
    n_latents : int
        States per direction.
    learning_rate : float
        Constant.
    n_iterations : int
        Steps, each on all training trials.
    {device}

    References
    ----------
    Neuromatch Academy, project template on the Steinmetz recordings.

    {example}
    """

    title = "reference recipe"
    about = "the RNN recipe of student projects, as it is: no validation, for comparison only"
    paper = "Neuromatch Academy template"
    kinds = ("counts",)
    # it has no validation part: how long it trains is how much it overfits
    search_space: ClassVar[Space] = {
        "n_latents": Between(2, 40, log=True),
        "learning_rate": Between(1e-3, 2e-2, log=True),
        "n_iterations": Between(20, 1000, log=True),
    }

    n_latents: int = 10
    learning_rate: float = 0.005
    n_iterations: int = 1000
    device: str = "auto"
    seed: int = 0

    def _fit_inputs(self, x: np.ndarray) -> np.ndarray:
        self.source_mean_ = float(x.mean(dtype=np.float64))
        return self._prepare_inputs(x)

    def _prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        return x.astype(np.float32)

    def _build_network(self, n_features: int, n_targets: int) -> "Network":
        from spikecast.models.networks.recurrent import RecipeNet

        return RecipeNet(n_features, self.n_latents, n_targets)

    def _set_offset(self, offset: "Tensor") -> None:
        offset.fill_(self.source_mean_)

    def _make_member_folds(self, n_trials: int) -> list[Fold]:
        return [Fold(np.arange(n_trials), np.arange(0))]

    def _make_plan(self) -> Plan:
        return Plan.plain(self.n_iterations, self.learning_rate)
