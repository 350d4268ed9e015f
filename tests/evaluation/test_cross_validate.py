"""Scores of known situations: planted truth comes back, noise gives nothing."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest

from spikecast import AreaToArea, Behavior, cross_validate, simulate
from spikecast.core.errors import NotEnoughDataError, UnknownNameError
from spikecast.data import load
from spikecast.data.recording import Recording
from spikecast.evaluation.folds import make_folds
from spikecast.evaluation.score_table import score_folds
from spikecast.evaluation.verdict import Verdict, judge_scores
from spikecast.models.base import Model
from spikecast.models.catalog import MODELS
from spikecast.models.linear import PCARidge
from spikecast.models.timescales import Timescales
from spikecast.scoring import metrics
from spikecast.tasks.splits import Split
from spikecast.tasks.trial_facts import label_conditions


class Oracle(Model):
    """Predicts from a source that holds the answer."""

    def _fit(self, x, y):
        pass

    def _predict(self, x):
        return x[..., : self.n_targets_] + 0.5


@pytest.fixture(scope="module")
def scores(recording):
    return cross_validate(["mean_rate", "psth", "pca_ridge", "poisson_glm"],
                          AreaToArea("MOs"), recording, seed=1)  # fmt: skip


class TestTable:
    def test_it_has_the_promised_columns_and_every_combination(self, scores):
        table = scores.table
        assert list(table) == [
            "session", "task", "source", "target", "model", "fold", "metric", "null", "aggregate",
            "value", "n_test_trials", "n_neurons", "fit_seconds",
        ]  # fmt: skip
        assert set(table["fold"]) == {0, 1, 2, 3, 4, "all"}
        rungs = {"psth", "drift", "source_free", "behavior"}
        assert set(table["null"]) == rungs | {"train_mean", "eval_mean", "trial_shuffle", ""}
        assert rungs <= set(table["model"])
        assert table.groupby(["model", "fold"]).size().nunique() <= 2  # psth_r2 only over all
        assert np.isfinite(table["value"]).all()

    def test_each_score_is_what_the_metric_says(self, recording):
        problem = AreaToArea("MOs").problem(recording)
        folds = make_folds(problem, 5)
        rng = np.random.default_rng(0)
        predictions = [rng.uniform(0.01, 0.3, problem.y[f.test].shape) for f in folds]
        psth = [metrics.null_rate(problem.y[f.train], problem.y[f.test], "psth") for f in folds]
        found = score_folds(
            problem,
            folds,
            {"psth": psth, "random": predictions},
            {"psth": [0.0] * 5, "random": [0.0] * 5},
        )
        table = found.table.query("model == 'random'")
        table = table.set_index(["fold", "metric", "null", "aggregate"])["value"]
        for index, (fold, prediction) in enumerate(zip(folds, predictions, strict=True)):
            y, train = problem.y[fold.test], problem.y[fold.train]
            for null in ("train_mean", "psth"):
                reference = metrics.null_rate(train, y, null)
                for how in metrics.AGGREGATES:
                    expected = metrics.bits_per_spike(y, prediction, reference, how)
                    assert table[index, "bits_per_spike", null, how] == pytest.approx(
                        expected, abs=1e-4
                    )
            mean = metrics.null_rate(train, y)
            assert table[index, "d2", "train_mean", "pooled"] == pytest.approx(
                metrics.d2(y, prediction, mean), abs=1e-4
            )
            assert table[index, "poisson_nll", "", "pooled"] == pytest.approx(
                metrics.poisson_nll(y, prediction), abs=1e-4
            )

    def test_neurons_add_up_to_the_whole(self, scores):
        whole = scores.table.query(
            "fold == 'all' and metric == 'bits_per_spike' and null == 'train_mean'"
            " and aggregate == 'per_neuron'"
        ).set_index("model")["value"]
        per_neuron = scores.neurons.groupby("model")["value"].mean()
        np.testing.assert_allclose(per_neuron[whole.index], whole)


def test_what_another_area_knows_is_found(scores):
    assert scores.interval("poisson_glm").low > 0.05
    assert scores.interval("poisson_glm", minus="pca_ridge").low > 0
    assert scores.interval("poisson_glm", null="psth").low > 0
    assert scores.interval("mean_rate").value == pytest.approx(0, abs=1e-6)


def test_the_number_of_workers_changes_nothing(recording):
    models, task = ["poisson_glm", Timescales(n_members=2, epochs=3)], AreaToArea("CA1")
    small = recording.select(trials=np.arange(24), time=(0.0, 0.2))
    alone = cross_validate(models, task, small, 2, seed=3, shifts=0)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        together = cross_validate(models, task, small, 2, seed=3, shifts=0, executor=pool)
    np.testing.assert_array_equal(alone.table["value"], together.table["value"])


def test_the_seed_decides(recording):
    small = recording.select(trials=np.arange(24))
    one, two = (
        cross_validate(["pca_ridge"], AreaToArea("CA1"), small, 2, seed=s, shifts=0) for s in (0, 1)
    )
    assert not np.array_equal(one.table["value"], two.table["value"])


def test_targets_silent_in_training_are_not_scored_there(recording):
    dataset = recording.dataset.copy(deep=True)
    target = np.flatnonzero(recording.area == "MOs")[3]
    dataset["activity"][:, :, target] = 0
    dataset["activity"][0, :, target] = 5  # it fires in one trial only
    found = cross_validate(
        ["mean_rate"], AreaToArea("MOs"), Recording(dataset), split="block", shifts=0
    )
    rows = found.table.query("metric == 'bits_per_spike' and null == 'train_mean'")
    per_fold = rows.groupby("fold")["n_neurons"].first()
    n_targets = AreaToArea("MOs").problem(Recording(dataset)).y.shape[2]
    assert per_fold[0] == n_targets - 1
    assert per_fold[1] == n_targets
    assert found.notices[0].code == "silent_targets"
    assert np.isfinite(rows["value"]).all()


class TestTrialShuffle:
    """What a prediction gains over one made from another trial of its condition."""

    def run(self, x, y, condition):
        area = ["A"] * y.shape[2] + ["B"] * x.shape[2]
        trials = {"contrast_left": condition, "contrast_right": 0 * condition}
        recording = Recording.from_arrays(
            np.concatenate([y, x], axis=2), 0.01 * np.arange(y.shape[1]), area, trials=trials
        )
        return cross_validate({"oracle": Oracle()}, AreaToArea("A"), recording, shifts=0)

    def test_a_prediction_of_the_condition_alone_gains_nothing(self):
        rng = np.random.default_rng(0)
        condition = np.repeat([0.0, 1.0], 50)
        rate = np.where(condition == 1, 2, 6)[:, None, None] * np.ones((100, 20, 4), dtype=int)
        found = self.run(rate, rng.poisson(rate), condition)
        assert found.interval("oracle").low > 0.05
        shuffled = found.interval("oracle", null="trial_shuffle")
        assert abs(shuffled.value) < 1e-6

    def test_a_prediction_of_the_trial_gains_all_of_it(self):
        rng = np.random.default_rng(0)
        rate = rng.choice([1, 6], (100, 1, 1)) * np.ones((100, 20, 4), dtype=int)
        found = self.run(rate, rng.poisson(rate), np.zeros(100))
        assert found.interval("oracle", null="trial_shuffle").low > found.interval("oracle").value


def test_drift_helps_random_splits_and_not_blocks():
    """Both areas drift together over the session and share nothing else."""
    rng = np.random.default_rng(0)
    drift = np.exp(np.linspace(-1, 1, 90))[:, None, None]
    counts = rng.poisson(0.3 * drift * np.ones((90, 30, 30)))
    recording = Recording.from_arrays(counts, 0.01 * np.arange(30), ["A"] * 15 + ["B"] * 15)

    def gain(split):
        return (
            cross_validate(
                ["pca_ridge"],
                AreaToArea("A"),
                recording,
                Split(5, by=split, gap=3 * (split == "block")),
                shifts=0,
            )
            .interval("pca_ridge", null="eval_mean")
            .value
        )

    assert gain("trial") > gain("block")


class TestContinuous:
    def test_running_is_decoded_from_activity_in_held_out_blocks(self):
        recording = simulate.spontaneous(n_neurons=150, n_bins=1500, seed=1).recording
        found = cross_validate(["mean_rate", "pca_ridge"], Behavior("running"), recording, shifts=0)
        assert found.metric == "r2"
        assert found.interval("pca_ridge").low > 0.4
        assert set(found.table["metric"]) == {"r2", "mse", "rmse", "pearson"}

    def test_shuffled_neurons_decode_nothing(self):
        recording = simulate.spontaneous(n_neurons=150, n_bins=1500, seed=1).recording
        dataset = recording.dataset.copy()
        dataset["running"] = (("trial", "time"), np.roll(dataset["running"].values, 700, axis=1))
        found = cross_validate(["pca_ridge"], Behavior("running"), Recording(dataset), shifts=0)
        assert found.interval("pca_ridge").low < 0.1


def test_conditions_are_the_stimulus_where_it_is_known(recording):
    label = label_conditions(recording.trials)
    same = (recording.trials["contrast_left"] == recording.trials["contrast_left"][0]) & (
        recording.trials["contrast_right"] == recording.trials["contrast_right"][0]
    )
    np.testing.assert_array_equal(label == label[0], same)
    assert set(label_conditions(recording.trials[["response"]])) == {"all trials"}
    commas = pd.DataFrame({"a": ["x, y", "x"], "b": ["z", "y, z"]})
    assert len(set(label_conditions(commas, ["a", "b"]))) == 2
    with pytest.raises(UnknownNameError, match="Did you mean 'response'"):
        label_conditions(recording.trials, ["respons"])


def test_names_and_numbers_out_of_range_are_explained(recording):
    with pytest.raises(UnknownNameError, match="Did you mean 'timescales'"):
        cross_validate(["timescale"], AreaToArea("MOs"), recording)
    with pytest.raises(NotEnoughDataError, match="too few for 40 folds"):
        cross_validate(["mean_rate"], AreaToArea("MOs"), recording, 40)
    with pytest.raises(UnknownNameError, match="trial column"):
        cross_validate(["mean_rate"], AreaToArea("MOs"), recording, split="stratum", strata="x")


class TestVerdict:
    def test_noise_is_called_nothing(self):
        noise = simulate.poisson_noise(n_trials=60, areas={"A": 10, "B": 20}).recording
        names = ["mean_rate", "psth", "pca_ridge", "pls", "timescales"]
        found = cross_validate(names, AreaToArea("A"), noise)
        for name in names:
            assert not found.interval(name).low > 0, name
        assert judge_scores(found).outcome == "not_predicted"

    def test_what_only_the_task_knows_is_said(self):
        rng = np.random.default_rng(0)
        bump = 0.05 + np.exp(-0.5 * ((np.arange(40) - 20) / 4) ** 2)
        counts = rng.poisson(bump[:, None], (80, 40, 30))
        recording = Recording.from_arrays(counts, 0.01 * np.arange(40), ["A"] * 10 + ["B"] * 20)
        found = cross_validate(["psth", "pca_ridge"], AreaToArea("A"), recording)
        verdict = judge_scores(found)
        assert verdict.outcome == "not_beyond"
        assert verdict.score.low > 0

    def test_a_winner_a_loser_and_the_worse_than_nothing_are_named(self, recording):
        class Worse(PCARidge):
            def _predict(self, x):
                return 5 + 0 * super()._predict(x)

        models = {
            "timescales": MODELS["timescales"](n_members=1, epochs=4),
            "poisson_glm": MODELS["poisson_glm"](),
            "worse": Worse(),
        }
        verdict = judge_scores(cross_validate(models, AreaToArea("MOs"), recording))
        assert (verdict.target, verdict.source) == ("MOs", "rest")
        assert verdict.leader in ("timescales", "poisson_glm")
        assert (verdict.comparison.model, verdict.comparison.baseline) == (
            "timescales", "poisson_glm",
        )  # fmt: skip
        assert "worse" in verdict.below_null
        assert verdict.below_null["worse"] < 0
        assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict

    def test_only_nulls_are_no_verdict(self, recording):
        scores = cross_validate(["mean_rate"], AreaToArea("MOs"), recording, shifts=0)
        assert judge_scores(scores).outcome == "no_model"


QUICK = ["mean_rate", "psth", "pca_ridge", "reduced_rank", "pls", "poisson_glm", "timescales"]
PATIENT = sorted(MODELS.keys() - set(QUICK) - {"recipe"})


@pytest.mark.slow
@pytest.mark.parametrize(("names", "n_sessions"), [(QUICK, 10), (PATIENT, 2)])
def test_noise_gives_no_model_an_interval_above_zero(names, n_sessions):
    """Every model of the catalogue on sessions of noise."""
    above = []
    for seed in range(n_sessions):
        noise = simulate.poisson_noise(n_trials=80, areas={"A": 25, "B": 60}, seed=seed).recording
        found = cross_validate(names, AreaToArea("A"), noise, seed=seed)
        above += [(name, seed) for name in names if found.interval(name).low > 0]
    assert above == []


@pytest.mark.slow
@pytest.mark.parametrize("target", ["MOs", "VISp", "MD", "CA1"])
def test_the_default_model_reaches_four_fifths_of_the_oracle(target):
    simulated = simulate.decision_task()
    found = cross_validate(["timescales"], AreaToArea(target), simulated.recording)
    problem = AreaToArea(target).problem(simulated.recording)
    scored = problem.targets["neuron"].to_numpy()
    in_area = simulated.truth.rate[..., simulated.recording.area == target]
    fires = simulated.recording.select(area=target).firing_rate >= 0.5
    assert scored.size == fires.sum()
    null = metrics.null_rate(problem.y, problem.y)
    oracle = metrics.bits_per_spike(problem.y, in_area[..., fires], null)
    assert found.interval("timescales").value >= 0.8 * oracle


@pytest.mark.slow
@pytest.mark.parametrize(
    ("session", "glm", "timescales"), [(0, 0.43, 0.44), (2, 0.45, 0.44), (6, 0.30, 0.295)]
)
def test_real_recordings_reach_the_published_figures(real_file, session, glm, timescales):
    recording = load(real_file, session)
    found = cross_validate(["poisson_glm", "timescales"], AreaToArea("MOs"), recording)
    assert found.interval("poisson_glm").value >= glm
    assert found.interval("timescales").value >= timescales
