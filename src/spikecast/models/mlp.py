"""A perceptron on a window of bins around each bin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spikecast.core.checks import check_in_range, check_one_of
from spikecast.models.base import is_counts
from spikecast.models.neural import EPOCHS, NETWORK_SPACE, NeuralModel, pick_settings
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import Between, OneOf, Space

if TYPE_CHECKING:
    from torch import Tensor

    from spikecast.models.networks.mlp import MLPNet

ACTIVATIONS = ("relu", "tanh", "sigmoid")


@dataclass(eq=False, repr=False)
class MLP(NeuralModel):
    """A window of bins -> hidden layers -> targets, with the source perturbed in training.

    Parameters
    ----------
    n_hidden : sequence of int
        Units of each hidden layer.
    activation : {"relu", "tanh", "sigmoid"}
    before, after : int
        Bins of the window before and after the one that is predicted; with `causal` there are none
        after it.
    stride : int
        Every so many bins of the window are used.
    widths : sequence of float
        Smoothing widths in bins; ``(0.0,)`` takes the bins as they are.
    n_components : int
        Principal components per width, in place of neurons.
    dropout : float
        Of inputs and hidden units.
    thinning : float
        Probability with which a spike of the source is dropped in training.
    jitter : int
        Bins by which a spike of the source is moved at most, in training.
    noise : float
        Standard deviation of what is added in training to a source that is no counts, in standard
        deviations of each neuron.
    causal : bool
        Window and smoothing of the past only.
    {training}
    {patience}
    {device}

    Attributes
    ----------
    features_ : PopulationFeatures
    spikes_ : bool
        Whether the source holds counts: those are thinned and jittered, anything else gets noise.
    spread_ : array, (neuron,)
        Standard deviation of the noise, where there is any.

    References
    ----------
    Rumelhart et al. 1986, Nature; Glaser et al. 2020, eNeuro (decoding from a window of bins).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drive = np.repeat(rng.normal(size=(20, 5, 1)), 4, axis=1)
    >>> x = rng.poisson(np.exp(drive), size=(20, 20, 6))
    >>> MLP(n_hidden=(8,), epochs=2).fit(x, 30 + drive).predict(x).shape
    (20, 20, 1)
    """

    title = "MLP"
    about = "perceptron on a window of bins, its source perturbed in training"
    paper = "Rumelhart et al. 1986; Glaser et al. 2020"
    search_space: ClassVar[Space] = NETWORK_SPACE | {
        "n_hidden": OneOf(((32,), (64,), (128,), (64, 64))),
        # the window (bins); after is not used where causal
        "before": Between(0, 20),
        "after": Between(0, 20),
        "thinning": Between(0.0, 0.3),
        "epochs": EPOCHS,
    }

    n_hidden: Sequence[int] = (64,)
    activation: str = "relu"
    before: int = 8
    after: int = 8
    stride: int = 4
    widths: Sequence[float] = (1.0, 3.0)
    n_components: int = 40
    dropout: float = 0.3
    thinning: float = 0.1
    jitter: int = 1
    noise: float = 0.0
    causal: bool = False
    epochs: int = 20
    batch_size: int = 8
    learning_rate: float = 0.006
    weight_decay: float = 0.3
    patience: int | None = None
    device: str = "auto"
    seed: int = 0

    def _fit_inputs(self, x: np.ndarray) -> np.ndarray:
        check_one_of("activation", self.activation, ACTIVATIONS)
        for name in ("before", "after", "jitter", "noise"):
            check_in_range(name, getattr(self, name), 0)
        check_in_range("stride", self.stride, 1)
        check_in_range("thinning", self.thinning, 0, 0.99)
        self.spikes_ = is_counts(x)
        if self.noise and not self.spikes_:
            self.spread_ = (self.noise * x.std(axis=(0, 1))).astype(np.float32)
        self.features_ = PopulationFeatures(self.widths, self.n_components, self.causal).fit(x)
        return self._prepare_inputs(x)

    def _prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        return np.require(x, np.float32, "W")  # no copy of a large one

    def _build_network(self, n_features: int, n_targets: int) -> "MLPNet":
        from spikecast.models.networks.layers import Features
        from spikecast.models.networks.mlp import MLPNet

        after = 0 if self.causal else self.after
        past = range(-self.stride, -self.before - 1, -self.stride)
        return MLPNet(
            self._kind,
            Features(self.features_),
            self._make_augment(),
            [*reversed(past), *range(0, after + 1, self.stride)],
            self.features_.n_features_,
            n_targets,
            **pick_settings(self, MLPNet),
        )

    def _make_augment(self) -> "Callable[[Tensor], Tensor]":
        """Return what changes the source in training."""
        from torch import nn

        from spikecast.models.networks.augment import add_noise, perturb_spikes

        if self.spikes_:
            return partial(perturb_spikes, thinning=self.thinning, jitter=self.jitter)
        if self.noise:
            return partial(add_noise, spread=self.spread_)
        return nn.Identity()
