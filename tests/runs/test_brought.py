"""Predictions of another tool as a run: verdict, ladder, page, and what the audit finds planted."""

import numpy as np
import pytest

import spikecast as sc
from spikecast import report
from spikecast.core.errors import ConfigError, InputError
from spikecast.models.preprocess import smooth
from spikecast.runs.config import parse_config
from spikecast.runs.reader import open_run

N_TRIALS = 60


@pytest.fixture(scope="module")
def session():
    simulated = sc.simulate.unrelated_areas(
        N_TRIALS, (20, 6), n_bins=60, stimulus=0.05, coupling=0.3, seed=2
    )
    recording = simulated.recording
    rate = np.asarray(simulated.truth.rate)
    here = recording.area == "B"
    return {
        "truth": recording.activity[:, :, here],
        "predicted": rate[:, :, here],  # as good as can be
        "source": recording.activity[:, :, ~here],
        "fold": np.arange(N_TRIALS) % 3,
        "bin_size": 0.01,
        "trial_contrast_left": recording.trials["contrast_left"].to_numpy(),
        "trial_contrast_right": recording.trials["contrast_right"].to_numpy(),
        "target": "B",
    }


@pytest.fixture
def score(tmp_path):
    def run(arrays, **evaluation):
        path = tmp_path / "mine.npz"
        np.savez(path, **arrays)
        config = {
            "data": {"path": str(path)},
            "task": {"kind": "predictions", "target": "B"},
            "models": [],
            "evaluation": {"bootstrap": 200, **evaluation},
        }
        return open_run(sc.run(config, tmp_path / "run", workers=1, overwrite=True))

    return run


def find(run):
    return {hazard.rule: hazard for hazard in sc.audit(run.folder).hazards}


def test_they_stand_on_the_ladder_and_the_page_says_where_they_come_from(session, score):
    run = score(session)
    (target,) = run.targets
    assert target.models == ["predicted", "psth", "drift", "source_free"]
    verdict = target.verdict
    assert verdict.outcome == "predicted"
    assert (verdict.beyond.rung, verdict.source) == ("source_free", "source")
    assert verdict.beyond.gain.low > 0.05
    assert find(run) == {}
    page = report.build(run.folder).read_text("utf-8")
    assert "What do these predictions of B tell?" in page
    assert "made by another tool" in page
    assert "beyond the task and the session" in page
    again = sc.run(run.layout.config, run.folder.parent / "again", workers=1)
    assert open_run(again).summary.equals(run.summary)


@pytest.mark.parametrize("name", ["psth", "source_free", "behavior", "mean_rate"])
def test_the_name_of_a_null_is_refused_before_anything_is_written(session, score, name, tmp_path):
    arrays = {key: values for key, values in session.items() if key != "predicted"}
    with pytest.raises(InputError, match=f"'{name}' belongs to a null"):
        score(arrays | {f"predicted_{name}": session["predicted"]})
    assert not (tmp_path / "run").exists()


def test_predictions_have_any_name(session, score, tmp_path):
    names = ["my model", "glm.v2", "α", "a/b", "NA", "1", 100 * "é"]
    arrays = {key: values for key, values in session.items() if key != "predicted"}
    arrays |= {f"{part}_{name}": session["predicted"] for name in names
               for part in ("predicted", "train_predicted")}  # fmt: skip
    run = score(arrays)
    assert run.targets[0].brought == names
    assert report.build(run.folder).read_text("utf-8").count(">my model<") >= 1
    assert not find(run)
    scores = run.layout.scores.read_bytes()
    for path in (run.layout.summary, run.layout.scores, run.layout.verdict):
        path.unlink()
    sc.run(run.layout.config, run.folder, workers=1, resume=True)
    assert run.layout.scores.read_bytes() == scores


def test_no_column_of_trials_is_needed(session, score):
    without = {key: values for key, values in session.items() if not key.startswith("trial_")}
    run = score(without)
    assert run.targets[0].models == ["predicted", "psth", "drift", "source_free"]
    assert "What do these predictions of B tell?" in report.build(run.folder).read_text("utf-8")
    find(run)


