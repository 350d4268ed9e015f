"""The page of a sweep says which score may be quoted, and is drawn without a fit."""

import re
from html import unescape

import pytest

from spikecast.core.errors import RunError
from spikecast.data import simulate
from spikecast.models.base import Model
from spikecast.report.sweep import page as pages
from spikecast.runs import config
from spikecast.runs.sweep import run as running


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
        "evaluation": {"folds": 2, "bootstrap": 200},
        "search": {"trials": 4, "inner_folds": 2},
    }
    return running.execute(config.parse(content), where / "out", workers=1)


def test_the_page_holds_what_was_found_and_warns_of_what_is_not(folder, monkeypatch):
    monkeypatch.setattr(Model, "fit", None)  # a report reads, and never fits
    page = pages.build(folder).read_text()
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
    for said in pages.read(folder)["said"]:
        assert said.split(":")[0] in text
    for phrase in (
        "A selected score is not a result", "do not quote", "tuned in each fold", "defaults",
        "mean_rate null", "order is mostly chance", "best.yaml was chosen on all trials",
        "none of 18 rules", "nothing was learnt from them", "paired",
    ):  # fmt: skip
        assert phrase in text, phrase
    figures = {path.name for path in (folder / "figures").iterdir()}
    for name in ("history", "nested", "slices"):
        assert {f"pca_ridge-{name}.svg", f"factor_analysis-{name}.svg"} <= figures
    assert page.count("data:image/svg+xml") == len(figures)


def test_an_unfinished_sweep_has_no_page(folder, tmp_path):
    (tmp_path / "manifest.json").write_text((folder / "manifest.json").read_text())
    with pytest.raises(RunError, match="not finished; go on with --resume"):
        pages.build(tmp_path)
    with pytest.raises(RunError, match="not a run directory"):
        pages.build(tmp_path / "nowhere")
