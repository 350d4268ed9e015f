"""Areas that share nothing, but drift, a stimulus or a movement: no claim; a coupling: a claim."""

import numpy as np
import pytest

from spikecast.analysis.interareal.granger import NeuronSample, information_flow
from spikecast.analysis.interareal.lagged_cca import joint_correlation
from spikecast.analysis.interareal.subspace import communication_subspace
from spikecast.data.recording import Recording
from spikecast.data.simulate import unrelated_areas

KINDS = [{}, {"stimulus": 0.05}, {"movement": 0.05}]


def simulate(seed, **planted):
    settings = {"n_trials": 80, "n_neurons": (15, 15), "n_bins": 30, "bin_size": 0.02}
    return unrelated_areas(**(settings | planted), seed=seed).recording


def ask_flow(recording):
    return information_flow(
        recording, "A", "B", lags=(1, 2), neurons=NeuronSample(n_repeats=1), folds=2
    )


@pytest.mark.parametrize("planted", KINDS, ids=["drift", "stimulus", "movement"])
def test_areas_that_share_nothing_neither_covary_nor_communicate(planted):
    recordings = [simulate(seed, **planted) for seed in range(6)]
    covary = [joint_correlation(one, "A", "B") for one in recordings]
    communicate = [communication_subspace(one, "A", "B", folds=4) for one in recordings]
    for found in (covary, communicate):
        assert sum(one.claim.stands for one in found) <= 2  # 0.3 are expected; P(more) is 0.2 %
        assert all(one.claim.n_shifts == 40 for one in found)
    assert not any(one.rank for one in communicate if not one.claim.stands)
    assert not any(one.leader for one in covary if not one.claim.stands)


def test_a_strong_movement_in_coarse_bins_is_no_communication():
    """Rates are exponential in a speed that changes within the 250 ms that are summed."""
    stands = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        speed = rng.normal(size=(120, 40))
        for bin_ in range(1, 40):
            speed[:, bin_] = 0.9 * speed[:, bin_ - 1] + 0.44 * speed[:, bin_]
        counts = rng.poisson(np.exp(speed[:, :, np.newaxis] * rng.normal(scale=0.4, size=30)))
        recording = Recording.from_arrays(
            counts, (np.arange(40) + 0.5) * 0.05, ["A"] * 15 + ["B"] * 15, behavior={"speed": speed}
        )
        stands.append(communication_subspace(recording, "A", "B").claim.stands)
    assert sum(stands) <= 1


@pytest.mark.parametrize("planted", KINDS, ids=["drift", "stimulus", "movement"])
def test_areas_that_share_nothing_have_no_flow(planted):
    flows = [ask_flow(simulate(seed, **planted)) for seed in range(2)]
    assert not any(flow.past["stands"].any() for flow in flows)
    assert not any(flow.leader for flow in flows)


def test_a_coupling_is_found_beyond_drift_stimulus_and_movement():
    """That flow finds one is in test_granger: it needs more trials and neurons than these."""
    size = {"n_trials": 100, "n_neurons": (30, 30), "n_bins": 50, "bin_size": 0.01}
    recording = simulate(0, coupling=0.1, stimulus=0.05, movement=0.05, **size)
    covary = joint_correlation(recording, "A", "B")
    assert covary.claim.stands
    assert covary.claim.above == "behavior"
    communicate = communication_subspace(recording, "A", "B", folds=4)
    assert communicate.claim.stands
    assert communicate.rank == 1  # one fast factor reaches B


def test_without_shifts_nothing_is_claimed():
    recording = simulate(0, coupling=0.15)
    covary = joint_correlation(recording, "A", "B", n_shifts=0)
    assert covary.table["together"].mean() > 0.1
    assert covary.claim.untested == "turned off"
    assert covary.leader is None
    assert covary.covarying.size == 0
    flow = information_flow(recording, "A", "B", lags=(1,), n_shifts=0, folds=2)
    assert flow.leader is None
    assert not flow.past["stands"].any()
