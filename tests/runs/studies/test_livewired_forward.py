"""When study A's own network tells the label: dated where it is planted, silent where it is not."""

import numpy as np
import pytest

from spikecast.runs.studies.livewired_forward import date_forward, describe_forward, score_forward
from spikecast.tasks.splits import split_by_stratum

N_TRIALS, N_BINS, ONSET = 60, 10, 5
TIME = 0.02 * np.arange(N_BINS) - 0.04


def make_fits(rng, effect):
    """States of three folds' networks; with `effect` they hold the label from ONSET on."""
    codes = rng.integers(3, size=N_TRIALS)
    words = np.array(["Left", "NoGo", "Right"])[codes]
    fits = []
    for train, test in split_by_stratum(codes, 3, 0):
        states = rng.normal(size=(N_TRIALS, N_BINS, 3))
        states[:, ONSET:] += effect * np.eye(3)[codes][:, np.newaxis]
        fits.append({"forward": states, "train": train, "test": test})
    return fits, words


def measure(seed, effect):
    fits, words = make_fits(np.random.default_rng(seed), effect)
    found = {name: np.asarray(value)
             for name, value in score_forward(fits, words, 0.02, seed).items()}  # fmt: skip
    return found, date_forward(found, TIME)


def test_forward_states_are_dated_where_they_begin_to_tell():
    found, dated = measure(0, 4.0)
    assert dated.number == pytest.approx(TIME[ONSET], abs=0.021)
    assert dated.low <= dated.number <= dated.high
    assert found["curve"][ONSET + 2 :].min() > 0.7
    assert "from 60 ms after" in str(describe_forward(found, dated, "choice"))


def test_states_that_hold_nothing_are_not_dated():
    onsets = [measure(seed, 0.0) for seed in range(6)]
    assert sum(dated.value is not None for _, dated in onsets) <= 1
    silent = next((found, dated) for found, dated in onsets if dated.value is None)
    assert "at no time" in str(describe_forward(*silent, "choice"))
