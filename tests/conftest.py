"""Recordings that many tests share, and the reasons why some tests skip."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from spikecast.data import simulate
from spikecast.data.simulate import Simulated
from spikecast.recording import Recording

REAL = Path(__file__).parents[2] / "shared" / "data" / "steinmetz_subset.npz"


@pytest.fixture(scope="session")
def simulated() -> Simulated:
    """A small decision task with its truth."""
    return simulate.decision_task(
        n_trials=60, areas={"VISp": 25, "MOs": 20, "CA1": 15}, n_bins=80, stim_onset=0.2, seed=5
    )


@pytest.fixture(scope="session")
def recording(simulated: Simulated) -> Recording:
    return simulated.recording


@pytest.fixture(scope="session")
def real_file() -> Path:
    if not REAL.exists():
        pytest.skip("the real recordings (../shared/data) are not here")
    return REAL


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator:
    pytest.importorskip("distributed", reason="dask is not installed")
    from dask_processes import Cluster

    made = Cluster(tmp_path / "dask")
    yield made
    made.end()
