"""Scores as the Neural Latents Benchmark defines them (Pei et al. 2021), beside our own nulls.

Rates are expected counts per bin, (trial, time, neuron). The benchmark measures bits per spike
against each neuron's mean over the very trials that are scored; nobody can know that mean
beforehand, and where a session drifts it differs from the mean that a model has learnt. The same
rates are therefore also scored against what the training trials say.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from scipy.linalg import LinAlgWarning
from scipy.stats import pearsonr
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from spikecast.core.checks import check_same_length, check_same_shape, check_three_axes
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.scoring import metrics
from spikecast.scoring.ratio_scores import RatioScores, compute_interval, draw_bootstrap_weights

ZERO_RATE = 1e-9
"""What a predicted rate of 0 is replaced by."""
PENALTIES = np.logspace(-4, 0, 9)
"""Of the ridge regression from rates to velocity; the best of them by 5-fold cross-validation."""
N_PARTS = 5
N_RESAMPLES = 1000
COLUMNS = ("score", "null", "value", "low", "high")


# ------------------------------------------------------------------------------------ spikes


def compare_likelihoods(y: np.ndarray, rate: np.ndarray, null: np.ndarray) -> RatioScores:
    """Return how many bits `rate` tells more than `null`, and the spikes, per trial and neuron.

    Parameters
    ----------
    y : array, (trial, time, neuron)
        Counts; bins with NaN are left out.
    rate, null : array, the shape of `y`
        Expected counts; 0 is taken as 1e-9.

    Returns
    -------
    RatioScores
        ``pooled()`` is the number of bits per spike.

    Raises
    ------
    InputError
        When a rate of a recorded bin is NaN or negative.

    Examples
    --------
    >>> y = np.array([[[0.0], [2.0], [np.nan]]])
    >>> rate, flat = np.array([[[0.5], [1.5], [7.0]]]), np.ones((1, 3, 1))
    >>> round(compare_likelihoods(y, rate, flat).pooled(), 3)
    0.585
    """
    gain = _log_likelihood(y, rate, "rate") - _log_likelihood(y, null, "null")
    return RatioScores(gain.sum(axis=1) / np.log(2), np.nansum(y, axis=1, dtype=float))


def _log_likelihood(y: np.ndarray, rate: np.ndarray, name: str) -> np.ndarray:
    """Return ``y log r - r`` of each bin; 0 where nothing was recorded."""
    check_three_axes("counts", y)
    check_same_shape("counts", y, name, rate)
    recorded = ~np.isnan(y)
    if not (rate[recorded] >= 0).all():
        raise InputError(f"the predicted {name} holds NaN or negative values in recorded bins")
    known = np.where(recorded & (rate > 0), rate, ZERO_RATE).astype(float)
    return np.where(recorded, y * np.log(known) - known, 0.0)


def mean_of_scored(y: np.ndarray) -> np.ndarray:
    """Return each neuron's mean over the recorded bins of `y`, in the shape of `y`."""
    n = np.maximum((~np.isnan(y)).sum(axis=(0, 1)), 1)
    return np.broadcast_to(np.nansum(y, axis=(0, 1), dtype=float) / n, y.shape)