def test_without_the_source_nothing_is_claimed_but_the_interval(session, score):
    without = {name: values for name, values in session.items() if name != "source"}
    run = score(without)
    verdict = run.targets[0].verdict
    assert (verdict.outcome, verdict.beyond.untested) == ("untested", "no_source")
    assert "does not hold the source" in report.build(run.folder).read_text("utf-8")


def test_the_drift_of_both_is_not_called_a_prediction(score):
    simulated = sc.simulate.unrelated_areas(80, (20, 6), n_bins=60, drift_sd=20.0, seed=3)
    recording, here = simulated.recording, simulated.recording.area == "B"
    truth = recording.activity[:, :, here]
    distance = np.abs(np.subtract.outer(np.arange(80), np.arange(80)))
    near = np.exp(-np.square(distance / 5.0)) * (distance > 0)  # other trials only
    level = near @ truth.mean(axis=1) / near.sum(axis=1, keepdims=True)
    slow = np.repeat(level[:, np.newaxis], 60, axis=1) + 1e-3
    run = score({
        "truth": truth, "predicted": slow, "source": recording.activity[:, :, ~here],
        "fold": np.arange(80) % 4, "bin_size": 0.01,
    })  # fmt: skip
    assert run.targets[0].verdict.outcome in ("not_beyond", "not_predicted")
    assert "mostly drift" in find(run)


def test_a_target_in_its_own_prediction_is_found(session, score):
    own = 0.5 * session["predicted"] + 0.5 * smooth(session["truth"], 1.5)
    found = find(score(session | {"predicted": own}))
    assert found["the answer in the prediction"].severity == "severe"
    copied = find(score(session | {"predicted": session["truth"].astype(float)}))
    assert {"prediction is the recording", "the answer in the prediction"} <= set(copied)


def test_neurons_on_both_sides_are_found_and_left_out_of_the_shift_test(session, score):
    source = session["source"].copy()
    source[:, :, 4] = session["truth"][:, :, 1]
    run = score(session | {"source": source})
    assert find(run)["neurons recorded twice"].severity == "severe"
    assert run.targets[0].problem.attrs["n_sources"] == source.shape[2] - 1


def test_training_scores_stand_beside_test_scores(session, score):
    rng = np.random.default_rng(0)
    poor = session["predicted"] * np.exp(0.7 * rng.normal(size=session["truth"].shape))
    found = find(score(session | {"predicted": poor, "train_predicted": session["predicted"]}))
    assert "fits the training trials only" in found
    same = find(score(session | {"train_predicted": session["predicted"]}))
    assert "fits the training trials only" not in same


def test_parts_without_a_condition_are_found(session, score):
    left = session["trial_contrast_left"]
    order = np.argsort(left, kind="stable")
    fold = np.empty(N_TRIALS, dtype=int)
    fold[order] = np.arange(N_TRIALS) // 20  # each part has its own contrasts
    found = find(score(session | {"fold": fold, "trial_contrast_right": np.zeros(N_TRIALS)}))
    assert "parts not balanced" in found


def test_one_part_and_a_single_continuous_target_are_scored(session, score):
    rng = np.random.default_rng(0)
    speed = smooth(rng.normal(size=(N_TRIALS, 60, 1)), 5.0)
    run = score({
        "truth": speed, "predicted_mine": speed + 0.05 * rng.normal(size=speed.shape),
        "train_0": np.arange(30), "test_0": np.arange(30, 60), "bin_size": 0.01,
        "source": session["source"],
    })  # fmt: skip
    assert run.metric == "r2"
    assert run.targets[0].verdict.leader == "mine"
    report.build(run.folder)


def test_a_config_scores_the_file_or_models_not_both():
    with pytest.raises(ConfigError, match="leave 'models' empty"):
        parse_config({"data": {"path": "a.npz"}, "task": {"kind": "predictions"}})
