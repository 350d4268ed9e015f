"""Scores as pure functions of arrays.

Counts have shape (trial, time, neuron) or anything else whose last axis is the neuron; a
prediction has exactly the shape of what it predicts, and nothing is ever broadcast.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy
from sklearn import metrics as sklearn_metrics

from spikecast.core.checks import (
    check_in_range,
    check_one_of,
    check_same_length,
    check_same_shape,
    check_three_axes,
    check_unmasked,
    describe_error,
    to_numeric,
)
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError

RATE_FLOOR = 1e-9
AGGREGATES = ("pooled", "per_neuron")


PSTH_WIDTHS = (0, 1, 2, 4, 8, 16, np.inf)  # bins


def _check_rate(y: np.ndarray, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return counts and rate, floored; refuse NaN, negative values and another shape."""
    y, rate = to_numeric("counts", y), to_numeric("rate", rate)
    check_same_shape("counts", y, "rate", rate)
    if not np.isfinite(rate).all() or (rate < 0).any():
        raise InputError("the predicted rate holds NaN or negative values, or infinite ones")
    return y, np.maximum(rate, RATE_FLOOR)


def _check_trials(what: str, y: np.ndarray) -> np.ndarray:
    """Return the array, (trial, time, neuron), once checked that it holds numbers and trials."""
    y = to_numeric(what, y)
    check_three_axes(what, y)
    if not y.size:
        raise NotEnoughDataError(f"{what} is empty: its shape is {y.shape}")
    return y


