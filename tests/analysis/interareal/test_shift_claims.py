"""What a claim about two areas needs: trials in order, enough of them, conditions held together."""

from dataclasses import replace

import numpy as np
import pytest

from spikecast.analysis.interareal.shift_claims import (
    ORDER_UNKNOWN,
    TOO_FEW_ALIKE,
    TOO_FEW_TRIALS,
    TURNED_OFF,
    find_obstacle,
    make_claim,
    part_by_condition,
    plan_pairings,
)
from spikecast.evaluation.clearing import clear_recording


def test_a_condition_is_never_learnt_from_and_held_out():
    condition = np.random.default_rng(0).integers(0, 12, 200)
    parts = part_by_condition(condition)
    assert sorted(np.concatenate(parts)) == list(range(200))
    held = [set(condition[part]) for part in parts]
    assert sum(map(len, held)) == len(set(condition))
    assert max(map(len, parts)) < 1.5 * min(map(len, parts))


def test_trials_that_are_all_alike_are_cut_in_blocks():
    parts = part_by_condition(np.zeros(50))
    assert [part[-1] - part[0] + 1 for part in parts] == [10] * 5
    assert len(part_by_condition(np.arange(10) % 2)) == 2


def test_a_claim_says_why_it_was_not_tested(two_areas):
    clearing = clear_recording(two_areas(0, n_trials=60, n_bins=20))
    assert find_obstacle(clearing, 40) is None
    assert make_claim(clearing, 40, 0.02).stands
    assert not make_claim(clearing, 40, 0.06).stands
    assert len(plan_pairings(clearing, 40).all_shifts) == 1 + make_claim(clearing, 40, 0.5).n_shifts
    assert make_claim(clearing, 0, None).untested == TURNED_OFF
    few = clear_recording(two_areas(0, n_trials=30, n_bins=20))
    assert make_claim(few, 40, None).untested == TOO_FEW_TRIALS
    assert not make_claim(few, 40, None).stands
    assert plan_pairings(few, 40) is None


@pytest.mark.parametrize(
    ("change", "obstacle"),
    [({"place": None}, ORDER_UNKNOWN), ({"condition": np.arange(60)}, TOO_FEW_ALIKE)],
)
def test_some_trials_cannot_be_shifted(two_areas, change, obstacle):
    clearing = clear_recording(two_areas(0, n_trials=60, n_bins=20))
    changed = replace(clearing, facts=replace(clearing.facts, **change))
    assert find_obstacle(changed, 40) == obstacle
