import pytest

from spikecast.data.simulate import decision_task

LAG = 3  # bins
DRIVEN = {("VISp", "MOs"): 0.01 * LAG}


def simulate_two_areas(seed, drives=None, shared=0.8, **changed):
    """Two areas; by default they only share fluctuations, stimulus and movement, at one lag."""
    settings = {
        "n_trials": 60,
        "areas": {"VISp": 20, "MOs": 20},
        "n_bins": 60,
        "stim_onset": 0.1,
        "choice_onset": {},
        "effects": {"shared": shared, "own": 0.7, "drive": 0.7},
        "median_rate": 10.0,
    }
    drives = {} if drives is None else drives
    return decision_task(**(settings | changed), drives=drives, seed=seed).recording


@pytest.fixture(scope="session")
def two_areas():
    """Simulate two areas; with ``driven=True`` VISp leads MOs by 3 bins."""

    def simulate(seed, driven=False, **changed):
        return simulate_two_areas(seed, DRIVEN if driven else None, **changed)

    return simulate
