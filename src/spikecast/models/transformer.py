"""A transformer fitted by masked modelling: one fitted model for several questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from spikecast.core.checks import check_finite, check_same_shape, check_three_axes
from spikecast.core.errors import InputError, ShapeError
from spikecast.models.context import ContextModel
from spikecast.models.neural import EPOCHS, NETWORK_SPACE, pick_settings
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.reconstruction import ReconstructionModel
from spikecast.models.spaces import Between, OneOf, Space

if TYPE_CHECKING:
    from spikecast.models.networks.transformer import TransformerNet

TARGET_SHARE = 0.75  # of training steps that hide the targets
LARGEST_PART = 0.6  # of neurons that co-smoothing hides at most
NEURON_SHARE = 0.5  # of those that hide random sources as well, and not a whole area
ENTRY_SHARE = 0.25  # of entries that are hidden where the source is to be denoised


@dataclass(eq=False, repr=False)
class Transformer(ContextModel, ReconstructionModel):
    """Masked modelling over time, neurons and areas with a small transformer.

    The network sees source and target neurons with some entries hidden, and predicts those. Most
    training trials hide the targets (and random sources); the others hide random neurons, a whole
    area, the future, or a span of bins. So the fitted model predicts the targets best, and
    ``predict_masked`` answers other questions: co-smoothing, another area, forecasting. Where
    source and target are the same array, entries are hidden at random, and prediction denoises.

    Parameters
    ----------
    n_latents : int
        Width of the hidden states, per member; a multiple of twice `n_heads`.
    n_layers : int
        Attention blocks, one after the other.
    n_heads : int
        Attention heads of a block.
    n_members : int
        Networks that are trained side by side and averaged.
    {features}
    hide_areas : bool
        Hide whole areas of the source, which ``fit`` then needs: half of the training steps that
        hide the targets hide a source area as well, in place of random sources. The fitted model
        then predicts much better without an area (``predict_masked``). Targets are an area of
        their own; without this, all sources are one.
    dropout : float
        On tokens, within blocks and on the states that are read out.
    causal : bool
        Features and attention of the past only.
    {training}
    {device}
    {context}
    {held_out}

    Attributes
    ----------
    features_ : PopulationFeatures
        Of all neurons.

    References
    ----------
    Ye & Pandarinath 2021 (neural data transformer); Zhang et al. 2024, NeurIPS (masks over areas).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drive = np.repeat(rng.normal(size=(20, 5, 1)), 4, axis=1)
    >>> counts = rng.poisson(np.exp(drive - 1), size=(20, 20, 6))
    >>> model = Transformer(n_latents=16, n_members=1, epochs=2)
    >>> model.fit(counts[..., :4], counts[..., 4:]).predict(counts[..., :4]).shape
    (20, 20, 2)
    >>> past = np.zeros(counts.shape, dtype=bool); past[:, :15] = True
    >>> model.predict_masked(counts, past)[:, 15:].shape  # a forecast of all neurons
    (20, 5, 6)
    """

    title = "transformer"
    about = "masked modelling with a transformer over bins: hides time, neurons and areas"
    paper = "Ye & Pandarinath 2021; Zhang et al. 2024"
    search_space: ClassVar[Space] = NETWORK_SPACE | {
        "n_latents": OneOf((32, 64, 96)),  # a multiple of twice its four heads
        "n_layers": Between(1, 2),
        "epochs": EPOCHS,
    }

    n_latents: int = 64
    n_layers: int = 1
    n_heads: int = 4
    n_members: int = 3
    widths: Sequence[float] = (1.0, 3.0, 8.0)
    n_components: int = 40
    hide_areas: bool = False
    dropout: float = 0.2
    causal: bool = False
    epochs: int = 20
    batch_size: int = 8
    learning_rate: float = 0.006
    weight_decay: float = 0.5
    device: str = "auto"
    seed: int = 0
    context: str = "off"
    held_out_parts: int = 0

    def predict_masked(self, activity: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """Predict all neurons at all bins from the entries that are observed.

        Parameters
        ----------
        activity : array, (trial, time, neuron)
            Sources, then targets, in the order of ``fit``; what is not observed is ignored and
            may be NaN.
        observed : array of bool, (trial, time, neuron)

        Returns
        -------
        array, (trial, time, neuron)
            Expected values in the unit of `activity`, per bin. Only those of entries that are not
            observed are predictions; the model was not trained on the others.

        Raises
        ------
        ShapeError
            When the arrays differ in shape, or have another number of neurons than ``fit`` had.
        InputError
            When `observed` is not boolean, or an observed entry is NaN.
        """
        check_is_fitted(self, "n_targets_")
        activity, observed = np.asarray(activity), np.asarray(observed)
        check_same_shape("activity", activity, "observed", observed)
        check_three_axes("activity", activity)
        if observed.dtype != bool:
            raise InputError(f"observed holds {observed.dtype}; it must be boolean")
        if activity.shape[2] != len(self.unit_):
            raise ShapeError(
                f"activity has {activity.shape[2]} neurons; the model was fitted on "
                f"{len(self.unit_)}, sources and targets together"
            )
        seen = np.where(observed, activity, 0)
        check_finite("the observed part of activity", seen)
        z = np.concatenate([seen / self.unit_, observed], axis=2).astype(np.float32)
        return self._to_expected_values(self._run_network(z, "predict_masked"))

    def _make_examples(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.n_latents % (2 * self.n_heads):
            raise InputError(
                f"n_latents is {self.n_latents}; it must be a multiple of twice n_heads, "
                f"{2 * self.n_heads}"
            )
        return super()._make_examples(x, y)

    def _fit_inputs(self, x: np.ndarray) -> np.ndarray:
        return self._append_roots(super()._fit_inputs(x))

    def _prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        return self._append_roots(super()._prepare_inputs(x))

    def _append_roots(self, z: np.ndarray) -> np.ndarray:
        """Return activity and, beside it, its roots, (trial, time, (1 + width) * neuron)."""
        return np.concatenate([z, self.features_.roots(z)], axis=2)

    def _fit_features(self, z: np.ndarray) -> None:
        self.features_ = PopulationFeatures(self.widths, self.n_components, self.causal).fit(z)

    def _build_network(self, n_features: int, n_targets: int) -> "TransformerNet":
        import torch

        from spikecast.models.networks import masks
        from spikecast.models.networks.layers import Features
        from spikecast.models.networks.transformer import TransformerNet

        targets = torch.arange(n_targets) >= (n_targets if self.same_ else self.n_sources_)
        labels = targets.long()
        if self.hide_areas:
            labels = torch.full((n_targets,), int(self.areas_.max()) + 1)
            labels[: self.n_sources_] = torch.as_tensor(self.areas_)
        hide_neurons, hide_area = masks.SomeNeurons(LARGEST_PART), masks.OneGroup(labels)
        sources: masks.Scheme = hide_neurons
        if self.hide_areas:
            sources = masks.Mixture(hide_neurons, [hide_area], NEURON_SHARE)
        main: masks.Scheme = masks.Both(masks.Always(targets), sources)
        if self.same_:
            main = masks.Entries(ENTRY_SHARE)
        others = [hide_neurons, hide_area, masks.Future(), masks.Span()]
        return TransformerNet(
            self._kind,
            # the first feature has this standard deviation; 2 trains in fewer steps than 1
            Features(self.features_, scale=2.0),
            labels,
            targets,
            masks.Mixture(main, others, TARGET_SHARE),
            self.features_.n_features_,
            **pick_settings(self, TransformerNet) | {"n_members": self._count_networks()},
        )
