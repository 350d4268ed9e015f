"""The way from a number as described to the sound one: a staircase of single changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest

from spikecast.core.seeding import make_rng
from spikecast.runs.studies.preset import Preset, Staircase
from spikecast.runs.studies.study import Column, Measure
from spikecast.scoring import metrics

N_RESAMPLES = 1000


def join_staircases(preset: Preset, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return the facts of each staircase of a preset whose steps were all measured.

    Each step is a dict of ``key``, ``kind``, ``change``, ``measure`` and ``difference`` (to the
    step before, in the unit of the measure; 0 for the first).

    Examples
    --------
    >>> from spikecast.runs.studies.preset import read_preset
    >>> join_staircases(read_preset("livewired"), [Column()])
    []
    """
    measured: dict[str, dict[str, Measure]] = {}
    for column in columns:
        for key, steps in column.steps.items():
            measured.setdefault(key, {}).update(steps)
    return [
        {"key": one.key, "row": one.row, "title": one.title, "caption": one.caption}
        | _sum_steps(one, measured[one.key])
        for one in preset.staircases
        if {step.key for step in one.steps} <= set(measured.get(one.key, {}))
    ]


def _sum_steps(staircase: Staircase, measured: Mapping[str, Measure]) -> dict[str, Any]:
    """Return the steps with their differences, and the sum of the differences of each kind."""
    before = measured[staircase.steps[0].key].number
    steps: list[dict[str, Any]] = []
    sums: dict[str, float] = {}
    for step in staircase.steps:
        measure = measured[step.key]
        difference = measure.number - before
        before = measure.number
        steps.append(step.model_dump() | {"measure": measure.to_json(), "difference": difference})
        if step.kind != "start":
            sums[step.kind] = sums.get(step.kind, 0.0) + difference
    return {"steps": steps, "sums": sums}


def score_step(
    name: str, truth: np.ndarray, prediction: np.ndarray, *, balanced: bool, seed: int
) -> Measure:
    """Return the share of trials decoded rightly, with its interval by resampling the trials.

    Where all trials are right, or none, resamples do not differ: the interval is the exact one of
    a share (Clopper and Pearson 1934). Balanced over classes, it is that of as many trials as if
    every class had those of the smallest, which is never too narrow.

    Parameters
    ----------
    name : str
        What was scored.
    truth, prediction : array, (trial,)
    balanced : bool
        Every class weighs the same, else every trial.
    seed : int

    Examples
    --------
    >>> truth, prediction = np.array(list("LLLR")), np.array(list("LLLL"))
    >>> score_step("", truth, prediction, balanced=True, seed=0).value
    0.5
    """
    rng = make_rng(seed, "staircase")
    right = truth == prediction
    own, n_exact = np.full(truth.size, 1.0), truth.size
    if balanced:
        _, codes, sizes = np.unique(truth, return_inverse=True, return_counts=True)
        own, n_exact = (truth.size / sizes.size / sizes)[codes], sizes.size * sizes.min()
    drawn = rng.integers(truth.size, size=(N_RESAMPLES, truth.size))
    scores = (own * right)[drawn].sum(axis=1) / own[drawn].sum(axis=1)
    low, high = (float(limit) for limit in np.quantile(scores, [0.025, 0.975]))
    if right.all() or not right.any():
        exact = binomtest(int(n_exact * right.all()), int(n_exact)).proportion_ci(method="exact")
        low, high = float(exact.low), float(exact.high)
    scored = metrics.score_labels(truth, prediction)
    if balanced:
        return Measure(name, scored.balanced_accuracy, "balanced_accuracy", low, high)
    return Measure(name, scored.accuracy, "accuracy", low, high, n=truth.size)


def compare_predictions(
    name: str, truth: np.ndarray, first: np.ndarray, second: np.ndarray, seed: int
) -> Measure:
    """Return by how much predictions are right more often than others of the same trials.

    Every class weighs the same. The interval is paired: trials are resampled.

    Parameters
    ----------
    name : str
        What was compared.
    truth, first, second : array, (trial,)
    seed : int

    Examples
    --------
    >>> truth, one, other = (np.array(list(word)) for word in ("LLRR", "LLRL", "LLLL"))
    >>> compare_predictions("", truth, one, other, seed=0).value
    0.25
    """
    _, codes, sizes = np.unique(truth, return_inverse=True, return_counts=True)
    own = (truth.size / sizes.size / sizes)[codes]
    gain = own * ((first == truth).astype(float) - (second == truth))
    drawn = make_rng(seed, "staircase").integers(truth.size, size=(N_RESAMPLES, truth.size))
    differences = gain[drawn].sum(axis=1) / own[drawn].sum(axis=1)
    low, high = (float(limit) for limit in np.quantile(differences, [0.025, 0.975]))
    return Measure(name, float(gain.sum() / own.sum()), "balanced_accuracy", low, high)


def score_spikes(
    name: str, y: np.ndarray, rate: np.ndarray, null: np.ndarray, seed: int
) -> Measure:
    """Return bits per spike above `null` rates, with the interval by resampling the trials.

    Parameters
    ----------
    name : str
        What was scored.
    y, rate, null : array, (trial, time, neuron)
    seed : int

    Examples
    --------
    >>> y = np.ones((4, 5, 2))
    >>> score_spikes("", y, y, y, seed=0).value
    0.0
    """
    gain, spikes = (
        part.sum(axis=(1, 2))
        for part in (metrics.log_likelihood(y, rate) - metrics.log_likelihood(y, null), y)
    )
    drawn = make_rng(seed, "staircase").integers(len(y), size=(N_RESAMPLES, len(y)))
    scores = gain[drawn].sum(axis=1) / spikes[drawn].sum(axis=1) / np.log(2)
    low, high = (float(limit) for limit in np.quantile(scores, [0.025, 0.975]))
    value = float(gain.sum() / spikes.sum() / np.log(2))
    return Measure(name, value, "bits_per_spike", low, high)
