import numpy as np
import pytest

from spikecast.analysis.interareal.granger import information_flow
from spikecast.analysis.interareal.lagged_cca import joint_correlation
from spikecast.analysis.interareal.populations import select_two_populations
from spikecast.analysis.interareal.subspace import communication_subspace
from spikecast.core.errors import NotEnoughDataError
from spikecast.data import simulate
from spikecast.data.recording import Recording


@pytest.fixture(scope="module")
def copied():
    """Neurons 0 to 2 (of area A) are found again in area B, as 8 to 10."""
    recording = simulate.unrelated_areas(80, (8, 8), n_bins=40, seed=3).recording
    activity = recording.activity.copy()
    activity[:, :, 8:11] = activity[:, :, :3]
    return Recording.from_arrays(activity, recording.time, recording.area)


def test_source_neurons_recorded_twice_are_left_out(copied):
    two = select_two_populations(copied, "A", "B")
    assert two.source.tolist() == [3, 4, 5, 6, 7]
    assert two.target.tolist() == list(range(8, 16))
    assert two.notices[0].values["neurons"] == [0, 1, 2]
    with pytest.raises(NotEnoughDataError, match="recorded twice"):
        select_two_populations(copied.select(neurons=[0, 1, 2, 3, 8, 9, 10, 11]), "A", "B")


def test_copies_are_no_claim_and_are_named(copied):
    joint = joint_correlation(copied, "A", "B")
    subspace = communication_subspace(copied, "A", "B", folds=3)
    flow = information_flow(copied, "A", "B", lags=(1, 3), folds=2)
    assert not joint.claim.stands
    assert subspace.rank == 0
    assert not np.isin([0, 1, 2], subspace.source_neurons).any()
    for result in (joint, subspace, flow):
        assert "coincident_sources" in {notice.code for notice in result.notices}
