"""Alignment of latents between folds and between models."""

import shutil

import pandas as pd
import pytest
from planted_questions import PAIR_QUESTIONS, make_pairs_config, read_facts

from spikecast import report
from spikecast.core.errors import DamagedFileError
from spikecast.runs import experiment
from spikecast.runs.manifest import update_manifest


def test_latents_align_where_they_are_the_same(pairs_run, pairs_facts):
    pairs = pd.read_csv(pairs_run / "analysis/align-folds-pca_ridge-pairs.csv")
    trials, averages = (pairs[pairs["on"] == on] for on in ("trials", "averages"))
    assert len(trials) == len(averages) == 3
    assert (trials["score"] > 0.9).all()
    assert (trials["shuffled"] < 0.1).all()
    assert (trials["p"] == 0.05).all()
    # nothing but noise tells the conditions apart, so their averages have nothing to align
    assert (averages["score"] < 0.3).all()
    assert (averages["n"] == 5).all()
    models = pd.read_csv(pairs_run / "analysis/align-pca_ridge-reduced_rank-pairs.csv")
    assert list(models["n"]) == [30] * 3
    assert (models["score"] > models["shuffled"]).all()


def test_without_shared_conditions_only_trials_are_aligned(pairs_file, tmp_path):
    questions = {"align": {"models": ["pca_ridge"], "conditions": ["side"], "shuffles": 19}}
    out = experiment.run(make_pairs_config(pairs_file, questions), tmp_path / "run", workers=1)
    facts = read_facts(out)["align-folds-pca_ridge"]
    assert [notice["code"] for notice in facts["notices"]] == ["folds_without_averages"]
    pairs = pd.read_csv(out / "analysis/align-folds-pca_ridge-pairs.csv")
    assert set(pairs["on"]) == {"trials"}
    assert "Condition averages" in report.build(out).read_text()


@pytest.mark.parametrize("ends", [(".json", ".safetensors"), (".safetensors",)])
def test_weights_of_another_fit_are_refused_and_made_again(pairs_run, pairs_file, tmp_path, ends):
    config = make_pairs_config(pairs_file, PAIR_QUESTIONS)
    run = tmp_path / "run"
    shutil.copytree(pairs_run, run)
    for path in run.glob("analysis/align-*"):
        path.unlink()
    update_manifest(run, finished=None)  # as if stopped before these questions
    weights = run / "targets/B/weights"
    for end in ends:
        one, other = (weights / f"pca_ridge-fold{fold}{end}" for fold in (0, 1))
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)
    with pytest.raises(
        DamagedFileError, match=r"pca_ridge-fold0' is damaged: .*; put the files of"
    ):
        experiment.run(config, run, workers=1, resume=True)
    for fold in (0, 1):
        for path in run.glob(f"targets/B/*/pca_ridge-fold{fold}.*"):
            path.unlink()
    experiment.run(config, run, workers=1, resume=True)
    name = "analysis/align-folds-pca_ridge-pairs.csv"
    assert (run / name).read_bytes() == (pairs_run / name).read_bytes()
