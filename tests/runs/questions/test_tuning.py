"""Tuning of neurons and latents: the planted variable, and none in noise."""

import numpy as np
import pandas as pd
import pytest
from planted_questions import make_alone, plant_pairs, read_facts

from spikecast.core.errors import InputError
from spikecast.data.recording import Recording
from spikecast.runs import experiment


def test_planted_variables_pass_and_noise_does_not(pairs_run, pairs_facts):
    tests = pd.read_csv(pairs_run / "analysis/tuning-counts-A-tests.csv")
    tuned = tests.query("p_corrected <= 0.05")
    assert set(tuned["latent"]) == set(range(0, 24, 2))
    assert set(tuned["variable"]) == {"side"}
    noise = pd.read_csv(pairs_run / "analysis/tuning-counts-C-tests.csv")
    assert noise["p_corrected"].min() > 0.05
    assert pairs_facts["tuning-counts-A"]["left_out"] == {"one": "it has a single value"}
    latents = pairs_facts["tuning-latents-pca_ridge"]
    assert (latents["n_trials"], latents["model"]) == (30, "pca_ridge")


def test_tuning_warns_of_variables_that_come_in_runs(tmp_path):
    runs = Recording(plant_pairs().dataset.assign_coords(block=("trial", np.repeat([0, 1, 0], 30))))
    runs.save(tmp_path / "runs.nc")
    questions = {"tuning": {"areas": ["C"], "variables": ["block", "side"], "permutations": 100}}
    for null, n_notices in (("permutation", 1), ("circular_shift", 0)):
        questions["tuning"]["null_labels"] = null
        settings = make_alone(str(tmp_path / "runs.nc"), questions)
        out = experiment.run(settings, tmp_path / null, workers=1)
        (answer,) = read_facts(out).values()
        assert len(answer["notices"]) == n_notices
        for notice in answer["notices"]:
            assert notice["code"] == "variables_come_in_runs"
            assert notice["values"] == {"variable": "block"}


def test_trials_that_are_there_twice_are_refused_before_anything_is_fitted(tmp_path):
    dataset = plant_pairs().dataset
    Recording(dataset.isel(trial=np.r_[: dataset.sizes["trial"], :5])).save(tmp_path / "twice.nc")
    for questions in (
        {"tuning": {"areas": ["C"], "variables": ["side"]}},
        {"decode": {"labels": ["side"], "sources": ["counts"]}},
    ):
        settings = make_alone(str(tmp_path / "twice.nc"), questions)
        with pytest.raises(InputError, match="5 of 95 trials are exact copies"):
            experiment.run(settings, tmp_path / "out", workers=1)
        assert not (tmp_path / "out").exists()
