"""Intervals that allow for models having been learnt from the same trials."""

import numpy as np
from scipy import stats

from spikecast.core.checks import check_in_range
from spikecast.scoring.ratio_scores import LEVEL


def compute_refit_limits(
    value: np.ndarray, resampled: np.ndarray, folds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return 95 % limits that allow for the models having been learnt from the same trials.

    A bootstrap over scored trials holds the fitted models fixed. That is right for comparing
    models, but a difference whose expectation over models is 0 then strays from 0 too often: in
    simulations of a shared input its standard error is 1.3 times (flow) to 1.5 times (joint
    correlation) the bootstrap's. The distance of either limit from the value is therefore
    multiplied by ``sqrt(1 + folds / (folds - 1))``, the correction of Nadeau & Bengio (2003) for
    the overlap of training sets, which errs on the wide side.

    `value` is an array (...), `resampled` (resample, ...): NaN where one has nothing to score.

    Examples
    --------
    >>> low, high = compute_refit_limits(np.array(0.0), np.linspace(-1, 1, 201), folds=5)
    >>> low.round(3), high.round(3)
    (np.float64(-1.425), np.float64(1.425))
    """
    check_in_range("folds", folds, 2)
    low, high = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    widening = np.sqrt(1 + folds / (folds - 1))
    return value - widening * (value - low), value + widening * (high - value)


def compute_fold_limits(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean over folds of something a model learnt, and its 95 % limits.

    Each fold's model saw all trials but its own part, so what they learnt differs much less than
    what models of other recordings would: the limits are those of the delete-a-group jackknife
    (Quenouille 1956; Kott 2001), with a standard error of ``(k - 1) / sqrt(k)`` times the standard
    deviation over k folds. Where folds also draw other starting values it errs on the wide side.

    `values` is an array (fold, ...).

    Examples
    --------
    >>> mean, low, high = compute_fold_limits(np.array([1.0, 1.1, 0.9, 1.0, 1.0]))
    >>> float(mean), low.round(2), high.round(2)
    (1.0, np.float64(0.65), np.float64(1.35))
    """
    folds = len(values)
    check_in_range("folds", folds, 2)
    mean = values.mean(axis=0)
    error = (folds - 1) / np.sqrt(folds) * values.std(axis=0, ddof=1)
    reach = stats.t.ppf((1 + LEVEL) / 2, folds - 1) * error
    return mean, mean - reach, mean + reach