def score_spikes(
    score: str, y: np.ndarray, rate: np.ndarray, train: np.ndarray | None = None
) -> list[dict[str, object]]:
    """Return rows of a table: bits per spike above each null, with intervals over trials.

    Nulls: ``eval_mean``, each neuron's mean over the scored trials (the benchmark's own);
    ``train_mean``, that over the training trials; ``train_psth``, the average training trial, bin
    by bin (:func:`spikecast.metrics.psth`): what the time in the trial alone tells. Neurons that
    are silent in all training trials count for the first only, as nothing could be learnt of them.

    Parameters
    ----------
    score : str
        The name in the table.
    y, rate : array, (trial, time, neuron)
    train : array, (training trial, time, neuron), optional
        Counts of training trials; without it only the first null is known.
    """
    if not np.nansum(y) > 0:
        raise NotEnoughDataError(f"there is no spike to score for {score}")
    weights = draw_bootstrap_weights(len(y), N_RESAMPLES, 0)
    ratios = {"eval_mean": compare_likelihoods(y, rate, mean_of_scored(y))}
    if train is not None:
        fires = train.any(axis=(0, 1))
        nulls = {"train_mean": train.mean(axis=(0, 1), dtype=float), "train_psth": train}
        for name, values in nulls.items():
            null = metrics.psth(values) if name == "train_psth" else values
            full = np.broadcast_to(null, y.shape)
            ratios[name] = compare_likelihoods(y[..., fires], rate[..., fires], full[..., fires])
    rows: list[dict[str, object]] = []
    for name, ratio in ratios.items():
        interval = compute_interval(ratio, weights)
        rows.append(dict(zip(COLUMNS, (score, name, interval.value, interval.low, interval.high))))
    return rows


# ------------------------------------------------------------------------------------ averages


def psth_r2(
    psth: np.ndarray,
    rate: np.ndarray,
    trials: Sequence[np.ndarray],
    jitter: np.ndarray | None = None,
) -> float:
    """Return R2 of rates averaged per condition against recorded averages, mean over neurons.

    Parameters
    ----------
    psth : array, (condition, time, neuron)
        Recorded averages; bins where the first neuron has NaN are not scored.
    rate : array, (trial, time, neuron)
    trials : sequence of int arrays
        The trials of each condition; a condition without any is not scored.
    jitter : array of int, (trial,), optional
        Bins by which a trial was shifted: its rates are moved as many bins later.

    Raises
    ------
    InputError
        When rates are NaN in a bin that is scored.

    Examples
    --------
    >>> rate = np.arange(12.0).reshape(2, 3, 2)
    >>> psth_r2(rate, rate, [np.array([0]), np.array([1])])
    1.0
    """
    check_same_length("psth", len(psth), "the trials of conditions", len(trials))
    shifts = np.zeros(len(rate), dtype=int) if jitter is None else jitter
    recorded, predicted = [], []
    for average, of_condition in zip(psth, trials, strict=True):
        if not of_condition.size:
            continue
        moved = [_move_later(rate[trial], int(shifts[trial])) for trial in of_condition]
        scored = ~np.isnan(average[:, 0])
        recorded.append(average[scored])
        predicted.append(np.mean(moved, axis=0)[scored])
    if not recorded:
        raise NotEnoughDataError("no condition has a trial that is scored")
    values = np.concatenate(predicted)
    if not len(values):
        raise NotEnoughDataError("'psth' is NaN in every bin of the conditions that are scored")
    if np.isnan(values).any():
        raise InputError("rates are NaN in bins whose condition average is scored")
    return float(r2_score(np.concatenate(recorded), values))


def _move_later(rate: np.ndarray, n_bins: int) -> np.ndarray:
    """Return rates (time, neuron) of a trial moved by some bins, NaN where nothing comes in."""
    moved = np.full_like(rate, np.nan, dtype=float)
    if n_bins >= 0:
        moved[n_bins:] = rate[: len(rate) - n_bins]
    else:
        moved[:n_bins] = rate[-n_bins:]
    return moved


# ------------------------------------------------------------------------------------ behaviour


