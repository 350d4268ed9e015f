"""How scores show themselves: a line, a summary, a tidy table, the predictions."""

import numpy as np
import pytest

from spikecast import AreaToArea, cross_validate, score_predictions
from spikecast.scoring.metrics import bits_per_spike, null_rate


@pytest.fixture(scope="module")
def problem(recording):
    return AreaToArea("MOs").problem(recording)


@pytest.fixture(scope="module")
def scores(recording):
    return cross_validate(["mean_rate", "pca_ridge"], AreaToArea("MOs"), recording, 3, shifts=0)


def test_the_summary_is_short_and_the_nulls_are_elsewhere(scores):
    summary, nulls = scores.summary(), scores.compare_nulls()
    assert list(summary) == [
        "model", "bits_per_spike", "low", "high",
        "bits_per_spike_vs_behavior", "low_vs_behavior", "high_vs_behavior",
    ]  # fmt: skip
    assert set(summary) < set(nulls)
    assert summary.equals(nulls[list(summary)])
    assert summary["model"].tolist() == nulls["model"].tolist()


def test_predictions_are_those_that_were_scored(scores, problem):
    assert list(scores.predictions) == scores.models
    again = score_predictions(
        problem.y, scores.predictions["pca_ridge"], name="again", trials=problem.trials
    )
    assert set(again.table["n_test_trials"]) == {len(problem.y)}
    null = null_rate(problem.y, problem.y)
    expected = bits_per_spike(problem.y, scores.predictions["pca_ridge"], null)
    assert again.interval("again").value == pytest.approx(expected, abs=1e-4)


def test_trials_that_no_fold_scored_have_no_prediction(problem, recording):
    folds = [(range(20), range(20, 30))]
    scores = cross_validate(["mean_rate"], AreaToArea("MOs"), recording, folds, shifts=0)
    missing = np.isnan(scores.predictions["mean_rate"]).all(axis=(1, 2))
    assert np.flatnonzero(~missing).tolist() == list(range(20, 30))


def test_it_prints_in_a_line_and_the_table_knows_its_units(scores):
    assert repr(scores).startswith("Scores: 1 model, 5 nulls, bits_per_spike: best ")
    assert len(repr(scores)) < 120
    frame = scores.to_frame().set_index(["metric", "null"])
    assert frame.loc[("bits_per_spike", "train_mean"), "unit"].unique() == ["bits/spike"]
    html = scores.to_html()
    assert html == scores._repr_html_()
    assert "<td>pca_ridge</td>" in html
