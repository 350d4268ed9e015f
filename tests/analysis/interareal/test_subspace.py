import numpy as np
import pytest

from spikecast.analysis.interareal.subspace import (
    choose_rank,
    communication_subspace,
    principal_angles,
)
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.data.recording import Recording

RANK, WITHIN = 2, 5


def passed_on(seed, rank=RANK, n_trials=80):
    """A source of five latents, the weakest `rank` of which reach the target."""
    rng = np.random.default_rng(seed)
    latents = rng.normal(size=(n_trials, 20, WITHIN)) * np.linspace(1.6, 1.0, WITHIN)
    read = np.linalg.qr(rng.normal(size=(40, WITHIN)))[0].T * np.sqrt(20)
    source = latents @ read + rng.normal(size=(n_trials, 20, 40))
    target = rng.normal(size=(n_trials, 20, 20))
    if rank:
        target = target + latents[..., -rank:] @ rng.normal(size=(rank, 20))
    recording = Recording.from_arrays(
        np.concatenate([source, target], axis=2),
        np.arange(20) * 0.1,
        ["VISp"] * 40 + ["MOs"] * 20,
        kind="continuous",
    )
    return recording, read


def test_the_planted_ranks_and_directions_are_found():
    recording, read = passed_on(0)
    found = communication_subspace(recording, "VISp", "MOs", bins=1)
    assert (found.rank, found.rank_within, found.n_private) == (RANK, WITHIN, WITHIN - RANK)
    planted = np.linalg.qr(read[-RANK:, found.source_neurons].T)[0]
    assert principal_angles(found.source_axes, planted)[0] < 35
    private = np.linalg.qr(read[:-RANK, found.source_neurons].T)[0]
    assert principal_angles(found.private_axes, private)[0] < 35
    # the strongest latents are not the ones passed on
    assert found.angles[0] > 45
    assert 0 < found.shared_variance < 0.5


def test_no_communication_is_rank_zero():
    recording, _ = passed_on(1, rank=0)
    found = communication_subspace(recording, "VISp", "MOs", bins=1)
    assert found.rank == 0
    assert found.source_axes.shape == (20, 0)
    assert found.angles.size == 0
    assert found.rank_within == WITHIN


def test_noise_has_no_dimensions_at_all():
    x = np.random.default_rng(3).normal(size=(60, 20, 24))
    noise = Recording.from_arrays(
        x, np.arange(20) * 0.1, ["VISp"] * 12 + ["MOs"] * 12, kind="continuous"
    )
    found = communication_subspace(noise, "VISp", "MOs", bins=1)
    assert (found.rank, found.rank_within, found.n_private) == (0, 0, 0)
    assert found.private_axes.shape == (6, 0)
    assert found.angles.size == 0
    assert found.shared_variance == 0


@pytest.mark.slow
def test_the_rank_is_right_in_most_sessions():
    ranks = [
        communication_subspace(passed_on(seed)[0], "VISp", "MOs", bins=1).rank for seed in range(20)
    ]
    assert np.mean(np.array(ranks) == RANK) >= 0.9


def test_counts_are_binned(recording):
    found = communication_subspace(recording, "VISp", "MOs", bins=8, folds=3, max_rank=4)
    assert list(found.table["rank"].unique()) == [0, 1, 2, 3, 4]
    assert found.table["standard_error"].notna().all()


def test_one_standard_error_rule_prefers_the_simpler():
    curve = np.array([0.0, 0.5, 0.58, 0.6, 0.59])
    assert choose_rank(curve, np.full(5, 0.03)) == 2
    assert choose_rank(curve, np.full(5, 1e-6)) == 3
    assert choose_rank(-curve, np.full(5, 0.03)) == 0


def test_what_cannot_be_asked_is_refused(recording):
    with pytest.raises(InputError, match="choose two areas"):
        communication_subspace(recording, "MOs", "MOs")
    few = recording.select(neurons=[0, 1, 2, 30, 31])
    names = list(few.areas)
    with pytest.raises(NotEnoughDataError):
        communication_subspace(few, names[0], names[1])


@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_areas_that_never_change_are_refused(scale):
    """Their R2 was 1, of rounding."""
    same = np.random.default_rng(0).random((1, 8, 10)) * scale
    constant = Recording.from_arrays(
        np.repeat(same, 24, axis=0), np.arange(8.0), ["A"] * 5 + ["B"] * 5, kind="continuous"
    )
    with pytest.raises(NotEnoughDataError, match="area 'A' does not change"):
        communication_subspace(constant, "A", "B")


def test_one_long_trial_is_cut_into_windows():
    recording, _ = passed_on(0, n_trials=400)
    long = Recording.from_arrays(
        recording.activity.reshape(1, -1, recording.n_neurons),
        np.arange(8000) * 0.1,
        recording.area,
        kind="continuous",
    )
    found = communication_subspace(long, "VISp", "MOs", bins=1)
    assert (found.rank, found.rank_within) == (RANK, WITHIN)
    with pytest.raises(NotEnoughDataError, match="gives 3 windows"):
        communication_subspace(long.select(time=(0, 39)), "VISp", "MOs", bins=1)
