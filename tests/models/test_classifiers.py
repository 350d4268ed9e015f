"""Classifiers of trials: planted labels are found, labels without a trace are not."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score

from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.models.classifiers import CLASSIFIERS, Decoder

OF_TRIALS = [name for name, entry in CLASSIFIERS.items() if entry.reads_trials]


def planted(n_trials=120, rare=0.5, effect=1.5, seed=0):
    """A label changes the rate of a third of the neurons in the second half of the trial."""
    rng = np.random.default_rng(seed)
    right = rng.random(n_trials) < rare
    gain = np.ones((n_trials, 20, 12))
    gain[:, 10:, :4] += effect * right[:, np.newaxis, np.newaxis]
    return rng.poisson(0.4 * gain).astype(np.uint8), np.where(right, "right", "left")


def accuracy(model, x, labels, n_train=80):
    model.fit(x[:n_train], labels[:n_train])
    return balanced_accuracy_score(labels[n_train:], model.predict(x[n_train:]))


@pytest.mark.parametrize("name", OF_TRIALS)
def test_a_planted_label_is_found(name):
    assert accuracy(CLASSIFIERS[name].make(0), *planted()) > 0.85


@pytest.mark.parametrize("name", OF_TRIALS)
def test_a_label_without_a_trace_stays_at_chance(name):
    found = [
        accuracy(CLASSIFIERS[name].make(0), *planted(200, effect=0.0, seed=seed), n_train=80)
        for seed in range(3)
    ]
    # 360 test trials: the standard error of chance is 0.026
    assert 0.42 < np.mean(found) < 0.58


@pytest.mark.parametrize("name", OF_TRIALS)
def test_the_same_seed_gives_the_same_labels_and_a_refit_forgets(name):
    x, labels = planted(60)
    model = CLASSIFIERS[name].make(1).fit(x[:, :, :5], np.arange(60) % 3)
    again = clone(model).fit(x, labels)
    model.fit(x, labels)
    np.testing.assert_array_equal(model.predict(x), again.predict(x))
    assert model.classes_.tolist() == ["left", "right"]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_entry_says_what_it_is_and_its_settings_exist(name):
    entry = CLASSIFIERS[name]
    assert entry.about
    assert entry.paper
    assert set(entry.grid) <= set(entry.make(0).get_params())


def test_settings_are_chosen_on_whole_trials():
    """Two copies of each trial: on trials cut apart, remembering a trial would look best."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 30)), np.arange(60) % 2
    x, y, trial = np.tile(x, (2, 1)), np.tile(y, 2), np.tile(np.arange(60), 2)
    apart = Decoder("rbf_svm", seed=1).fit(x, y)
    whole = Decoder("rbf_svm", seed=1).fit(x, y, trial)
    assert apart.search_score_ > 0.75
    assert whole.search_score_ < 0.65


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_that_do_not_vary_are_told_apart(n_classes):
    """scikit-learn's discriminant has no weights there, and finds one class."""
    y = np.arange(30) % n_classes
    x = np.eye(n_classes)[y] @ np.random.default_rng(0).normal(size=(n_classes, 4))
    assert (Decoder("lda").fit(x, y).predict(x) == y).all()


@pytest.mark.parametrize("name", OF_TRIALS)
def test_hard_cases_give_labels_or_a_clear_error(name):
    x, labels = planted(12)
    cases = {
        "one bin": x[:, :1],
        "one neuron": x[..., :1],
        "a silent source": 0 * x,
        "a class of one trial": x,
    }
    for case, source in cases.items():
        given = labels if case != "a class of one trial" else np.arange(12) == 4
        assert CLASSIFIERS[name].make(0).fit(source, given).predict(source).shape == (12,), case


@pytest.mark.parametrize("name", OF_TRIALS)
def test_bad_input_is_refused(name):
    x, labels = planted(12)
    with pytest.raises(ShapeError, match="three axes"):
        CLASSIFIERS[name].make(0).fit(x[0], labels)
    with pytest.raises(InputError, match="NaN"):
        CLASSIFIERS[name].make(0).fit(np.where(x > 2, np.nan, x), labels)
    with pytest.raises(NotEnoughDataError, match="at least 2"):
        CLASSIFIERS[name].make(0).fit(x, np.zeros(12))
    with pytest.raises(ShapeError, match="labels has 11"):
        CLASSIFIERS[name].make(0).fit(x, labels[:11])
