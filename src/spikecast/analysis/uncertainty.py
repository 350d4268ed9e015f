"""Intervals of cross-validated scores whose null is about the population, not the fitted models."""

import numpy as np

from spikecast.checks import in_range
from spikecast.evaluation.terms import LEVEL


def refit_limits(
    value: np.ndarray, resampled: np.ndarray, folds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return 95 % limits that allow for the models having been learnt from the same trials.

    A bootstrap over scored trials holds the fitted models fixed. That is right for comparing
    models, but a difference whose expectation over models is 0 then strays from 0 too often: in
    simulations of a shared input its standard error is 1.3 times (flow) to 1.5 times (joint
    correlation) the bootstrap's. The distance of either limit from the value is therefore
    multiplied by ``sqrt(1 + folds / (folds - 1))``, the correction of Nadeau & Bengio (2003) for
    the overlap of training sets, which errs on the wide side.

    Parameters
    ----------
    value : array, (...)
    resampled : array, (resample, ...)
        NaN where a resample has nothing to score.
    folds : int

    Returns
    -------
    low, high : array, (...)

    Examples
    --------
    >>> low, high = refit_limits(np.array(0.0), np.linspace(-1, 1, 201), folds=5)
    >>> low.round(3), high.round(3)
    (np.float64(-1.425), np.float64(1.425))
    """
    in_range("folds", folds, 2)
    low, high = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    widening = np.sqrt(1 + folds / (folds - 1))
    return value - widening * (value - low), value + widening * (high - value)
