"""Data of one's own whose trial columns a study cannot read are refused in a line."""

import numpy as np
import pandas as pd
import pytest

import spikecast as sc
from spikecast.core.errors import InputError
from spikecast.runs.studies.study_labels import choose_label


def recording(**columns):
    counts = np.random.default_rng(0).poisson(1.0, (4, 10, 6))
    trials = pd.DataFrame(columns, index=range(4))
    return sc.Recording.from_arrays(counts, 0.01 * np.arange(10), "MOs", trials=trials)


def test_choices_and_sides_are_put_in_words():
    _, name, words, _ = choose_label(recording(response=[1.0, 0.0, -1.0, 1.0]))
    assert (name, words.tolist()) == ("choice", ["Left", "NoGo", "Right", "Left"])
    sides = {"contrast_left": [1, 0, 0, 0.5], "contrast_right": [0, 1, 0, 0.5]}
    _, name, words, _ = choose_label(recording(**sides))
    assert (name, words.tolist()) == ("stimulus", ["Left", "Right", "Equal", "Equal"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"response": ["left", "right", "left", "right"]}, "must hold 1, 0, -1 .*not 'left'"),
        ({"response": [1.0, np.nan, 0.0, 1.0]}, "must hold 1, 0, -1 .*not nan"),
        ({"response": [1, 2, 0, 1]}, "must hold 1, 0, -1 .*not 2"),
        ({"side": [1, 2, 0, 1]}, "needs the trial column 'contrast_left'; the recording has side"),
        ({"contrast_left": [1, 0, 0, 1]}, "needs the trial column 'contrast_right'"),
    ],
)
def test_columns_that_are_not_there_or_hold_something_else_are_named(columns, message):
    with pytest.raises(InputError, match=message):
        choose_label(recording(**columns))
