"""The page of a sweep says which score may be quoted, and is drawn without a fit."""

import re
from html import unescape

import pytest

from spikecast.core.errors import RunError
from spikecast.data import simulate
from spikecast.models.base import Model
from spikecast.report.sweep import page as pages
from spikecast.report.sweep import text
from spikecast.report.sweep.reading import SweepRun
from spikecast.runs import config
from spikecast.runs.sweep.run import run_sweep


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("sweep")
    sizes = {"VISp": 8, "MOs": 6}
    simulated = simulate.decision_task(n_trials=24, areas=sizes, n_bins=30, stim_onset=0.1, seed=2)
    simulated.recording.save(where / "recording.nc")
    content = {
        "data": {"path": str(where / "recording.nc")},
        "task": {"target": "MOs"},
        "models": ["pca_ridge", "factor_analysis"],
        "evaluation": {"folds": 2, "bootstrap": 200, "shifts": 0},
        "search": {"trials": 4, "inner_folds": 2},
    }
    return run_sweep(config.parse_config(content), where / "out", workers=1)


def test_the_page_holds_every_score_and_notice(folder, monkeypatch):
    monkeypatch.setattr(Model, "fit", None)  # a report reads, and never fits
    page = pages.build(folder).read_text()
    shown = " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
    facts = SweepRun(folder).facts
    for sentence in [*text.headlines(facts), *text.warnings(facts)]:
        assert sentence in shown
    for model in facts["models"]:
        assert "random_only" in [notice.code for notice in model["notices"]]
        for score in (model["nested"]["value"], model["default"]["value"], model["selected"]):
            assert f"{score:.3f}" in shown
    assert "best.yaml was chosen on all trials" in shown
    figures = {path.name for path in (folder / "figures").iterdir()}
    for name in ("history", "nested", "slices"):
        assert {f"pca_ridge-{name}.svg", f"factor_analysis-{name}.svg"} <= figures
    assert page.count('<img src="data:image/svg+xml') == len(figures)


def test_an_unfinished_sweep_has_no_page(folder, tmp_path):
    (tmp_path / "manifest.json").write_text((folder / "manifest.json").read_text())
    with pytest.raises(RunError, match="not finished; resume it"):
        pages.build(tmp_path)
    with pytest.raises(RunError, match="not a run directory"):
        pages.build(tmp_path / "nowhere")


def test_a_sentence_follows_the_outcome(folder):
    facts = SweepRun(folder).facts
    model = facts["models"][0]
    sentences = set()
    for outcome in text.OUTCOMES:
        first, second = text.describe_model(model | {"outcome": outcome}, facts)
        assert model["label"] in first
        assert f"{model['nested']['value']:.3f}" in second
        sentences.add(first)
    assert len(sentences) == len(text.OUTCOMES)


def test_a_space_without_the_defaults_has_a_page(tmp_path):
    simulated = simulate.decision_task(24, {"VISp": 8, "MOs": 6}, n_bins=30, stim_onset=0.1)
    simulated.recording.save(tmp_path / "recording.nc")
    content = {
        "data": {"path": str(tmp_path / "recording.nc")},
        "task": {"target": "MOs"},
        "models": [{"pca_ridge": {"n_components": 8}}],
        "evaluation": {"folds": 2, "bootstrap": 200, "shifts": 0},
        "search": {
            "trials": 2,
            "inner_folds": 2,
            "space": {"n_components": {"low": 2, "high": 4}, "widths": None},
        },
    }
    folder = run_sweep(config.parse_config(content), tmp_path / "out", workers=1)
    (model,) = SweepRun(folder).facts["models"]
    assert model["promised"] is None
    assert "Of the defaults the search has no score" in pages.build(folder).read_text()
