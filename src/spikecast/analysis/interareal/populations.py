"""Populations of two areas: which neurons take part, their components, averages over lags."""

from typing import NamedTuple

import numpy as np

from spikecast.core.checks import check_in_range, check_kind, quote
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.core.notices import Notice
from spikecast.data.recording import Recording
from spikecast.models.preprocess import find_principal_axes, signed_sqrt, smooth
from spikecast.tasks.neuron_groups import drop_coincident_sources

MIN_RATE = 0.5  # Hz
AXES_WIDTH = 2.0  # bins; smoothing of the activity that principal axes are learnt from


class TwoPopulations(NamedTuple):
    """The numbers of the neurons of two areas that take part, and what is to be said of others."""

    source: np.ndarray
    target: np.ndarray
    notices: tuple[Notice, ...]


def check_two_areas(source: str, target: str) -> None:
    """Raise where source and target are one area, or one of them is no name."""
    for what, area in (("source", source), ("target", target)):
        if not isinstance(area, str):
            raise InputError(f"{what} is {quote(area)}; it must be the name of one area")
    if source == target:
        raise InputError(f"source and target are both '{source}'; choose two areas")


def select_neurons(recording: Recording, area: str, min_rate: float = MIN_RATE) -> np.ndarray:
    """Return the indices of an area's neurons that, for counts, fire at `min_rate` Hz or more.

    An area that is not recorded, or with fewer than 2 such neurons, is refused.
    """
    check_in_range("min_rate (Hz)", min_rate, 0)
    inside = recording.in_area(area)
    if recording.kind == "counts":
        inside &= recording.firing_rate >= min_rate
    if inside.sum() < 2:
        raise NotEnoughDataError(
            f"area '{area}' has {inside.sum()} neurons of at least {min_rate:g} Hz; "
            "at least 2 are needed"
        )
    return np.flatnonzero(inside)


def select_two_populations(
    recording: Recording, source: str, target: str, min_rate: float = MIN_RATE
) -> TwoPopulations:
    """Return the neurons of two areas as :func:`select_neurons`, none of them recorded twice.

    A source neuron that looks like one of the target is left out. Fewer than 2 are refused.
    """
    check_kind(recording, Recording)
    check_two_areas(source, target)
    chosen = [select_neurons(recording, area, min_rate) for area in (source, target)]
    masks = [np.isin(np.arange(recording.n_neurons), some) for some in chosen]
    kept, notices = drop_coincident_sources(recording, *masks)
    if kept.sum() < 2:
        raise NotEnoughDataError(
            f"area '{source}' has {kept.sum()} neurons that do not look like neurons of '{target}' "
            "recorded twice; at least 2 are needed"
        )
    return TwoPopulations(np.flatnonzero(kept), chosen[1], notices)


def project_components(x: np.ndarray, train: np.ndarray, n_components: int) -> np.ndarray:
    """Return single bins projected on axes of smoothed training trials, (trial, time, component).

    The axes come from smoothed activity, where what neurons share outweighs the noise of single
    bins; what is projected is not smoothed, so a value belongs to its bin alone. Components are
    centred on the training trials, the first one's standard deviation in single bins being 1.
    """
    n_neurons = x.shape[2]
    learnt = signed_sqrt(smooth(x[train], AXES_WIDTH)).reshape(-1, n_neurons)
    _, axes, _ = find_principal_axes(learnt, n_components)
    scores = signed_sqrt(x.astype(np.float32)) @ axes.T
    scores -= scores[train].mean(axis=(0, 1))
    scale = scores[train][..., 0].std()
    return scores / (scale if scale > 0 else 1.0)


def average_lags(z: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return the mean of the bins t - last to t - first, zero where the trial has not begun.

    From `first` = 1 on the present is not used.

    Examples
    --------
    >>> average_lags(np.arange(1.0, 6.0).reshape(1, 5, 1), 1, 2)[0, :, 0]
    array([0. , 0.5, 1.5, 2.5, 3.5])
    """
    total = np.zeros_like(z)
    for lag in range(first, min(last, z.shape[1] - 1) + 1):
        total[:, lag:] += z[:, : z.shape[1] - lag]
    return total / (last - first + 1)
