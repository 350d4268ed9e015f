import numpy as np
import pytest

from spikecast.analysis.geometry.cell_types import cell_types, split_areas
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.recording import Recording


@pytest.fixture
def shaped():
    counts = np.ones((4, 10, 6), dtype=int)
    counts[..., :2] = 5  # narrow spikes, high rates
    return Recording.from_arrays(
        counts,
        np.arange(10) / 100,
        ["VISp"] * 3 + ["MOs"] * 3,
        neurons={"trough_to_peak": [0.2, 0.3, 0.6, 0.7, np.nan, 0.0]},
    )


def test_labels_and_their_rates(shaped):
    found = cell_types(shaped)
    assert found.label.tolist() == ["narrow", "narrow", "wide", "wide", "unknown", "unknown"]
    rates = found.table.set_index(["area", "label"])["median_rate"]
    assert rates["VISp", "narrow"] == pytest.approx(5 * rates["VISp", "wide"])
    assert (cell_types(shaped, threshold=0.65).label == "narrow").sum() == 3


def test_each_type_of_an_area_becomes_an_area(shaped):
    split = split_areas(shaped)
    assert split.areas == {"narrow cells": 2, "wide cells": 2}
    assert split.n_trials == shaped.n_trials
    with pytest.raises(NotEnoughDataError, match="2 narrow, 1 wide"):
        split_areas(shaped, ["VISp"])


def test_without_waveforms_it_says_so(recording):
    with pytest.raises(InputError, match="trough_to_peak"):
        cell_types(recording)
