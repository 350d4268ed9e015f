import pytest

from spikecast.data import simulate
from spikecast.data.recording import Recording


@pytest.fixture(scope="module")
def strong() -> Recording:
    return simulate.decision_task(
        80, {"VISp": 15, "MOs": 15}, n_bins=40, stim_onset=0.1, median_rate=15.0,
        effects={"stimulus": 2.0, "choice": 1.5, "evidence": 0.0}, seed=2,
    ).recording  # fmt: skip
