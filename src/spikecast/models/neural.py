"""Networks as estimators: population features in, log rates (or means) out."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import cast

import numpy as np
import torch

from spikecast.models.base import Model
from spikecast.models.inner import inner_folds
from spikecast.nn.network import Network
from spikecast.nn.recurrent import RecipeNet, Recurrent
from spikecast.nn.timescales import Timescales as TimescalesNet
from spikecast.nn.training import Plan, pick_device, train
from spikecast.preprocess import PopulationFeatures
from spikecast.splits import Fold

VALID_PARTS = 5  # a member is stopped on one fifth of the training trials
MAX_LOG_RATE = 5.0
CHUNK = 64  # trials per pass when predicting


class NeuralModel(Model):
    """Base class: fits a network with the one training loop.

    Subclasses say how to build the network and how to train it.

    Attributes
    ----------
    network_ : Network
    sizes_ : dict
        What the network was built with.
    training_ : dict
        :class:`spikecast.nn.training.History`: losses per epoch and member, best epochs, seconds.
    center_, scale_ : array, (target,)
        Log of the mean count, and 1; for continuous targets their mean and standard deviation.
    """

    device: str
    seed: int
    _input_scale = np.float32(1.0)

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        """Learn the preprocessing and return the network's input, (trial, time, feature)."""
        raise NotImplementedError

    def _prepared(self, x: np.ndarray) -> np.ndarray:
        """Return the network's input with the preprocessing learnt before."""
        raise NotImplementedError

    def _build(self, n_features: int, n_targets: int) -> Network:
        raise NotImplementedError

    def _initialize(self, network: Network) -> None:
        """Give weights the values they start from, where drawing them is not enough."""
        self._set_offset(network.offset)

    def _set_offset(self, offset: torch.Tensor) -> None:
        """Start at the mean rate; an output that starts elsewhere costs thousands of steps."""
        if self.counts_:
            offset += torch.as_tensor(self.center_, dtype=torch.float32)

    def _plan(self) -> Plan:
        raise NotImplementedError

    def _member_folds(self, n_trials: int, n_members: int) -> list[Fold]:
        """Each member stops on another part of the training trials."""
        parts = inner_folds(n_trials, VALID_PARTS, self.seed)
        return [parts[member % len(parts)] for member in range(n_members)]

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        z, y = self._examples(x, y)
        n_members = int(getattr(self, "n_members", 1))
        self._train(self._started, z, y, self._member_folds(len(z), n_members))

    def _examples(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Learn the preprocessing; return input and target as the network is trained on them."""
        z = self._inputs(x)
        y = y.astype(np.float32)
        mean = y.mean(axis=(0, 1), dtype=np.float64)
        if self.counts_:
            self.center_ = np.log(np.maximum(mean, 0.5 / (y.shape[0] * y.shape[1])))
            self.scale_ = np.ones_like(mean)
        else:
            self.center_, self.scale_ = mean, np.maximum(y.std(axis=(0, 1)), 1e-6)
            y = ((y - self.center_) / self.scale_).astype(np.float32)

        self.sizes_ = {"n_features": z.shape[2], "n_targets": y.shape[2]}
        return z, y

    def _started(self) -> Network:
        """Return the network as training finds it."""
        network = self._build(**self.sizes_)
        with torch.no_grad():
            self._initialize(network)
        return network

    def _train(
        self, build: Callable[[], Network], z: np.ndarray, y: np.ndarray, folds: Sequence[Fold]
    ) -> None:
        self.network_, history = train(
            build,
            torch.from_numpy(z),
            torch.from_numpy(y),
            folds,
            self._plan(),
            self.seed,
            pick_device(self.device),
        )
        self.training_ = asdict(history)

    @torch.no_grad()
    def _outputs(self, z: np.ndarray, function: str) -> torch.Tensor:
        """Run a method of the network in chunks of trials: (member, trial, time, output)."""
        device = pick_device(self.device)
        network = self.network_.to(device)
        run = getattr(network, function)
        parts = [
            run(part.to(device).expand(network.n_members, *part.shape)).cpu()
            for part in torch.from_numpy(z).split(CHUNK)
        ]
        self.network_.cpu()
        return torch.cat(parts, dim=1)

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return self._expected(self._outputs(self._prepared(x), "forward"))

    def _expected(self, outputs: torch.Tensor) -> np.ndarray:
        """Turn the members' outputs into one expected value in the targets' unit."""
        # members are averaged in log rate: their geometric mean
        output = outputs.mean(dim=0).numpy().astype(np.float64)
        if self.counts_:
            return np.exp(np.minimum(output, MAX_LOG_RATE))
        return output * self.scale_ + self.center_

    def _transform(self, x: np.ndarray) -> np.ndarray:
        latents = self._outputs(self._prepared(x), "latents")
        # member x trial x time x latent -> trial x time x (member, latent)
        return latents.permute(1, 2, 0, 3).flatten(2).numpy()


class Timescales(NeuralModel):
    """Latents that each have a learnt time constant, read out through gates: the default model.

    Square root of smoothed activity -> principal components -> linear read-in -> one exponential
    filter per latent -> dropout -> linear and gated linear readout -> log rate. Several members
    are trained side by side, each stopped on another fifth of the training trials, and averaged
    in log rate.

    Parameters
    ----------
    n_latents : int
        Per member.
    n_members : int
    widths : sequence of float
        Smoothing widths in bins, side by side.
    n_components : int
        Principal components per width.
    time_constants : (float, float)
        Range in bins in which the time constants start.
    dropout : float
        Of latents.
    causal : bool
        Smooth and filter over the past only; otherwise latents are acausal.
    epochs, batch_size, learning_rate, weight_decay
        See :class:`spikecast.nn.training.Plan`.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    seed : int

    Attributes
    ----------
    features_ : PopulationFeatures
    time_constants_ : array, (member * latent,)
        In bins, aligned with the latents that ``transform`` returns.

    Examples
    --------
    >>> import spikecast
    >>> from spikecast.tasks import AreaToArea
    >>> problem = AreaToArea("MOs").problem(spikecast.load("simulated"))
    >>> model = Timescales(n_members=1, epochs=1).fit(problem.x[:40], problem.y[:40])
    >>> model.transform(problem.x[40:42]).shape
    (2, 250, 48)
    """

    about = "latents with learnt time constants, gated readout, three members: the default"
    paper = "spikecast"

    def __init__(
        self,
        n_latents: int = 48,
        n_members: int = 3,
        widths: Sequence[float] = (1.0, 3.0, 8.0),
        n_components: int = 40,
        time_constants: tuple[float, float] = (0.2, 10.0),
        dropout: float = 0.4,
        causal: bool = False,
        epochs: int = 12,
        batch_size: int = 8,
        learning_rate: float = 0.01,
        weight_decay: float = 0.5,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.n_latents = n_latents
        self.n_members = n_members
        self.widths = widths
        self.n_components = n_components
        self.time_constants = time_constants
        self.dropout = dropout
        self.causal = causal
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.device = device
        self.seed = seed

    # the first feature has this standard deviation; 2 trains in fewer steps than 1
    _input_scale = np.float32(2.0)

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        self.features_ = PopulationFeatures(self.widths, self.n_components, self.causal)
        return self.features_.fit_transform(x) * self._input_scale

    def _prepared(self, x: np.ndarray) -> np.ndarray:
        return self.features_.transform(x) * self._input_scale

    def _build(self, n_features: int, n_targets: int) -> Network:
        return TimescalesNet(
            "counts" if self.counts_ else "continuous",
            n_features,
            self.n_latents,
            n_targets,
            self.n_members,
            self.time_constants,
            self.dropout,
            self.causal,
        )

    def _plan(self) -> Plan:
        return Plan(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )

    @property
    def time_constants_(self) -> np.ndarray:
        """Learnt time constants in bins, (member * latent,)."""
        constants = cast(TimescalesNet, self.network_).log_time_constant.detach().exp()
        return constants.flatten().numpy()


class RecurrentModel(NeuralModel):
    """Principal components -> input dropout -> recurrent layers -> dropout -> linear readout.

    Base class of :class:`RNN`, :class:`GRU` and :class:`LSTM`, which say which cell.

    Parameters
    ----------
    n_latents : int
        Per direction.
    n_layers : int
    widths, n_components
        Of the input features, as in :class:`Timescales`.
    dropout : float
        On inputs and states.
    causal : bool
        One direction and causal smoothing.
    epochs, batch_size, learning_rate, weight_decay, patience
        See :class:`spikecast.nn.training.Plan`.
    device : str
    seed : int
    """

    cell: str

    def __init__(
        self,
        n_latents: int = 32,
        n_layers: int = 1,
        widths: Sequence[float] = (1.0, 3.0),
        n_components: int = 60,
        dropout: float = 0.4,
        causal: bool = False,
        epochs: int = 30,
        batch_size: int = 16,
        learning_rate: float = 0.005,
        weight_decay: float = 0.1,
        patience: int | None = 8,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.n_latents = n_latents
        self.n_layers = n_layers
        self.widths = widths
        self.n_components = n_components
        self.dropout = dropout
        self.causal = causal
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.device = device
        self.seed = seed

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        self.features_ = PopulationFeatures(self.widths, self.n_components, self.causal)
        return self.features_.fit_transform(x)

    def _prepared(self, x: np.ndarray) -> np.ndarray:
        return self.features_.transform(x)

    def _build(self, n_features: int, n_targets: int) -> Network:
        return Recurrent(
            "counts" if self.counts_ else "continuous",
            self.cell,
            n_features,
            self.n_latents,
            n_targets,
            self.n_layers,
            self.dropout,
            self.causal,
        )

    def _plan(self) -> Plan:
        return Plan(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
        )


class RNN(RecurrentModel):
    """Vanilla tanh RNN from sequence to sequence; parameters of :class:`RecurrentModel`."""

    about = "tanh RNN from sequence to sequence on population features"
    paper = "Elman 1990"
    cell = "rnn"


class GRU(RecurrentModel):
    """GRU from sequence to sequence; parameters of :class:`RecurrentModel`."""

    about = "GRU from sequence to sequence on population features"
    paper = "Cho et al. 2014"
    cell = "gru"


class LSTM(RecurrentModel):
    """LSTM from sequence to sequence; parameters of :class:`RecurrentModel`."""

    about = "LSTM from sequence to sequence on population features"
    paper = "Hochreiter & Schmidhuber 1997"
    cell = "lstm"


class Recipe(NeuralModel):
    """The reference recipe of the published decks, exactly: here for comparison, not for use.

    Raw counts -> one-layer bidirectional tanh RNN, its two directions averaged -> linear ->
    softplus(beta=10). Adam on all training trials at once for a fixed number of iterations, no
    validation, no dropout, no decay; the output offset starts at the source population's mean rate
    per bin (the recipe's own choice, which is right only where source and target are alike).

    Parameters
    ----------
    n_latents : int
    learning_rate : float
    n_iterations : int
    device : str
    seed : int
    """

    about = "the decks' RNN recipe, as it is: no validation, no dropout, for comparison only"
    paper = "Neuromatch Academy template"
    kinds = ("counts",)

    def __init__(
        self,
        n_latents: int = 10,
        learning_rate: float = 0.005,
        n_iterations: int = 1000,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.n_latents = n_latents
        self.learning_rate = learning_rate
        self.n_iterations = n_iterations
        self.device = device
        self.seed = seed

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        self.source_mean_ = float(x.mean(dtype=np.float64))
        return self._prepared(x)

    def _prepared(self, x: np.ndarray) -> np.ndarray:
        return x.astype(np.float32)

    def _build(self, n_features: int, n_targets: int) -> Network:
        return RecipeNet(n_features, self.n_latents, n_targets)

    def _initialize(self, network: Network) -> None:
        """Give weights the values they start from, where drawing them is not enough."""
        self._set_offset(network.offset)

    def _set_offset(self, offset: torch.Tensor) -> None:
        offset.fill_(self.source_mean_)

    def _member_folds(self, n_trials: int, n_members: int) -> list[Fold]:
        return [Fold(np.arange(n_trials), np.arange(0))]

    def _plan(self) -> Plan:
        return Plan(
            epochs=self.n_iterations,
            min_steps=1,
            batch_size=None,
            learning_rate=self.learning_rate,
            warmup=None,
            weight_decay=0.0,
            clip=None,
        )
