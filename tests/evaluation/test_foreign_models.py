"""Models from elsewhere in cross_validate."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import spikecast as sc


class TrialMean:
    """Each target's mean over trials, bin by bin."""

    def fit(self, x, y):
        self.mean = y.mean(axis=0)

    def predict(self, x):
        return np.broadcast_to(self.mean, (len(x), *self.mean.shape))


def test_any_object_with_fit_and_predict_is_scored_beside_ours():
    recording = sc.simulate.decision_task(40, seed=1).recording
    ours = {"mean_rate": sc.models.MeanRate(), "psth": sc.models.PSTH()}
    scores = sc.cross_validate(
        ours | {"mine": TrialMean(), "ridge": Ridge(alpha=100.0)},
        sc.AreaToArea("MOs"), recording, folds=2, shifts=0,
    )  # fmt: skip
    assert {"mean_rate", "mine", "psth", "ridge"} <= set(scores.models)
    assert scores.interval("psth").value > scores.interval("mine").value  # it is smoothed


class OneNumberPerTrial(sc.models.Model):
    """Predicts one number for all bins and targets of a trial."""

    def _fit(self, x, y):
        pass

    def _predict(self, x):
        return np.ones((len(x), 1, 1))


def test_a_prediction_is_not_spread_over_bins_and_targets():
    recording = sc.simulate.decision_task(40, seed=1).recording
    with pytest.raises(sc.errors.ShapeError, match="OneNumberPerTrial predicted"):
        sc.cross_validate([OneNumberPerTrial()], sc.AreaToArea("MOs"), recording, folds=2, shifts=0)
