"""Study C: its flaws by name, and what each flawed step does."""

import numpy as np
import pytest
import torch
import xarray as xr

from spikecast.core.errors import InputError
from spikecast.core.seeding import make_rng
from spikecast.data import simulate
from spikecast.data.recording import Recording
from spikecast.report.study import page as pages
from spikecast.runs import audit
from spikecast.runs.studies import ninja
from spikecast.runs.studies.preset import read_preset
from spikecast.runs.studies.run import read_facts

DECODE = {"labels": ["feedback"], "sources": ["counts", "behavior"], "areas": ["thalamus"],
          "folds": 3, "permutations": 20, "null_labels": "pseudo_session"}  # fmt: skip
TINY = {
    "data": {"simulation": {"n_trials": 150, "areas": {"VISp": 14, "VISam": 10, "MD": 12, "LH": 6},
                            "n_bins": 110, "stim_onset": 0.2}},
    "settings": {"n_iterations": 40},
    "sound": {
        "halves": {"models": ["mean_rate", {"recipe": {"n_latents": 6, "n_iterations": 40}},
                              {"timescales": {"n_members": 1, "epochs": 3}}],
                   "evaluation": {"folds": 3, "bootstrap": 200}},
        "correct": {"analysis": {
            "decode": [DECODE], "over_time": [],
            "embed": {"labels": "$labels", "methods": ["pca"], "area": "visual cortex"}}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(small):
    return small("ninja", TINY)


def test_the_deck_triggers_exactly_its_flaws_and_ours_none(folder):
    rules = {hazard.rule for hazard in audit.audit(folder / "described").hazards}
    assert rules == {flaw.rule for flaw in read_preset("ninja").flaws}
    for run in ("halves", "correct"):
        assert audit.audit(folder / "sound" / run).hazards == ()


def test_the_window_of_the_sound_run_ends_before_the_reward(folder):
    facts = read_facts(folder)
    rows = {row["key"]: row for row in facts["columns"]}
    assert "outcome in the window" in rows["correct"]["flaws"]
    with xr.open_dataset(folder / "sound/correct/excerpt.nc", engine="h5netcdf") as excerpt:
        recorded = Recording(xr.load_dataset(folder / "data.nc", engine="h5netcdf"))
        assert excerpt["time"].max() < np.nanmin(recorded.trials["feedback_time"])
    assert "cells" not in rows  # no waveforms here
    assert len(rows["maps"]["sound"]) == 3  # one map of each label
    page = pages.build(folder).read_text()
    assert "labels out of step" in page
    assert page.count("data:image/svg+xml") >= 8


def test_each_flawed_step_is_flawed_as_named():
    drawn = ninja.draw_with_replacement(make_rng(0, "test"), 20, 20)
    assert len(np.unique(drawn)) < 20
    label = np.array(["b", "a", "b", "b", "a", "b"])
    assert ninja.choose_first_trials(label, 2).tolist() == [1, 4, 0, 2]
    network = ninja.SoftmaxTwice(3, 2, 2)
    output = network(torch.zeros(1, 4, 5, 3))
    assert output.shape == (1, 4, 1, 2)
    assert torch.allclose(output.sum(dim=-1), torch.ones(1, 4, 1))
    # a cross-entropy of probabilities cannot fall below that of (1, 0)
    sure = torch.tensor([[[[1.0, 0.0]]]])
    assert float(network.element_loss(sure, sure).sum()) == pytest.approx(0.3133, abs=1e-3)


def test_areas_that_are_not_there_are_named():
    other = simulate.decision_task(60, {"MOs": 5, "CA1": 5}, n_bins=10).recording
    with pytest.raises(InputError, match="none of VISp"):
        ninja.prepare(other, read_preset("ninja").settings)
