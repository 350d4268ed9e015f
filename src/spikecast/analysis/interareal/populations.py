"""What the geometry analyses share: activity out of a recording, neurons of an area, conditions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spikecast.core.checks import check_finite, check_one_of, check_three_axes
from spikecast.core.errors import NotEnoughDataError
from spikecast.data.recording import Recording
from spikecast.models.preprocess import principal_axes, signed_sqrt, smooth

STIMULUS = ("contrast_left", "contrast_right")


def activity_of(data: Recording | np.ndarray) -> np.ndarray:
    """Return (trial, time, neuron) from a recording, or the array itself once checked.

    Examples
    --------
    >>> activity_of(np.zeros((3, 4, 2))).shape
    (3, 4, 2)
    """
    if isinstance(data, Recording):
        return data.activity
    data = np.asarray(data)
    check_three_axes("activity", data)
    check_finite("activity", data)
    return data


def members(recording: Recording, area: str, min_rate: float = 0.0) -> np.ndarray:
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


def conditions(trials: pd.DataFrame, columns: Sequence[str] | None = None) -> np.ndarray:
    """Number the distinct combinations of trial columns, (trial,).

    Parameters
    ----------
    trials : DataFrame
        One row per trial.
    columns : sequence of str, optional
        By default the contrasts, where the recording has them; else all trials are alike.

    Examples
    --------
    >>> conditions(pd.DataFrame({"contrast_left": [0, 1, 0], "contrast_right": [0, 0, 0]}))
    array([0, 1, 0])
    """
    if columns is None:
        columns = [name for name in STIMULUS if name in trials]
    for name in columns:
        check_one_of("trial column", name, list(trials))
    if not columns:
        return np.zeros(len(trials), dtype=int)
    return trials.groupby(list(columns), sort=True, dropna=False).ngroup().to_numpy()


def shuffled_within(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Permute trials among those of the same label, (trial,).

    Examples
    --------
    >>> order = shuffled_within(np.array([0, 0, 1, 1]), np.random.default_rng(0))
    >>> sorted(order[:2]), sorted(order[2:])
    ([np.int64(0), np.int64(1)], [np.int64(2), np.int64(3)])
    """
    order = np.arange(labels.size)
    for label in np.unique(labels):
        here = np.flatnonzero(labels == label)
        order[here] = rng.permutation(here)
    return order


def components(x: np.ndarray, train: np.ndarray, n_components: int, width: float) -> np.ndarray:
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
    _, axes, _ = principal_axes(learnt, n_components)
    scores = signed_sqrt(x.astype(np.float32)) @ axes.T
    scores -= scores[train].mean(axis=(0, 1))
    scale = scores[train][..., 0].std()
    return scores / (scale if scale > 0 else 1.0)
