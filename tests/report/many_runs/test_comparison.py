"""Runs side by side: paired where it is right, and never silently where it is not."""

import html
import json
import shutil
import sys

import numpy as np
import pytest

from spikecast import cli
from spikecast.core.errors import ConfigError, InputError, RunError
from spikecast.data import simulate
from spikecast.report.many_runs import comparison_page
from spikecast.report.many_runs.comparison import _make_subtraction, compare_runs
from spikecast.report.many_runs.comparison_text import find_outcome, list_cells, list_headlines
from spikecast.report.many_runs.pairing import find_mismatch
from spikecast.runs import config, experiment
from spikecast.scoring.metric_table import HEADLINE

FEW = {"few": {"model": "pca_ridge", "n_components": 1}}
BASE = {"task": {"target": "MOs"}, "models": [FEW], "seed": 0,
        "evaluation": {"folds": 3, "bootstrap": 200, "shifts": 0}}  # fmt: skip


@pytest.fixture(scope="module")
def make(recording, tmp_path_factory):
    """Execute a run that differs from the base in some blocks; each is made once."""
    folder = tmp_path_factory.mktemp("compared")
    recording.save(folder / "task.nc")
    areas = {"VISp": 25, "MOs": 20, "CA1": 15}
    other = simulate.decision_task(60, areas, n_bins=80, stim_onset=0.2, seed=6).recording
    other.save(folder / "other.nc")

    def execute(name, data="task", **changes):
        if not (folder / name).exists():
            content = {key: value | changes.get(key, {}) if isinstance(value, dict)
                       else changes.get(key, value) for key, value in BASE.items()}  # fmt: skip
            content["data"] = {"path": str(folder / f"{data}.nc")}
            experiment.run(config.parse_config(content), folder / name, workers=1)
        return folder / name

    return execute


@pytest.fixture(scope="module")
def weak(make):
    return make("weak")


@pytest.fixture(scope="module")
def strong(make):
    return make("strong", models=[FEW, "pca_ridge"])


def test_a_model_that_is_better_is_better_by_an_interval_above_0(weak, strong):
    (shared,) = compare_runs([weak, strong]).targets
    assert shared.reference.name == "weak/few"
    rows = {row.name: row for row in shared.rows}
    assert [name for name in rows if not rows[name].is_null] == [
        "weak/few", "strong/pca_ridge", "strong/few"
    ]  # fmt: skip
    better = rows["strong/pca_ridge"].to_reference
    assert better.low > 0
    # as the run's own report says, where both models were in one run
    differences = json.loads((strong / "verdict.json").read_text())["MOs"]["differences"]
    own = next(one for one in differences if {one["model"], one["minus"]} == {"pca_ridge", "few"})
    assert better.value == pytest.approx(own["value"], abs=1e-6)
    assert (better.low, better.high) == pytest.approx((own["low"], own["high"]), abs=1e-6)
    assert find_outcome(shared, rows["strong/pca_ridge"]) == "better"
    (headline,) = list_headlines(shared)
    for text in ("strong/pca_ridge", "weak/few", f"{better.value:.3f}", f"{better.low:.3f}"):
        assert text in headline
    (turned,) = compare_runs([strong, weak]).targets
    last = [row for row in turned.rows if not row.is_null][-1]
    assert last.to_reference.high < 0
    assert find_outcome(turned, last) == "worse"
    assert all(shared.verdicts[run].rungs[-1] == "behavior" for run in ("weak", "strong"))


def test_the_same_predictions_differ_by_exactly_0(strong, tmp_path):
    copy = shutil.copytree(strong, tmp_path / "copy")
    comparison = compare_runs([strong, copy])
    (shared,) = comparison.targets
    row = next(row for row in shared.rows if row.name == "copy/pca_ridge")
    for found in (row.to_reference, row.to_same):
        assert (found.value, found.low, found.high) == (0, 0, 0)
    assert find_outcome(shared, row) == "equal"
    assert len(list_headlines(shared)) == 1
    assert comparison.changes == {"copy": []}


class Noisy:
    """A target whose predictions are made worse by noise of their own."""

    def __init__(self, target, rng):
        self.target, self.rng = target, rng

    def read_predictions(self, model):
        rate = self.target.read_predictions(model)
        return (rate * np.exp(self.rng.normal(0, 0.2, rate.shape))).astype(np.float32)


def test_equally_good_models_are_told_apart_no_more_often_than_1_in_20(strong):
    """The null: both are the truth with as much noise, so that neither is better."""
    first = compare_runs([strong, strong.parent / "weak"]).runs["strong"].targets[0]
    rng, excluded = np.random.default_rng(0), 0
    for _ in range(60):
        pair = {"a": Noisy(first, rng), "b": Noisy(first, rng)}
        found = _make_subtraction(pair, first)(("a", "pca_ridge"), ("b", "pca_ridge"))
        excluded += not found.low <= 0 <= found.high
    assert excluded <= 8  # 3 expected; more than 8 of 60 at 5 % once in 170 times


@pytest.mark.parametrize(
    ("name", "changes", "because"),
    [
        ("seed", {"seed": 1}, "other folds"),
        pytest.param("folds", {"evaluation": {"folds": 4}}, "other folds", marks=pytest.mark.slow),
        ("lag", {"task": {"lag": 2}}, "other bins"),
        ("neurons", {"task": {"min_rate": 8.0}}, "other neurons"),
        ("other", {"data": "other"}, "other recording"),
    ],
)
def test_what_does_not_match_is_not_paired_and_says_why(make, weak, name, changes, because):
    run = make(name, **changes)
    (shared,) = compare_runs([weak, run]).targets
    row = shared.rows[-1]
    assert (row.mismatch, row.to_reference, row.to_same) == (because, None, None)
    assert find_outcome(shared, row) == "not paired"
    (headline,) = list_headlines(shared)
    assert because in headline
    assert because in list_cells(shared)[-1][4]


