"""Populations of two areas: which neurons take part, and their principal components."""

import numpy as np

from spikecast.core.errors import NotEnoughDataError
from spikecast.data.recording import Recording
from spikecast.models.preprocess import find_principal_axes, signed_sqrt, smooth


def select_neurons(recording: Recording, area: str, min_rate: float = 0.0) -> np.ndarray:
    """Return the indices of an area's neurons that fire at `min_rate` Hz or more.

    Raises
    ------
    UnknownNameError, NotEnoughDataError
        When the area is not recorded; when fewer than 2 of its neurons are left.
    """
    wanted = recording.in_area(area)
    if recording.kind == "counts":
        wanted &= recording.firing_rate >= min_rate
    if wanted.sum() < 2:
        raise NotEnoughDataError(
            f"area '{area}' has {wanted.sum()} neurons of at least {min_rate:g} Hz; "
            "at least 2 are needed"
        )
    return np.flatnonzero(wanted)


def project_components(
    x: np.ndarray, train: np.ndarray, n_components: int, width: float
) -> np.ndarray:
    """Project each single bin on axes learnt from smoothed activity of the training trials.

    The axes come from smoothed activity, where what neurons share outweighs the noise of single
    bins; what is projected is not smoothed, so a value belongs to its bin alone.

    Parameters
    ----------
    x : array, (trial, time, neuron)
    train : array of int
        The trials to learn from.
    n_components : int
    width : float
        Standard deviation of the smoothing in bins.

    Returns
    -------
    array of float32, (trial, time, component)
        Centred on the training trials, the first component's standard deviation in single bins
        being 1.
    """
    n_neurons = x.shape[2]
    learnt = signed_sqrt(smooth(x[train], width)).reshape(-1, n_neurons)
    _, axes, _ = find_principal_axes(learnt, n_components)
    scores = signed_sqrt(x.astype(np.float32)) @ axes.T
    scores -= scores[train].mean(axis=(0, 1))
    scale = scores[train][..., 0].std()
    return scores / (scale if scale > 0 else 1.0)
