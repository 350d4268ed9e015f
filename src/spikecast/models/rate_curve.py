"""A rising curve per target that predicted log rates are passed through.

Log rates that explain held-out trials best under one factor are too far from the mean where they
are large, and often not far enough where they are small: a neuron's rate is no exponential of what
drives it. The curve is straight between half, once, twice and four times the mean rate and beyond
them, so there are five slopes, none below 0; with slopes of 1 nothing changes.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from spikecast.models.stacking_weights import fit_stacking_weights

KNOTS = np.log([0.5, 1.0, 2.0, 4.0])  # log rates above the mean's
PULL = 10.0  # spikes with which a target's slopes are drawn towards those that all share
SHARED_PULL = 100.0  # spikes with which the shared slopes are drawn towards 1


def fit_rate_curve(distance: np.ndarray, y: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Return the slopes (piece, target) that explain held-out counts best.

    `distance` (trial, time, target) are held-out log rates minus `center`, (target,) or in the
    shape of `y`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> distance = rng.normal(size=(200, 50, 1))
    >>> y = rng.poisson(np.exp(np.minimum(distance, 0.7)))  # twice the mean rate at most
    >>> fit_rate_curve(distance, y, np.zeros(1)).round().ravel()
    array([1., 1., 1., 0., 0.])
    """
    pieces = np.stack([piece.astype(np.float32) for piece in _cut_at_knots(distance)])
    return fit_stacking_weights(pieces, y, center, True, PULL, (1.0, SHARED_PULL))


def apply_rate_curve(distance: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return `distance` (trial, time, target) passed through the curves of `slopes`.

    Examples
    --------
    >>> distance = np.log([0.25, 1.0, 3.0, 16.0]).reshape(1, 4, 1)
    >>> np.exp(apply_rate_curve(distance, np.array([[1.0], [1], [1], [1], [0]]))).ravel().round(2)
    array([0.25, 1.  , 3.  , 4.  ])
    """
    bent = np.zeros(distance.shape)
    for piece, slope in zip(_cut_at_knots(distance), slopes, strict=True):
        bent += slope * piece
    return bent


def _cut_at_knots(distance: np.ndarray) -> Iterator[np.ndarray]:
    """Yield what lies between two knots of the way from 0; all of them add up to `distance`."""
    ends = [-np.inf, *KNOTS, np.inf]
    for low, high in pairwise(ends):
        yield np.clip(distance, low, high) - np.clip(0.0, low, high)