def log_likelihood(y: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return the Poisson log-likelihood of each element, ``y log r - r`` (nats).

    The log-factorial is left out.

    Parameters
    ----------
    y : array
        Counts; NaN is masked (contributes 0).
    rate : array, the shape of `y`
        Expected counts; floored at 1e-9.

    Returns
    -------
    array, the shape of `y`
    """
    y, rate = _check_rate(y, rate)
    likelihood = y * np.log(rate) - rate  # the floor keeps 0 log 0 out
    return np.where(np.isnan(y), 0.0, likelihood) if y.dtype.kind == "f" else likelihood


def bits_per_spike(
    y: np.ndarray, rate: np.ndarray, null_rate: np.ndarray, aggregate: str = "pooled"
) -> float:
    """Return the information gain over a null in bits per spike.

    ``[sum(y log r - r) - sum(y log r0 - r0)] / (ln 2 * sum y)`` (Pei et al. 2021, Neural Latents
    Benchmark).

    Parameters
    ----------
    y : array, (..., neuron)
        Counts; NaN is masked.
    rate, null_rate : array, the shape of `y`
        Expected counts per bin of the model and of the null (see :func:`null_rate`).
    aggregate : {"pooled", "per_neuron"}
        Sum over neurons first (spike-weighted), or the mean of each neuron's own score, neurons
        without a spike left out.

    Returns
    -------
    float
        Above 0 where the model beats the null.

    Raises
    ------
    NotEnoughDataError
        When there is no spike to score.

    Examples
    --------
    >>> y = np.array([[[0], [2]]])
    >>> flat, better = np.ones((1, 2, 1)), np.array([[[0.5], [1.5]]])
    >>> round(bits_per_spike(y, better, flat), 3)
    0.585
    >>> bits_per_spike(y, flat, flat)
    0.0
    """
    check_one_of("aggregate", aggregate, AGGREGATES)
    gain = log_likelihood(y, rate) - log_likelihood(y, null_rate)
    axes = tuple(range(gain.ndim - 1))
    gain, spikes = gain.sum(axis=axes), np.nansum(y, axis=axes, dtype=float)
    if not spikes.sum() > 0:
        raise NotEnoughDataError("there is no spike to score")
    if aggregate == "pooled":
        return float(gain.sum() / (np.log(2) * spikes.sum()))
    fired = spikes > 0
    return float(np.mean(gain[fired] / (np.log(2) * spikes[fired])))


def null_rate(y_train: np.ndarray, y_eval: np.ndarray, null: str = "train_mean") -> np.ndarray:
    """Return the rate a null predicts for `y_eval`, in its shape (trial, time, neuron).

    Parameters
    ----------
    y_train, y_eval : array, (trial, time, neuron)
        Counts of the training and of the scored trials.
    null : {"train_mean", "eval_mean", "psth"}
        Each neuron's mean over the training trials; over the scored trials (the Neural Latents
        Benchmark's convention, which flatters a model under drift); or the training trials'
        smoothed condition-free average response (:func:`psth`).
    """
    y_train, y_eval = _check_trials("y_train", y_train), _check_trials("y_eval", y_eval)
    nulls = {
        "train_mean": lambda: np.nanmean(y_train, axis=(0, 1), dtype=float),
        "eval_mean": lambda: np.nanmean(y_eval, axis=(0, 1), dtype=float),
        "psth": lambda: psth(y_train),
    }
    check_one_of("null", null, tuple(nulls))
    return np.broadcast_to(nulls[null](), y_eval.shape)


def psth(y: np.ndarray, widths: Sequence[float] = PSTH_WIDTHS) -> np.ndarray:
    """Return the average over trials, (time, neuron), smoothed to predict a left-out trial best.

    A raw average of few trials predicts worse than the mean: a bin without a spike in training
    promises that none will come. Of several Gaussian widths (bins) the one with the highest
    leave-one-trial-out Poisson likelihood, over all neurons, is used; infinitely wide is the mean.
    One imaginary trial at each neuron's mean rate keeps rates above 0.

    Parameters
    ----------
    y : array, (trial, time, neuron)
        Counts (or continuous values, which get the plain average).
    widths : sequence of float

    Examples
    --------
    >>> y = np.random.default_rng(0).poisson(0.1, (30, 20, 2))
    >>> psth(y, widths=[np.inf]).std(axis=0).round(6)  # no structure in time
    array([0., 0.])
    """
    y = _check_trials("counts", y)
    widths = np.ravel(to_numeric("widths", widths)).tolist()
    if not widths:
        raise InputError("widths is empty; give at least one, in bins")
    n_trials = len(y)
    y = np.nan_to_num(y.astype(np.float64, copy=False))
    total = y.sum(axis=0)  # (time, neuron)
    if n_trials < 3 or y.min() < 0:
        return total / n_trials
    padded = total + total.mean(axis=0) / n_trials  # an imaginary trial at the mean rate
    scores = []
    for width in widths if len(widths) > 1 else ():
        # the average of the other trials, for every trial at once
        others = (smooth_in_time(padded, width) - smooth_in_time(y, width)) / n_trials
        scores.append(log_likelihood(y, np.maximum(others, 0)).sum())
    best = int(np.argmax(scores)) if scores else 0
    return smooth_in_time(padded, widths[best]) / (n_trials + 1)


def smooth_in_time(values: np.ndarray, width: float) -> np.ndarray:
    """Return values (..., time, neuron) smoothed by a Gaussian of `width` bins (inf: the mean).

    Examples
    --------
    >>> smooth_in_time(np.array([[0.0], [2.0]]), np.inf).ravel()
    array([1., 1.])
    """
    values = to_numeric("values", values)
    if values.ndim < 2:
        raise ShapeError(f"values has shape {values.shape}; its last axes must be time, neuron")
    check_in_range("width", width, 0)
    return _smoother(values.shape[-2], width, np.result_type(values.dtype, np.float32)) @ values


@lru_cache(maxsize=32)
def _smoother(n_bins: int, width: float, dtype: np.dtype) -> np.ndarray:
    """Return the matrix (time, time) of a Gaussian filter; its rows sum to 1."""
    lags = np.subtract.outer(np.arange(n_bins), np.arange(n_bins))
    kernel = np.eye(n_bins) if width == 0 else np.exp(-0.5 * (lags / width) ** 2)
    kernel = (kernel / kernel.sum(axis=1, keepdims=True)).astype(dtype)
    kernel.flags.writeable = False  # shared by all who ask
    return kernel


def d2(y: np.ndarray, rate: np.ndarray, null_rate: np.ndarray) -> float:
    """Return the fraction of Poisson deviance explained, ``1 - D(y, r) / D(y, r0)``.

    Examples
    --------
    >>> y = np.array([[[0], [2]]])
    >>> round(d2(y, y.astype(float), np.ones((1, 2, 1))), 6)
    1.0
    """
    return 1.0 - _deviance(y, rate) / _deviance(y, null_rate)


def _deviance(y: np.ndarray, rate: np.ndarray) -> float:
    y, rate = _check_rate(y, rate)
    y = y.astype(float, copy=False)
    return float(2 * np.nansum(xlogy(y, y / rate) - (y - rate)))


def poisson_nll(y: np.ndarray, rate: np.ndarray) -> float:
    """Return the mean of ``r - y log r``: the reference recipe's loss.

    It depends on the firing rate, so it must never be compared between targets.
    """
    return float(-np.sum(log_likelihood(y, rate)) / np.isfinite(y).sum())


def psth_r2(y: np.ndarray, rate: np.ndarray, condition: np.ndarray) -> float:
    """Return R2 of predicted against recorded condition averages, mean over neurons.

    Parameters
    ----------
    y, rate : array, (trial, time, neuron)
    condition : array, (trial,)
        A label per trial.
    """
    y, rate = _check_rate(_check_trials("counts", y), rate)
    condition = _check_labels("condition", condition)
    check_same_length("condition", condition.size, "the trial axis of counts", len(y))
    labels = np.unique(condition)
    recorded = np.stack([np.nanmean(y[condition == c], axis=0) for c in labels])
    predicted = np.stack([rate[condition == c].mean(axis=0) for c in labels])
    # condition x time x neuron -> (condition and time) x neuron
    flat = recorded.reshape(-1, y.shape[-1]), predicted.reshape(-1, y.shape[-1])
    varying = flat[0].std(axis=0) > 0
    if not varying.any():
        raise NotEnoughDataError(
            "no neuron's condition average varies; there is nothing to explain"
        )
    return float(sklearn_metrics.r2_score(flat[0][:, varying], flat[1][:, varying]))


# ------------------------------------------------------------------------------------ continuous


class ContinuousScores(NamedTuple):
    """Scores of a continuous prediction, each (channel,)."""

    r2: np.ndarray
    mse: np.ndarray
    rmse: np.ndarray
    pearson: np.ndarray


def score_continuous(y: np.ndarray, prediction: np.ndarray, null: np.ndarray) -> ContinuousScores:
    """Score continuous targets channel by channel.

    Parameters
    ----------
    y, prediction, null : array, (..., channel)
        Of exactly the same shape. `null` is what R2 is measured against: the training mean, so
        that a model gets no credit for knowing the test data's mean.

    Returns
    -------
    ContinuousScores

    Examples
    --------
    >>> y = np.array([[1.0], [2.0], [3.0]])
    >>> score_continuous(y, y, np.full((3, 1), 2.0)).r2
    array([1.])
    >>> score_continuous(y[:, 0], y, y)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    spikecast.core.errors.ShapeError: target has shape (3,) but prediction has (3, 1); they must ...
    """
    named = {"target": y, "prediction": prediction, "null": null}
    y, prediction, null = (to_numeric(name, values) for name, values in named.items())
    check_same_shape("target", y, "prediction", prediction)
    check_same_shape("target", y, "null", null)
    if not y.size or not y.ndim:
        raise NotEnoughDataError(f"there is no target to score: its shape is {y.shape}")
    if not np.isfinite(prediction).all():
        raise InputError("the prediction holds NaN or infinite values")
    y, prediction = (np.reshape(a, (-1, a.shape[-1])) for a in (y, prediction))
    null = np.reshape(null, y.shape)
    mse = np.mean((y - prediction) ** 2, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = 1 - mse / np.mean((y - null) ** 2, axis=0)
        z_y, z_p = ((a - a.mean(axis=0)) / a.std(axis=0) for a in (y, prediction))
    pearson = np.nan_to_num(np.mean(z_y * z_p, axis=0))  # a constant correlates with nothing
    return ContinuousScores(r2, mse, np.sqrt(mse), pearson)


# ------------------------------------------------------------------------------------ labels


class LabelScores(NamedTuple):
    """Scores of predicted labels; the arrays follow `labels`."""

    labels: np.ndarray
    accuracy: float
    balanced_accuracy: float
    confusion: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


def _check_labels(what: str, labels: np.ndarray) -> np.ndarray:
    """Return one label per trial, (trial,), all of them text or all of them whole numbers."""
    check_unmasked(what, labels)
    try:
        labels = np.asarray(labels)
    except (TypeError, ValueError) as error:  # lists of different lengths
        raise InputError(f"{what} must be one label per trial: {describe_error(error)}") from None
    if labels.ndim != 1 or not labels.size:
        raise ShapeError(f"{what} has shape {labels.shape}; it must be one label per trial")
    if labels.dtype.kind == "O" and len({isinstance(one, str) for one in labels}) == 1:
        labels = np.asarray(labels.tolist())  # a column of a table
    whole = labels.dtype.kind in "iubUT" or (
        labels.dtype.kind == "f" and bool((labels == np.floor(labels)).all())
    )
    if not whole:
        raise InputError(f"{what} must be text or whole numbers, one per trial")
    return labels


def score_labels(y: np.ndarray, prediction: np.ndarray) -> LabelScores:
    """Score predicted trial labels.

    Parameters
    ----------
    y, prediction : array, (trial,)

    Returns
    -------
    LabelScores
        ``confusion[i, j]`` counts trials of class i predicted as class j.

    Examples
    --------
    >>> score_labels(np.array(["go", "no", "no"]), np.array(["go", "no", "go"])).balanced_accuracy
    0.75
    """
    y, prediction = _check_labels("labels", y), _check_labels("prediction", prediction)
    check_same_shape("labels", y, "prediction", prediction)
    if isinstance(y[0], str) != isinstance(prediction[0], str):
        raise InputError("labels and prediction must both be text, or both be whole numbers")
    names = np.unique(np.concatenate([y, prediction]))
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        y, prediction, labels=names, zero_division=0.0
    )
    return LabelScores(
        names,
        float(np.mean(y == prediction)),
        float(recall[support > 0].mean()),
        sklearn_metrics.confusion_matrix(y, prediction, labels=names),
        precision,
        recall,
        f1,
        support,
    )