def velocity_r2(
    train_rate: np.ndarray,
    train_velocity: np.ndarray,
    eval_rate: np.ndarray,
    eval_velocity: np.ndarray,
    train_mask: np.ndarray | None = None,
    eval_mask: np.ndarray | None = None,
) -> float:
    """Return R2 of velocity that a ridge regression finds from the rates of the same bin.

    The regression learns from the rates of training trials; its penalty is the best of
    :data:`PENALTIES` by cross-validation over them, in five parts in their order. Bins where the
    first channel of velocity is NaN are left out.

    Parameters
    ----------
    train_rate, eval_rate : array, (trial, time, neuron)
    train_velocity, eval_velocity : array, (trial, time, channel)
    train_mask, eval_mask : array of bool, (trial, decoder), optional
        Trials of each of several regressions, whose R2 are averaged.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rate = rng.gamma(2, 1, (20, 10, 3))
    >>> velocity = rate @ rng.normal(size=(3, 2))
    >>> round(velocity_r2(rate[:15], velocity[:15], rate[15:], velocity[15:]), 3)
    1.0
    """
    whole = [np.ones((len(rate), 1), dtype=bool) for rate in (train_rate, eval_rate)]
    masks = [
        every if mask is None else np.asarray(mask, dtype=bool)
        for mask, every in zip((train_mask, eval_mask), whole, strict=True)
    ]
    values = []
    for of_train, of_eval in zip(masks[0].T, masks[1].T, strict=True):
        x_train, y_train = _flatten(train_rate[of_train], train_velocity[of_train])
        x_eval, y_eval = _flatten(eval_rate[of_eval], eval_velocity[of_eval])
        if min(len(x_train), len(x_eval)) < N_PARTS:
            raise NotEnoughDataError(
                f"velocity is known in {len(x_train)} bins of training trials and {len(x_eval)} of "
                f"scored ones; at least {N_PARTS} are needed"
            )
        search = GridSearchCV(Ridge(), {"alpha": PENALTIES}, cv=N_PARTS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LinAlgWarning)  # rates of few latents are collinear
            search.fit(x_train, y_train)
        values.append(search.score(x_eval, y_eval))
    return float(np.mean(values))


def _flatten(rate: np.ndarray, velocity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rates and velocity of the bins in which velocity is known, (bin, ...)."""
    check_same_length("rates", len(rate), "velocity", len(velocity))
    check_same_length("time of rates", rate.shape[1], "time of velocity", velocity.shape[1])
    x = rate.reshape(-1, rate.shape[2]).astype(float)
    y = velocity.reshape(-1, velocity.shape[2]).astype(float)
    known = ~np.isnan(y[:, 0])
    if np.isnan(x[known]).any():
        raise InputError("rates are NaN in bins whose velocity is known")
    return x[known], y[known]


def speed_correlation(
    rate: np.ndarray, spikes: np.ndarray, behavior: np.ndarray, conditions: Sequence[int]
) -> float:
    """Return the correlation of neural speed and produced interval, mean over conditions.

    The speed of a trial is the mean distance of its rates from bin to bin, over the bins in which
    the first held-out neuron was recorded.

    Parameters
    ----------
    rate, spikes : array, (trial, time, neuron)
    behavior : array, (trial, column)
        Its last column is the interval.
    conditions : sequence of int
        Columns that name the condition; trials with NaN in them are left out.
    """
    check_same_length("rates", len(rate), "behaviour", len(behavior))
    recorded = ~np.isnan(spikes[..., 0])
    speed = np.array([_measure_speed(one[kept]) for one, kept in zip(rate, recorded, strict=True)])
    named = behavior[:, list(conditions)]
    kinds = np.unique(named[~np.isnan(named).any(axis=1)], axis=0)
    values = []
    for kind in kinds:
        of_kind = (named == kind).all(axis=1)
        if of_kind.sum() < 2:
            raise NotEnoughDataError(
                f"condition {kind.tolist()} has one scored trial; a correlation needs two"
            )
        produced = behavior[of_kind, -1]
        if not (np.ptp(speed[of_kind]) > 0 and np.ptp(produced) > 0):
            raise NotEnoughDataError(
                f"condition {kind.tolist()}: speeds or intervals are all alike; a correlation "
                "needs several"
            )
        values.append(pearsonr(speed[of_kind], produced)[0])
    if not values:
        raise NotEnoughDataError("no scored trial has a known condition")
    return float(np.mean(values))


def _measure_speed(rate: np.ndarray) -> float:
    """Return the mean distance from bin to bin of rates (time, neuron); NaN of a single bin."""
    steps = np.linalg.norm(np.diff(rate, axis=0), axis=1)
    return float(steps.mean()) if steps.size else float("nan")
