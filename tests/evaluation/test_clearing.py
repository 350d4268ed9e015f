"""What is taken out of two areas before they are compared leaves nothing that both owe to it."""

from dataclasses import replace

import numpy as np
import pytest

import spikecast as sc
from spikecast.evaluation.clearing import Clearing, clear_recording
from spikecast.tasks.splits import Fold
from spikecast.tasks.trial_facts import TrialFacts


@pytest.fixture(scope="module")
def movement():
    """Two areas that follow a recorded movement, drift on their own, and share nothing else."""
    return sc.simulate.unrelated_areas(100, (20, 20), movement=0.2, seed=4).recording


def take_out(recording, expect):
    areas = [np.sqrt(recording.activity[:, :, recording.area == name]) for name in "AB"]
    clearing = clear_recording(recording)
    return clearing, [
        one - known for one, known in zip(areas, expect(clearing, areas), strict=True)
    ]


def test_nothing_of_a_movement_is_left_in_either_area(movement):
    clearing, remainders = take_out(
        movement, lambda clearing, areas: clearing.expect_everywhere(areas)
    )
    assert clearing.above == "behavior"
    running = clearing.facts.behavior[..., 0]
    slow = running.mean(axis=1)
    for one in remainders:
        flat = one.reshape(-1, one.shape[2])
        of_bins = np.abs(np.corrcoef(flat.T, running.ravel())[-1, :-1])
        of_trials = np.abs(np.corrcoef(one.mean(axis=1).T, slow)[-1, :-1])
        assert of_bins.max() < 0.005
        assert of_trials.max() < 0.05


def test_held_out_trials_are_not_learnt_from(movement):
    fold = Fold(np.arange(80), np.arange(80, 100))
    areas = [np.sqrt(movement.activity[:, :, movement.area == name]) for name in "AB"]
    clearing = clear_recording(movement)
    expected = clearing.expect(areas, fold)
    changed = [one.copy() for one in areas]
    for one in changed:
        one[80:] += 3.0
    again = clearing.expect(changed, fold)
    for one, other in zip(expected, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_with_few_trials_and_many_channels_activity_is_left():
    rng = np.random.default_rng(0)
    behavior = np.cumsum(rng.normal(size=(25, 60, 4)), axis=1)
    facts = TrialFacts(np.arange(25.0), np.zeros(25, dtype=int), behavior)
    area = np.cumsum(rng.normal(size=(25, 60, 6)), axis=1)  # slow, and follows nothing
    expected = Clearing(facts).expect([area], Fold(np.arange(20), np.arange(20, 25)))[0]
    assert expected[20:].var() < 0.2 * area.var()
    left = area - Clearing(facts).expect_everywhere([area])[0]
    assert left.var() > 0.6 * area.var()


def test_where_every_trial_is_a_condition_of_its_own_nothing_is_left_to_regress_on(movement):
    clearing = clear_recording(movement)
    alone = replace(clearing.facts, condition=np.arange(movement.n_trials))
    _, (first, second) = take_out(
        movement, lambda _, areas: Clearing(alone).expect_everywhere(areas)
    )
    assert max(np.abs(first).max(), np.abs(second).max()) < 0.01
