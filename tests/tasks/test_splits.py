import numpy as np
import pytest

from spikecast.core.errors import InputError, NotEnoughDataError, UnknownNameError
from spikecast.tasks import splits


@pytest.mark.parametrize("kind", splits.SPLITS)
def test_every_trial_is_tested_once_and_never_trained_on_then(kind):
    folds = splits.split_trials(kind, 53, 5, seed=1, strata=np.arange(53) % 3)
    np.testing.assert_array_equal(np.sort(np.concatenate([f.test for f in folds])), np.arange(53))
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        assert fold.train.size + fold.test.size == 53


def test_strata_are_spread_evenly():
    strata = np.repeat(["a", "b"], [40, 20])
    for fold in splits.split_by_stratum(strata, 4):
        assert (strata[fold.test] == "b").sum() == 5


def test_the_gap_keeps_neighbours_of_the_test_block_out_of_training():
    for fold in splits.split_by_block(100, 5, gap=3):
        distance = np.abs(fold.train[:, None] - fold.test).min()
        assert distance > 3
        assert np.all(np.diff(fold.test) == 1)


def test_the_seed_decides():
    first, again, other = (splits.split_by_trial(40, 4, seed)[0].test for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


def test_too_few_trials_are_refused():
    with pytest.raises(NotEnoughDataError, match="at least 10"):
        splits.split_by_trial(9, 5)
    with pytest.raises(InputError, match="at least 2"):
        splits.split_by_trial(9, 1)
    with pytest.raises(NotEnoughDataError, match="stratum 'b' has 2"):
        splits.split_by_stratum(np.repeat(["a", "b"], [30, 2]), 5)
    with pytest.raises(NotEnoughDataError, match="nothing to train on"):
        splits.split_by_block(10, 5, gap=9)
    with pytest.raises(UnknownNameError, match="Did you mean 'trial'"):
        splits.split_trials("trials", 20, 5)
    with pytest.raises(InputError, match="name a trial column"):
        splits.split_trials("stratum", 20, 5)


def test_a_gap_belongs_to_blocks():
    with pytest.raises(InputError, match="take the split 'block'"):
        splits.split_trials("trial", 20, 4, gap=2)
