"""Every rule fires on what it is for, and is silent on the sound twin."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from spikecast.analysis.decoding import problem, sources
from spikecast.analysis.decoding.decode import _Method, decode
from spikecast.core.errors import RunError
from spikecast.data import load
from spikecast.data.identity import identify
from spikecast.evaluation import fit
from spikecast.evaluation.beyond import measure_beyond
from spikecast.evaluation.fit import fit_model, run_job
from spikecast.evaluation.folds import make_folds
from spikecast.runs import audit as audits
from spikecast.runs import config, experiment, fits, targets
from spikecast.runs.audit import judge_claims
from spikecast.runs.audit_rules import RULES
from spikecast.runs.provenance import Claim, read_claims, write_claims
from spikecast.runs.questions import decode as questions
from spikecast.tasks.splits import Fold

SOUND = {
    "name": "n", "metric": "accuracy", "value": 0.7, "train": list(range(60)),
    "test": list(range(60, 120)), "null": "label_shuffle",
}  # fmt: skip
CASES = {  # rule: (what makes it fire, its sound twin)
    "evaluated on training data": (
        {"test": [0, 1], "n_scored": 99}, {"test": [60, 61], "n_scored": 99}),
    "drawn with replacement": ({"test": [60, 60, 61], "metric": "r2"}, {}),
    "fitted outside the fold": (
        {"fitted_on": {"PCA": range(120)}}, {"fitted_on": {"PCA": range(60)}}),
    "chosen on test data": (
        {"chosen_on": {"epoch": range(60, 120)}}, {"chosen_on": {"epoch": range(20)}}),
    "split chosen by its score": (
        {"splits_tried": {"70/30": 0.7, "80/20": 0.6}}, {"splits_tried": {"70/30": 0.7}}),
    "target among the sources": (
        {"source_neurons": [7, 8], "target_neurons": [9, 7]},
        {"source_neurons": [7, 0], "target_neurons": [9, 0]}),
    "shapes broadcast": (
        {"prediction_shape": [9, 1], "target_shape": [9]},
        {"prediction_shape": [9], "target_shape": [9]}),
    "labels out of step": (
        {"rows": [3, 1, 2], "label_rows": [1, 2, 3]}, {"rows": [3, 1], "label_rows": [3, 1]}),
    "neurons changed": (
        {"fit_neurons": [0, 1], "used_neurons": [1, 2]},
        {"fit_neurons": [0, 1], "used_neurons": [0, 1]}),
    "acausal timing": ({"dated": True, "causal": False}, {"dated": True}),
    "outcome in the window": (
        {"window_end": 2.0, "outcome_time": 0.7}, {"window_end": 0.4, "outcome_time": 0.7}),
    "losses compared across targets": (
        {"metric": "poisson_nll", "target": "MOs", "compared_with": "VISp", "repeats": 5},
        {"metric": "bits_per_spike", "target": "MOs", "compared_with": "VISp", "repeats": 5}),
    "balanced in time order": (
        {"kept": {"correct": [1, 2, 4]}, "pool": {"correct": [1, 2, 4, 5, 7, 9]}},
        {"kept": {"correct": [1, 5, 9]}, "pool": {"correct": [1, 2, 4, 5, 7, 9]}}),
    "null missing": ({"null": ""}, {}),
    "baseline missing": (
        {"features": "latents"}, {"features": "latents", "baselines": ["counts"]}),
    "softmax twice": ({"loss_on": "probabilities"}, {"loss_on": "logits"}),
    "setting never swept": (
        {"swept": {"n_latents": [75, 75]}}, {"swept": {"n_latents": [50, 75]}}),
    "single seed": ({"compared_with": "VISp"}, {"compared_with": "VISp", "repeats": 3}),
    "picture without a score": ({"value": None}, {}),
    "the answer in the prediction": ({"zero_lag": {"0": 1.0, "1": 9.0}}, {"zero_lag": {"0": 1.0}}),
    "prediction is the recording": (
        {"own_correlation": {"0": 1.0}}, {"own_correlation": {"0": 0.4}}),
    "neurons recorded twice": (
        {"compared_spikes": True, "source_copies": [7]}, {"compared_spikes": True}),
    "mostly drift": ({"beyond_drift": 0.1}, {"beyond_drift": 0.6}),
    "fits the training trials only": ({"train_value": 2.0}, {"train_value": 0.8}),
    "parts not balanced": (
        {"parts": {"left": [20, 0], "right": [0, 20]}},
        {"parts": {"left": [11, 9], "right": [9, 11]}}),
    "too few test trials": ({"test": range(60, 72)}, {}),
}  # fmt: skip


def claim(change):
    return Claim(**{**SOUND, **{k: list(v) if isinstance(v, range) else v
                                for k, v in change.items()}})  # fmt: skip


def lists(change):
    return {
        key: {k: list(v) for k, v in value.items()}
        if key in ("fitted_on", "chosen_on") else value
        for key, value in change.items()
    }  # fmt: skip


def test_every_rule_has_a_case():
    assert set(CASES) == {rule.name for rule in RULES}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_fires_alone_and_is_silent_on_the_sound_twin(name):
    flawed, sound = (claim(lists(change)) for change in CASES[name])
    (hazard,) = judge_claims([flawed]).hazards
    assert hazard.rule == name
    assert hazard.where == ("n",)
    assert hazard.evidence
    assert hazard.fix
    assert judge_claims([sound]).hazards == ()


def test_a_rule_that_reads_nothing_of_what_is_recorded_is_not_counted():
    assert set(judge_claims([claim({})]).silent) == {
        "evaluated on training data", "drawn with replacement", "null missing",
        "too few test trials",
    }  # fmt: skip
    assert "acausal timing" in judge_claims([claim({"dated": True})]).silent
    assert judge_claims([]) == audits.Audit((), ())


def test_claims_are_written_and_read_back(tmp_path):
    claims = [claim({}), claim({"value": None, "unit": "bins"})]
    write_claims(claims, tmp_path)
    assert read_claims(tmp_path) == claims
    assert fired(tmp_path) == {"picture without a score"}


def fired(folder):
    return {hazard.rule for hazard in audits.audit(folder).hazards}


# ------------------------------------------------------------------------------------ real runs

PREDICT = {
    "task": {"target": "MOs"},
    "models": ["pca_ridge"],
    "evaluation": {"folds": 3, "bootstrap": 100, "shifts": 0},
}  # fmt: skip
BEYOND = PREDICT | {"evaluation": {"folds": 3, "bootstrap": 100, "shifts": 20}}
DECODE = {
    "labels": ["response"], "sources": ["counts", "latents"], "folds": 3, "permutations": 20,
}  # fmt: skip


@pytest.fixture
def run(recording, tmp_path):
    """Run a config on a recording."""

    def make(settings, changed=recording):
        changed.save(tmp_path / "task.nc")
        parsed = config.parse_config({"data": {"path": str(tmp_path / "task.nc")}, **settings})
        return experiment.run(parsed, tmp_path / "run", workers=1)

    return make


def test_a_sound_run_triggers_nothing_and_says_what_could_have_been_found(run):
    over_time = {"labels": ["response"], "folds": 3, "permutations": 40, "generalization": False}
    decode = DECODE | {"sources": ["counts", "latents", "behavior"]}
    out = run(BEYOND | {"models": ["mean_rate", "pca_ridge"],
                         "analysis": {"decode": decode, "over_time": over_time}})  # fmt: skip
    claims = read_claims(out)
    # two models, four rungs and what is beyond them; decoding; a curve
    assert len(claims) == (2 + 4 + 1) * 3 + 3 * 3 + 1
    assert {len(c.train) + len(c.test) for c in claims if c.train} == {60}
    found = audits.audit(out)
    assert found.hazards == ()
    assert set(found.silent) == {
        "evaluated on training data", "drawn with replacement", "fitted outside the fold",
        "chosen on test data", "target among the sources", "labels out of step",
        "acausal timing", "null missing", "baseline missing", "too few test trials",
    }  # fmt: skip


def test_what_models_judged_their_settings_on_is_recorded(run):
    stack = {"stack": {"models": ["mean_rate", "pca_ridge"]}}
    fits = read_claims(run(PREDICT | {"models": ["mean_rate", "pca_ridge", stack]}))
    chosen_on = {claim.name: claim.chosen_on for claim in fits}
    assert chosen_on["MOs by mean_rate, fold 0"] == {}
    for claim in fits:
        for trials in claim.chosen_on.values():
            assert set(trials) <= set(claim.train)
    (every,) = chosen_on["MOs by stack, fold 0"].values()
    assert every == fits[0].train


@pytest.mark.parametrize(
    ("cut", "rule"),
    [
        (lambda fold: Fold(np.arange(60), fold.test), "evaluated on training data"),
        (lambda fold: Fold(np.append(fold.train, fold.test[:2]), fold.test),
         "drawn with replacement"),
    ],
)  # fmt: skip
def test_folds_that_share_trials_are_flagged(run, monkeypatch, cut, rule):
    monkeypatch.setattr(
        targets, "make_folds", lambda *a, **k: [cut(fold) for fold in make_folds(*a, **k)]
    )
    assert fired(run(PREDICT)) == {rule}


def test_a_fit_that_is_given_a_test_trial_is_flagged(run, monkeypatch):
    def leak(model, x, y, fold, **settings):
        return fit_model(model, x, y, Fold(np.append(fold.train, fold.test[0]), fold.test),
                         **settings)  # fmt: skip

    monkeypatch.setattr(fit, "fit_model", leak)
    assert "fitted outside the fold" in fired(run(PREDICT))


def test_a_regression_beyond_the_ladder_is_watched_too(run, monkeypatch):
    def leak(job, x, y):
        cut = [Fold(np.append(fold.train, fold.test[0]), fold.test) for fold in job.folds]
        return measure_beyond(replace(job, folds=cut), x, y)

    def roll(job, x, y):
        return measure_beyond(job, x, np.roll(y, 1, axis=0))

    for measure, rule in ((leak, "fitted outside the fold"), (roll, "labels out of step")):
        with monkeypatch.context() as patch:
            patch.setattr(fits, "measure_beyond", measure)
            out = run(BEYOND)
        assert fired(out) == {rule}
        shutil.rmtree(out)


def test_latents_of_a_model_that_saw_the_decoded_trials_are_flagged(run, monkeypatch):
    def fit_on_all(model, x, y, fold, **settings):
        return fit_model(model, x, y, Fold(np.arange(len(y)), fold.test), **settings)

    monkeypatch.setattr(sources, "fit_model", fit_on_all)
    assert fired(run(PREDICT | {"analysis": {"decode": DECODE}})) == {"fitted outside the fold"}


def test_settings_that_a_sweep_chose_on_the_scored_trials_are_flagged(run, recording, tmp_path):
    recording.save(tmp_path / "task.nc")
    tuned = {"tuned_on": identify(load(tmp_path / "task.nc"))["activity"]}
    assert fired(run(PREDICT | tuned)) == {"chosen on test data"}


def test_a_source_neuron_that_is_a_target_under_another_id_is_flagged(run, recording):
    dataset = recording.dataset.copy(deep=True)
    target, source = (np.flatnonzero(recording.area == area)[2] for area in ("MOs", "VISp"))
    dataset["activity"][:, :, source] = dataset["activity"][:, :, target].values
    task = PREDICT["task"] | {"drop_coincident": False}
    (hazard,) = audits.audit(run(PREDICT | {"task": task}, type(recording)(dataset))).hazards
    assert hazard.rule == "target among the sources"
    assert f"neuron {source} of the sources is neuron {target} of the targets" in hazard.evidence


def test_targets_and_labels_rolled_by_one_trial_are_flagged(run, monkeypatch):
    def roll(job, x, y):
        return run_job(job, x, np.roll(y, 1, axis=0))

    with monkeypatch.context() as patch:
        patch.setattr(fits, "run_job", roll)
        assert fired(run(PREDICT)) == {"labels out of step"}


def test_labels_rolled_by_one_trial_are_flagged(run, monkeypatch):
    resolve = problem.resolve_label

    def roll(*arguments, **settings):
        label = resolve(*arguments, **settings)
        return replace(label, values=np.roll(label.values, 1))

    monkeypatch.setattr(problem, "resolve_label", roll)
    assert "labels out of step" in fired(run({"analysis": {"decode": DECODE | {
        "sources": ["counts"]}}}))  # fmt: skip


@pytest.mark.parametrize("how", [
    {}, {"strata": ["contrast_left"]},
    pytest.param({"decoder": "logistic_l2", "combine": "vote"}, marks=pytest.mark.slow),
    {"decoder": "linear_classifier"},
])  # fmt: skip
def test_labels_rolled_on_their_way_to_the_decoder_are_flagged(run, monkeypatch, how):
    decode_fold = _Method.decode_fold

    def roll(method, part, values, train):
        return decode_fold(method, part, np.roll(values, 1), train)

    monkeypatch.setattr(_Method, "decode_fold", roll)
    block = DECODE | {"sources": ["counts"]} | how
    assert fired(run({"analysis": {"decode": block}})) == {"labels out of step"}


def test_a_label_decoded_without_null_and_from_few_trials_is_flagged(run, recording, monkeypatch):
    monkeypatch.setattr(questions, "decode", lambda *arguments, **settings: decode(
        *arguments, **settings | {"n_permutations": 0}))  # fmt: skip
    few = recording.select(trials=np.arange(20))
    block = DECODE | {"sources": ["counts"], "folds": 2}
    found = fired(run({"analysis": {"decode": block}}, few))
    assert found == {"null missing", "too few test trials"}


def test_a_run_that_insists_on_acausal_onsets_or_decodes_the_reward_is_named(
    recording, run, tmp_path
):
    late = recording.dataset.assign_coords(feedback_time=("trial", [0.3] * recording.n_trials))
    over_time = {"labels": ["response"], "sources": ["latents"], "folds": 3, "permutations": 40,
                 "generalization": False, "allow_acausal": True}  # fmt: skip
    decode_reward = DECODE | {"labels": ["feedback"], "sources": ["latents"]}
    blocks = {"analysis": {"decode": decode_reward, "over_time": over_time}}
    assert fired(run(PREDICT | blocks, type(recording)(late))) == {
        "acausal timing", "outcome in the window", "baseline missing",
    }  # fmt: skip
    with pytest.raises(RunError, match="not a run directory"):
        audits.audit(tmp_path)
