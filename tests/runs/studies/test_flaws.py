"""A study whose protocol breaks one rule has that flaw in its directory; its sound twin has none.

Every claim holds what the step really used: lengths, draws and shapes of its arrays.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.decomposition import PCA

from spikecast.runs.audit import audit
from spikecast.runs.studies import run
from spikecast.runs.studies.ninja_classifier import choose_first_trials
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.study import Column, Measure, Prepared
from spikecast.runs.studies.study_data import StudyData
from spikecast.scoring import metrics

PROTOCOL = {"null": "the mean", "repeats": 3}


def predict_running(column, recording, flawed):
    speed = recording.dataset["wheel"].values.reshape(recording.n_trials, -1).mean(axis=1)
    prediction = np.full((len(speed), 1), speed.mean())
    prediction = prediction if flawed else prediction[:, 0]
    column.add("n", Measure("error", float(((prediction - speed) ** 2).mean()), "mse"))
    return {"metric": "mse", "prediction_shape": prediction.shape, "target_shape": speed.shape}


def draw_neurons_again(column, recording, flawed):
    rng = np.random.default_rng(0)
    fit = used = rng.permutation(recording.n_neurons)[:10]
    if flawed:
        used = rng.permutation(recording.n_neurons)[:10]
    flat = recording.activity.reshape(-1, recording.n_neurons)
    back = PCA(2).fit(flat[:, fit]).transform(flat[:, used])
    column.add("n", Measure("share", float(back.var() / flat[:, used].var()), "r2"))
    return {"metric": "r2", "fit_neurons": fit, "used_neurons": used}


def balance_classes(column, recording, flawed):
    label = recording.trials["response"].to_numpy().astype(str)
    names, sizes = np.unique(label, return_counts=True)
    chosen = choose_first_trials(label, int(sizes.min()))
    if not flawed:
        rng = np.random.default_rng(0)
        chosen = np.concatenate([rng.permutation(np.flatnonzero(label == name))[: sizes.min()]
                                 for name in names])  # fmt: skip
    column.add("n", Measure("share", 0.5, "accuracy", n=len(chosen)))
    kept = {name: np.sort(chosen[label[chosen] == name]) for name in names}
    return {"metric": "accuracy", "n_scored": len(chosen), "kept": kept,
            "pool": {name: np.flatnonzero(label == name) for name in names}}  # fmt: skip


def apply_softmax(column, recording, flawed):
    output = np.random.default_rng(0).normal(size=(recording.n_trials, 3))
    if flawed:
        output = np.exp(output) / np.exp(output).sum(axis=1, keepdims=True)
    sums_to_one = np.allclose(output.sum(axis=1), 1)
    column.add("n", Measure("loss", float(-output[:, 0].mean()), "cost"))
    return {"metric": "cost", "loss_on": "probabilities" if sums_to_one else "logits"}


def search_nothing(column, recording, flawed):
    drawn = np.random.default_rng(0).integers(2, 60, size=6)
    used = [75 if flawed else int(n) for n in drawn]
    column.add("n", Measure("best", float(max(used)), "r2"))
    return {"metric": "r2", "swept": {"n_latents": used}}


def compare_areas(column, recording, flawed):
    losses = {}
    for area in ("MOs", "VISp"):
        y = recording.select(area=area).activity.astype(float)
        rate = np.broadcast_to(y.mean(axis=(0, 1)), y.shape)
        losses[area] = (metrics.poisson_nll(y, rate) if flawed
                        else metrics.bits_per_spike(y, rate, rate))  # fmt: skip
    name = "poisson_nll" if flawed else "bits_per_spike"
    column.add("n", Measure("loss", losses["MOs"], name))
    return {"metric": name, "target": "MOs", "compared_with": "VISp"}


def compare_once(column, recording, flawed):
    scores = np.random.default_rng(0).normal(size=1 if flawed else 3)
    column.add("n", Measure("score", float(scores.mean()), "r2"))
    return {"metric": "r2", "compared_with": "shuffled", "repeats": scores.size}


def draw_map(column, recording, flawed):
    places = PCA(2).fit_transform(recording.activity.sum(axis=1))
    column.arrays["maps"] = {"map": places}
    if not flawed:
        column.add("n", Measure("share", 0.6, "r2"))
    return {"metric": "map", "picture": True}


BREAKS = {
    "shapes broadcast": predict_running,
    "neurons changed": draw_neurons_again,
    "balanced in time order": balance_classes,
    "softmax twice": apply_softmax,
    "setting never swept": search_nothing,
    "losses compared across targets": compare_areas,
    "single seed": compare_once,
    "picture without a score": draw_map,
}


@pytest.mark.parametrize("flawed", [True, False], ids=["flawed", "sound"])
@pytest.mark.parametrize("rule", BREAKS)
def test_a_study_that_breaks_a_rule_is_flagged(rule, flawed, recording, tmp_path, monkeypatch):
    def describe(inputs):
        column = Column()
        facts = PROTOCOL | BREAKS[rule](column, inputs.recording, flawed)
        column.claim("n", **facts)
        return column

    study = SimpleNamespace(
        prepare=lambda recording, settings: Prepared(recording, {}),
        describe=describe,
        conclude=lambda *inputs: Column(),
    )
    preset = read_preset("diggers").model_copy(update={"sound": {}, "rows": [], "figures": []})
    monkeypatch.setattr(run, "read_preset", lambda name: preset)
    monkeypatch.setattr(run, "find_study", lambda name: study)
    recording.save(tmp_path / "task.nc")
    folder = run.run_study(
        "diggers", tmp_path / "study", data=StudyData(path=str(tmp_path / "task.nc")), workers=1
    )
    found = {hazard.rule for hazard in audit(folder / "described").hazards}
    assert found == ({rule} if flawed else set())