def test_a_gap_leaves_other_trials_to_learn_from(make):
    runs = [make(f"gap{gap}", evaluation={"split": "block", "gap": gap}) for gap in (0, 2)]
    found = compare_runs(runs)
    assert found.targets[0].rows[-1].mismatch == "other folds"
    assert list(map(str, found.changes["gap2"])) == ["evaluation.gap: 0 → 2"]
    for run in found.runs.values():
        (target,) = run.targets
        tests = np.concatenate([fold.test for fold in target.folds])
        assert sorted(tests) == list(range(60))
        unused = [60 - len(fold.train) - len(fold.test) for fold in target.folds]
        assert unused == ([2, 4, 2] if run is found.runs["gap2"] else [0, 0, 0])


def test_the_same_model_with_another_seed_is_neither_better_nor_worse(make):
    """Blocks do not depend on the seed, so the two are paired; what differs is luck of the fit."""
    runs = [make(f"seed{seed}", seed=seed, models=["pca_ridge"], evaluation={"split": "block"})
            for seed in (0, 1)]  # fmt: skip
    comparison = compare_runs(runs)
    assert [change.setting for change in comparison.changes["seed1"]] == ["seed"]
    (shared,) = comparison.targets
    assert shared.rows[-1].to_reference is not None
    row = next(row for row in shared.rows if row.name == "seed1/pca_ridge")
    assert find_outcome(shared, row) == "reseeded"


def test_data_that_only_share_a_name_are_other_data(make, weak, recording, tmp_path):
    recording.select(trials=range(50)).save(tmp_path / "task.nc")
    content = BASE | {"data": {"path": str(tmp_path / "task.nc")}}
    run = experiment.run(config.parse_config(content), tmp_path / "shorter", workers=1)
    targets = [run.targets[0] for run in compare_runs([weak, run]).runs.values()]
    assert find_mismatch(*targets) == "other data"


def test_settings_that_differ_are_listed(make, strong):
    small = {"pca_ridge": {"n_components": 3}}
    run = make("small", models=[small], task={"source": ["VISp"]})
    comparison = compare_runs([strong, run])
    assert list(map(str, comparison.changes["small"])) == [
        "task.source: rest → ['VISp']", "pca_ridge.n_components: 40 → 3"
    ]  # fmt: skip
    (shared,) = comparison.targets
    assert shared.rows[-1].to_reference is not None  # other sources, but the same to be predicted
    assert HEADLINE["counts"].name == shared.metric


def test_names_are_as_long_as_it_takes(weak, tmp_path):
    twin = shutil.copytree(weak, tmp_path / "twin" / "weak")
    names = list(compare_runs([weak, twin]).runs)
    assert names == [f"{weak.parent.name}/weak", "twin/weak"]


def test_mistakes_are_explained(make, weak, tmp_path, monkeypatch, capsys):
    unfinished = shutil.copytree(weak, tmp_path / "unfinished")
    text = (unfinished / "manifest.json").read_text()
    manifest = json.loads(text) | {"finished": None}
    (unfinished / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.json").write_text("{}")
    lost = shutil.copytree(weak, tmp_path / "lost")
    (lost / "targets" / "MOs" / "jobs" / "few-fold1.npz").unlink()
    for folders, message in (
        ([weak], "needs two or more"), ([weak, weak], "given twice"),
        ([weak, tmp_path], "not a run directory"), ([weak, unfinished], "is not finished"),
        ([weak, make("ca1", task={"target": "CA1"})], "share no target (weak: MOs; ca1: CA1)"),
        ([weak, tmp_path / "study"], "is a study"), ([weak, lost], "few-fold1.npz"),
    ):  # fmt: skip
        with pytest.raises((InputError, RunError, ConfigError)):
            compare_runs(folders)
        monkeypatch.setattr(sys, "argv", ["spikecast", "compare", *map(str, folders)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        assert stopped.value.code == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert message in line
    with pytest.raises(InputError, match=r"ends in \.html"):
        comparison_page.build(compare_runs([weak, make("seed", seed=1)]), tmp_path / "config.yaml")


DRAWN = "return [...document.images].every(i => i.complete && i.naturalWidth > 100)"
WIDE = "return document.documentElement.scrollWidth - window.innerWidth"


def test_the_page_stands_alone(make, weak, strong, tmp_path, browser):
    runs = [strong, weak, make("seed", seed=1)]
    page = comparison_page.build(compare_runs(runs), tmp_path / "page.html")
    text = page.read_text()
    assert "http" not in text.replace("http://www.w3.org", "")
    comparison = compare_runs(runs)
    (shared,) = comparison.targets
    shown = [*list_headlines(shared), *(cell for row in list_cells(shared) for cell in row)]
    for phrase in [*shown, str(comparison.changes["seed"][0])]:
        assert phrase in html.unescape(text), phrase
    for width in (1000, 390):
        browser.set_window_size(width, 900)
        browser.get(page.as_uri())
        assert browser.get_log("browser") == []
        assert browser.execute_script(WIDE) <= 0
        assert browser.execute_script(DRAWN)
