"""Predictions of another tool are scored as those of a model would be."""

import numpy as np
import pandas as pd
import pytest

from spikecast import AreaToArea, cross_validate, score_predictions
from spikecast.core.errors import InputError, ShapeError
from spikecast.evaluation.fit import Job, run_job
from spikecast.evaluation.folds import make_folds
from spikecast.models.linear import PCARidge


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    rate = rng.gamma(2.0, 0.5, (40, 10, 3))
    return rng.poisson(rate), rate


def test_a_models_own_predictions_get_its_own_scores(recording):
    task = AreaToArea("MOs")
    problem = task.problem(recording)
    folds = make_folds(problem, 3, seed=4)
    predicted = np.zeros(problem.y.shape)
    for index, fold in enumerate(folds):
        job = Job("ridge", PCARidge(), index, fold, 4, problem.metadata())
        predicted[fold.test] = run_job(job, problem.x, problem.y).prediction
    ours = cross_validate([PCARidge()], task, recording, 3, seed=4)
    found = score_predictions(
        problem.y,
        {"PCARidge": predicted},
        folds=folds,
        trials=recording.trials,
        behavior=problem.behavior,
        seed=4,
    )
    np.testing.assert_array_equal(found.table["value"], ours.table["value"])
    assert found.interval("PCARidge") == ours.interval("PCARidge")
    assert found.notices == ()


def test_trials_in_no_fold_do_not_count(counts):
    y, rate = counts
    folds = [(np.arange(20), np.arange(20, 30))]
    scores = score_predictions(y, rate, folds=folds)
    changed = rate.copy()
    changed[30:] = 1e6
    changed[:20] = 0
    np.testing.assert_array_equal(
        score_predictions(y, changed, folds=folds).table["value"], scores.table["value"]
    )
    alone = score_predictions(y[:30], rate[:30], folds=folds)
    np.testing.assert_array_equal(alone.table["value"], scores.table["value"])
    assert alone.interval("predicted") == scores.interval("predicted")
    assert set(scores.table["n_test_trials"]) == {10}
    whole = score_predictions(y.astype(float) + 0.5, rate, folds=folds)  # continuous values
    assert set(whole.table["n_test_trials"]) == {10}
    assert np.isfinite(whole.table["value"]).all()


def test_without_folds_a_notice_says_what_is_not_known(counts):
    (notice,) = score_predictions(*counts).notices
    assert notice.code == "no_folds"


def test_conditions_come_from_the_trials(counts):
    y, rate = counts
    sides = {"contrast_left": np.repeat([0.0, 1.0], 20), "contrast_right": np.zeros(40)}
    table = score_predictions(y, rate, trials=pd.DataFrame(sides)).table
    assert "psth_r2" in set(table["metric"])


def test_folds_that_leak_or_overlap_and_other_shapes_are_refused(counts):
    y, rate = counts
    with pytest.raises(InputError, match="1 of its test trials were learnt from"):
        score_predictions(y, rate, folds=[(np.arange(21), np.arange(20, 40))])
    with pytest.raises(InputError, match="more than one test part"):
        score_predictions(y, rate, folds=[(np.arange(20), np.arange(20, 30))] * 2)
    with pytest.raises(ShapeError):
        score_predictions(y, rate[:, :, :2])


def test_one_channel_of_behaviour_is_a_rung_and_hidden_values_are_not_scored():
    rng = np.random.default_rng(0)
    wheel = rng.normal(size=(40, 10))
    truth = rng.poisson(np.exp(0.5 * wheel)[..., np.newaxis], (40, 10, 2))
    folds = [(np.arange(20), np.arange(20, 40)), (np.arange(20, 40), np.arange(20))]
    rate = np.ones(truth.shape)
    scored = score_predictions(truth, rate, folds=folds, behavior=wheel)
    whole = score_predictions(truth, rate, folds=folds, behavior=wheel[..., np.newaxis])
    assert scored.interval("behavior").value == whole.interval("behavior").value > 0
    camera = 1000 * rng.normal(size=(40, 10, 60))
    many = score_predictions(truth, rate, behavior=np.dstack([camera, wheel]))
    assert [notice.code for notice in many.notices] == ["behavior_reduced", "no_folds"]
    with pytest.raises(ShapeError, match=r"behavior has shape \(40, 5\)"):
        score_predictions(truth, rate, folds=folds, behavior=wheel[:, :5])
    with pytest.raises(InputError, match="predicted is masked in 400 places"):
        score_predictions(truth, np.ma.array(rate, mask=rate * [0, 1] > 0), folds=folds)
    with pytest.raises(InputError, match="no prediction"):
        score_predictions(truth, {}, folds=folds)


def test_trials_in_another_order_are_refused(counts):
    y, rate = counts
    trials = pd.DataFrame({"contrast_left": np.arange(len(y)) % 2})[::-1]
    with pytest.raises(InputError, match="trials: the rows of this DataFrame are not in the order"):
        score_predictions(y, rate, trials=trials)


@pytest.mark.parametrize("size", [1e13, 1e39, 1e307])
def test_a_prediction_beyond_all_recordings_is_refused_without_a_warning(counts, size, recwarn):
    y, rate = counts
    rate = rate.astype(float)
    rate[3, 2, 1] = size
    for truth in (y, y - 0.5):
        with pytest.raises(InputError, match="predicted goes up to"):
            score_predictions(truth, rate)
    assert not recwarn.list


@pytest.mark.parametrize("nothing", ["constant", "zero", "noise"])
def test_a_prediction_that_holds_nothing_adds_nothing_to_a_rung_that_follows_chance(nothing):
    rng = np.random.default_rng(0)
    rate = np.exp(-1 + 0.8 * rng.normal(size=(40, 20, 1)))
    y = rng.poisson(rate, (40, 20, 4))
    noise = rng.gamma(4, 0.1, y.shape)
    predicted = {"constant": 0.4 + 0 * noise, "zero": 0 * noise, "noise": noise}[nothing]
    trial = np.arange(40)
    folds = [(trial[trial % 5 != k], trial[trial % 5 == k]) for k in range(5)]
    told = score_predictions(y, predicted, folds=folds).beyond
    assert told.gain.low <= 0
    assert score_predictions(y, rate + 0 * noise, folds=folds).beyond.gain.low > 0.3
