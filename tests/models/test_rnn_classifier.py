"""The recurrent classifier: every cell and pooling learns, rare classes are found."""

import pickle

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from spikecast.core.errors import UnknownNameError
from spikecast.models.rnn_classifier import RNNClassifier


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


@pytest.mark.parametrize("pooling", ["attention", "last"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_cell_and_pooling_learns_and_gives_probabilities(cell, pooling):
    x, labels = planted()
    model = RNNClassifier(cell, pooling=pooling, epochs=15)
    assert accuracy(model, x, labels) > 0.8
    probability = model.predict_proba(x)
    assert probability.shape == (120, 2)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    chosen = model.classes_[probability.argmax(axis=1)]
    np.testing.assert_array_equal(chosen, model.predict(x))


@pytest.mark.slow
def test_balancing_finds_trials_of_a_rare_class_that_are_missed_without():
    x, labels = planted(600, rare=0.12, effect=0.5, seed=3)
    rare = x[160:][labels[160:] == "right"]
    missed, weighted, drawn = (
        np.mean(
            RNNClassifier(balance=how, epochs=15).fit(x[:160], labels[:160]).predict(rare)
            == "right"
        )
        for how in ("none", "weights", "sampling")
    )
    assert weighted > missed + 0.15
    assert drawn > missed + 0.15


def test_the_network_refuses_wrong_settings():
    x, labels = planted(12)
    with pytest.raises(UnknownNameError, match="'last'"):
        RNNClassifier(pooling="lst").fit(x, labels)
    with pytest.raises(UnknownNameError, match="'weights'"):
        RNNClassifier(balance="weight").fit(x, labels)


def test_a_fitted_network_travels_between_processes():
    x, labels = planted(20)
    model = RNNClassifier(epochs=1).fit(x, labels)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
