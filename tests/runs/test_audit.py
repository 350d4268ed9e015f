"""Every rule fires on what it is for, and is silent on the sound twin."""

import pytest

from spikecast.core.errors import RunError
from spikecast.runs import audit as audits
from spikecast.runs import config, experiment
from spikecast.runs import provenance as protocol
from spikecast.runs.audit import RULES, binomial_interval, judge
from spikecast.runs.provenance import Claim

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
    (found,) = judge([flawed])
    assert found.rule == name
    assert found.where == ("n",)
    assert found.found
    assert found.fix
    assert judge([sound]) == []


def test_the_same_neurons_in_another_order_are_named_as_such():
    (found,) = judge([claim({"fit_neurons": [0, 1], "used_neurons": [1, 0]})])
    assert found.found == "the 2 neurons of the fit were used in another order"


def test_claims_are_written_and_read_back(tmp_path):
    claims = [claim({}), claim({"value": None, "unit": "bins"})]
    protocol.write(claims, tmp_path)
    assert protocol.stated(tmp_path) == claims
    assert [h.rule for h in audits.audit(tmp_path)] == ["picture without a score"]


def test_intervals_are_those_of_tables():
    low, high = binomial_interval(0.5, 100)
    assert (round(low, 3), round(high, 3)) == (0.404, 0.596)


@pytest.fixture(scope="module")
def run(recording, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited")
    recording.save(folder / "task.nc")
    wanted = config.parse_config({
        "data": {"path": str(folder / "task.nc")}, "task": {"target": "MOs"},
        "models": ["mean_rate", "pca_ridge"], "evaluation": {"folds": 3, "bootstrap": 200},
        "analysis": {
            "decode": {"labels": ["response"], "sources": ["counts", "latents", "behavior"],
                       "folds": 3, "permutations": 20},
            "over_time": {"labels": ["response"], "folds": 3, "permutations": 40,
                          "generalization": False},
        },
    })  # fmt: skip
    return experiment.run_experiment(wanted, folder / "run", workers=1)


def test_a_sound_run_triggers_nothing(run):
    claims = protocol.read(run, config.read_config(run / "config.yaml"))
    assert len(claims) == 3 + 9 + 1
    assert {len(c.train) + len(c.test) for c in claims if c.train} == {60}
    assert audits.audit(run) == []


def test_a_run_that_insists_on_acausal_onsets_or_decodes_the_reward_is_named(
    recording, run, tmp_path
):
    late = recording.dataset.assign_coords(feedback_time=("trial", [0.3] * recording.n_trials))
    type(recording)(late).save(tmp_path / "late.nc")
    wanted = config.parse_config({
        "data": {"path": str(tmp_path / "late.nc")}, "task": {"target": "MOs"},
        "models": ["pca_ridge"], "evaluation": {"folds": 3, "bootstrap": 200},
        "analysis": {
            "decode": {"labels": ["feedback"], "sources": ["latents"], "folds": 3,
                       "permutations": 20},
            "over_time": {"labels": ["response"], "sources": ["latents"], "folds": 3,
                          "permutations": 40, "generalization": False, "allow_acausal": True},
        },
    })  # fmt: skip
    out = experiment.run_experiment(wanted, tmp_path / "run", workers=1)
    assert {h.rule for h in audits.audit(out)} == {
        "acausal timing", "outcome in the window", "baseline missing",
    }  # fmt: skip
    with pytest.raises(RunError, match="not a run directory"):
        audits.audit(tmp_path)
