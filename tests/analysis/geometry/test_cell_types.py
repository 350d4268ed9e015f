import numpy as np
import pytest

from spikecast.analysis.geometry.cell_types import by_cell_type, cell_types
from spikecast.core.errors import InputError
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


def test_the_parts_are_recordings(shaped):
    parts = by_cell_type(shaped)
    assert {name: part.areas for name, part in parts.items()} == {
        "narrow": {"VISp": 2},
        "wide": {"MOs": 1, "VISp": 1},
    }


def test_without_waveforms_it_says_so(recording):
    with pytest.raises(InputError, match="trough_to_peak"):
        cell_types(recording)
