"""Latents that each have a learnt time constant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from spikecast.core.errors import InputError
from spikecast.models.context import ContextModel
from spikecast.models.neural import EPOCHS, LATENT_SPACE, NeuralModel, pick_settings
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import OneOf, Space

if TYPE_CHECKING:
    from spikecast.models.networks.network import Network
    from spikecast.models.networks.timescales import TimescalesNet


@dataclass(eq=False, repr=False)
class Timescales(ContextModel, NeuralModel):
    """Latents that each have a learnt time constant, read out through gates.

    Square root of smoothed activity -> principal components -> linear read-in -> one exponential
    filter per latent -> dropout -> linear and gated linear readout -> log rate. Several members
    are trained side by side, each stopped on another fifth of the training trials, and averaged
    in log rate.

    Parameters
    ----------
    {timescales}

    Attributes
    ----------
    features_ : PopulationFeatures
    time_constants_ : array, (member * layer * latent,)
        In bins, aligned with the latents that ``transform`` returns.

    Examples
    --------
    >>> import spikecast
    >>> from spikecast.tasks.tasks import AreaToArea
    >>> problem = AreaToArea("MOs").problem(spikecast.load("simulated"))
    >>> model = Timescales(n_members=1, epochs=1).fit(problem.x[:40], problem.y[:40])
    >>> model.transform(problem.x[40:42]).shape
    (2, 250, 48)
    """

    title = "timescales"
    about = "latents with learnt time constants, gated readout, three members"
    paper = "spikecast"
    search_space: ClassVar[Space] = LATENT_SPACE | {
        "epochs": EPOCHS,
        # where the time constants start (bins); they move little in a short training
        "time_constants": OneOf(((0.2, 10.0), (0.2, 3.0), (0.5, 30.0), (2.0, 50.0))),
    }

    n_latents: int = 48
    n_members: int = 3
    widths: Sequence[float] = (1.0, 3.0, 8.0)
    n_components: int = 40
    time_constants: tuple[float, float] = (0.2, 10.0)
    dropout: float = 0.4
    causal: bool = False
    n_layers: int = 1
    epochs: int = 12
    batch_size: int = 8
    learning_rate: float = 0.01
    weight_decay: float = 0.5
    device: str = "auto"
    seed: int = 0
    context: str = "off"
    future_only: bool = False
    held_out_parts: int = 0

    # the first feature has this standard deviation; 2 trains in fewer steps than 1
    _input_scale = np.float32(2.0)

    def _make_features(self) -> PopulationFeatures:
        if self.causal and self.future_only:
            raise InputError("causal and future_only leave nothing but the bin itself; take one")
        return PopulationFeatures(self.widths, self.n_components, self.causal, self.future_only)

    def _build_network(self, n_features: int, n_targets: int) -> "Network":
        from spikecast.models.networks.timescales import TimescalesNet

        settings = pick_settings(self, TimescalesNet) | {"n_members": self._count_networks()}
        return TimescalesNet(self._kind, n_features, n_targets=n_targets, **settings)

    def _fit_on_top(self, x: np.ndarray, y: np.ndarray, base: np.ndarray) -> None:
        z, y = self._make_examples(x, y)
        natural = self._standardize(base)
        if self.counts_:  # the output starts at the base, not at the mean rate
            self.center_ = np.zeros_like(self.center_)
        self._train(self._start_network, z, np.concatenate([y, natural], axis=2))

    def _predict_on_top(self, x: np.ndarray, base: np.ndarray) -> np.ndarray:
        outputs = self._run_network(self._prepare_inputs(x), "forward")
        return self._to_expected_values(outputs + outputs.new_tensor(self._standardize(base)))

    def describe_fit(self) -> dict[str, Any]:
        """Return how training went, and the time constants."""
        return super().describe_fit() | {"time_constants_bins": self.time_constants_.tolist()}

    @property
    def time_constants_(self) -> np.ndarray:
        """Learnt time constants in bins, (member * layer * latent,)."""
        network = getattr(self.network_, "network", self.network_)  # an autoencoder wraps it
        constants = cast("TimescalesNet", network).time_constants
        return constants[self.held_out_parts :].flatten().numpy()
