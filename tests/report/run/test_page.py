"""The page of a run: all its parts and numbers; in a real browser without error or gap."""

import html
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from spikecast import report
from spikecast.core.errors import RunError
from spikecast.data import simulate
from spikecast.report.run import page, ranking
from spikecast.report.run.figures import TARGET_FIGURES
from spikecast.report.run.limits import list_limits
from spikecast.report.run.protocol import SPLITS, describe_protocol, describe_task
from spikecast.report.run.ranking import summarize_run
from spikecast.report.run.scores import make_score_table
from spikecast.report.run.target_figure import group_trials
from spikecast.report.run.verdict import describe_verdict
from spikecast.runs import config, experiment
from spikecast.runs.reader import open_run

pytestmark = pytest.mark.usefixtures("few_steps")

EVALUATION = {"folds": 2, "bootstrap": 200}
QUICK = {"timescales": {"n_members": 1, "epochs": 2}}


@pytest.fixture(scope="module")
def runs(recording, tmp_path_factory):
    """One run of each kind a page has to cope with."""
    folder = tmp_path_factory.mktemp("runs")
    recording.save(folder / "task.nc")
    simulate.spontaneous(n_neurons=40, n_bins=1200, planes=2).recording.save(folder / "run.nc")
    wanted = {
        "one": {"data": {"path": str(folder / "task.nc")}, "task": {"target": "MOs"},
                "models": ["mean_rate", "psth", "poisson_glm", QUICK,
                           {"recipe": {"n_iterations": 100}}]},
        "several": {"data": {"path": str(folder / "task.nc")},
                    "task": {"target": "all", "min_neurons": 18},
                    "models": ["mean_rate", "pca_ridge", QUICK]},
        "only_nulls": {"data": {"path": str(folder / "task.nc")}, "task": {"target": "CA1"},
                       "models": ["mean_rate"]},
        "behavior": {"data": {"path": str(folder / "run.nc")},
                     "task": {"kind": "behavior", "target": "pupil_position"},
                     "models": ["mean_rate", "pca_ridge", QUICK]},
        "splits": {"data": {"path": str(folder / "task.nc")}, "task": {"target": "MOs"},
                   "models": [{"poisson_glm_full_context": {"model": "pca_ridge"}}],
                   "evaluation": {"beside": "block"}},
        "planes": {"data": {"path": str(folder / "run.nc")},
                   "task": {"target": "0", "source": ["1"], "by": "plane"},
                   "models": ["mean_rate", "reduced_rank"]},
    }  # fmt: skip
    return {
        name: experiment.run(
            config.parse_config(
                {**content, "evaluation": EVALUATION | content.get("evaluation", {})}
            ),
            folder / name, workers=1,
        )
        for name, content in wanted.items()
    }  # fmt: skip


@pytest.fixture(scope="module")
def pages(runs):
    """The page of each run, drawn when it is first asked for."""

    class Pages(dict):
        def __missing__(self, name):
            self[name] = report.build(runs[name])
            return self[name]

    return Pages()


NAMES = ["one", "several", "splits", "only_nulls", "behavior", "planes"]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_stands_alone(runs, pages, name):
    page = pages[name].read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "<script src" not in page
    assert page.count('<img src="data:image/svg+xml;base64,') >= 4
    assert list((runs[name] / "figures").glob("*.svg"))


def test_a_page_can_be_drawn_again_to_the_same_bytes(runs, pages):
    first = pages["one"].read_bytes()
    assert report.build(runs["one"]).read_bytes() == first


@pytest.mark.slow
def test_two_processes_draw_the_same_page(runs, pages):
    first = pages["several"].read_bytes()
    assert report.build(runs["several"], workers=2).read_bytes() == first


def ids(page):
    return set(re.findall(r' id="([^"]+)"', page))


@pytest.mark.parametrize(
    ("subject", "compared"), [("Tatum", True), ("Simulated", False), ("simulated", False)]
)
def test_simulated_data_are_not_compared_with_real_areas(runs, subject, compared):
    run = open_run(runs["one"])  # of a file that a simulation was saved to
    assert not any("57 areas" in text for text in summarize_run(run))
    run.manifest["data"]["attributes"]["subject"] = subject
    assert any("57 areas" in text for text in summarize_run(run)) == compared


def test_the_page_has_every_part_and_all_scores(runs, pages):
    page = pages["one"].read_text()
    parts = {"verdict", "limits", "audit", "scores", "recorded", "protocol", "reproduce"}
    assert parts <= ids(page)
    run = open_run(runs["one"])
    verdict = describe_verdict(run.targets[0].verdict)
    for sentence in [*verdict, *list_limits(run), *describe_protocol(run)]:
        assert sentence in html.unescape(page), sentence
    assert run.manifest["data"]["session"] in page
    assert run.manifest["data"]["hash"]["activity"] in page
    assert pages["several"].read_text().count("<details") >= 3


def test_the_score_table_marks_nulls_and_what_is_worse_than_the_mean(runs):
    (target,) = open_run(runs["one"]).targets
    table = make_score_table(target)
    scores = target.summary["bits_per_spike"]
    assert [row[1] for row in table.rows] == [f"{score:z.3f}" for score in scores]
    marks = dict(zip(target.summary["model"], table.row_classes))
    assert marks == {"poisson_glm": "", "timescales": "", "recipe": "below"} | dict.fromkeys(
        ("mean_rate", "psth", "drift", "source_free", "behavior"), "null"
    )  # fmt: skip
    assert len({len(row) for row in table.rows} | {len(table.columns)}) == 1


def test_areas_that_are_no_targets_are_named_with_the_reason(runs, pages):
    sentences = summarize_run(open_run(runs["several"]))
    assert "fewer than 18 neurons (min_neurons): CA1 (15)" in sentences[-1]
    assert html.escape(sentences[-1]) in pages["several"].read_text()
    assert "Left out" not in " ".join(summarize_run(open_run(runs["one"])))


def test_a_second_split_stands_beside_the_first(runs, pages, monkeypatch):
    run = open_run(runs["splits"])
    first, again = run.targets
    assert (first.name, again.name) == ("MOs", "MOs (blocks of trials)")
    assert again.beside == "MOs"
    assert all(np.ptp(fold.test) == fold.test.size - 1 for fold in again.folds)
    assert not all(np.ptp(fold.test) == fold.test.size - 1 for fold in first.folds)
    assert np.array_equal(first.recorded, again.recorded)
    page = html.unescape(pages["splits"].read_text())
    assert "Can MOs be predicted" in page
    (sentence,) = [one for one in summarize_run(run) if "in contiguous blocks" in one]
    for target in run.targets:
        assert f"{target.best['bits_per_spike']:.3f}" in sentence
    assert sentence in page
    assert ". Beyond " in sentence
    monkeypatch.setattr(ranking, "name_verdict_rung", lambda verdict: "")  # only nulls were fitted
    assert not any("Beyond" in one for one in summarize_run(run) if "contiguous blocks" in one)


def test_limits_depend_on_what_was_recorded(runs, tmp_path):
    copy = shutil.copytree(runs["one"], tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["data"]["behavior"] = []
    (copy / "manifest.json").write_text(json.dumps(manifest))
    limits, without = (set(list_limits(open_run(folder))) for folder in (runs["one"], copy))
    assert limits < without
    assert len(without - limits) == 1
    manifest["data"]["behavior"] = ["speed"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    (said,) = set(list_limits(open_run(copy))) - limits
    assert said.startswith("Of behaviour only speed was recorded here")


@pytest.mark.parametrize(("name", "unit"), [("one", "trials"), ("behavior", "windows")])
def test_what_is_called_drift_is_said_where_it_is_taken_out(runs, name, unit):
    run = open_run(runs[name])
    (said,) = [limit for limit in list_limits(run) if limit.startswith("Drift is")]
    assert said.startswith(f"Drift is what nearby {unit} tell.")
    rungs = tuple(rung for rung in run.targets[0].verdict.rungs if rung != "drift")
    vars(run.targets[0])["verdict"] = replace(run.targets[0].verdict, rungs=rungs)
    assert not any(limit.startswith("Drift is") for limit in list_limits(run))


@pytest.mark.parametrize("name", ["one", "several", "splits"])
def test_the_column_above_the_rung_is_explained_once(pages, name):
    assert pages[name].read_text().count("it is no measure of what the source adds") == 1


def test_examples_are_numbered_as_in_the_table_of_neurons(runs, pages):
    pages["one"].read_text()
    (examples,) = (runs["one"] / "figures").glob("*-single_trials.svg")
    shown = {int(n) for n in re.findall(r"neuron (\d+), trial", examples.read_text())}
    (target,) = open_run(runs["one"]).targets
    assert shown
    assert shown <= set(target.run.neurons["neuron"])


def test_windows_of_a_recording_are_called_so_and_not_averaged(runs, pages):
    (target,) = open_run(runs["behavior"]).targets
    assert SPLITS["block"] in describe_protocol(target.run)[0]
    captions = [figure.describe(target) for figure in TARGET_FIGURES.values()
                if figure.applies(target)]  # fmt: skip
    assert not [caption for caption in captions if " trial" in caption]
    page = pages["behavior"].read_text()
    assert target.problem.attrs["n_sources"] == 40
    assert describe_task(target) in html.unescape(page)
    (examples,) = (runs["behavior"] / "figures").glob("*-single_trials.svg")
    assert "pupil_position_1, window " in examples.read_text()
    names = {name.rpartition("-")[2] for name in ids(page)}
    assert not names & {"neurons", "averages", "latents"}
    assert "neurons" in {name.rpartition("-")[2] for name in ids(
        pages["planes"].read_text())}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("neurons.csv", lambda lines: [*lines, *lines[1:]], "rows of .* neurons"),
        ("neurons.csv", lambda lines: lines[:-1], "rows of .* neurons"),
        ("scores.csv", lambda lines: [line.replace(",0,bits_", ",7,bits_") for line in lines],
         "it has no bits_per_spike of .* in fold 0"),
    ],
)  # fmt: skip
def test_tables_that_lack_rows_are_named(runs, tmp_path, name, change, message):
    copy = shutil.copytree(runs["only_nulls"], tmp_path / "copy")
    lines = (copy / name).read_text().splitlines()
    (copy / name).write_text("\n".join(change(lines)) + "\n")
    with pytest.raises(RunError, match=message):
        report.build(copy)


def test_what_nobody_foresaw_is_a_line(tmp_path, monkeypatch):
    def fail(folder, **settings):
        raise KeyError("no such\nrow")

    monkeypatch.setattr(page, "build", fail)
    with pytest.raises(RunError, match=r"is not drawn: .*please report it") as caught:
        report.build(tmp_path)
    assert isinstance(caught.value.__cause__, KeyError)
    assert str(caught.value).isprintable()


def test_an_unfinished_run_has_no_page(tmp_path, runs):
    with pytest.raises(RunError, match="not a run directory"):
        report.build(tmp_path)
    copy = shutil.copytree(runs["one"], tmp_path / "copy")
    (copy / "scores.csv").unlink()
    with pytest.raises(RunError, match=r"lacks scores\.csv"):
        report.build(copy)


EMPTY_SECTIONS = """
return [...document.querySelectorAll('section, figure, details, table')]
  .filter(e => !e.textContent.trim()
            || (e.open !== false && e.getBoundingClientRect().height < 10))
  .map(e => e.tagName + '#' + e.id)"""
CUT_SCORES = """
return [...document.querySelectorAll('.scroll:has(> table.scores)')]
  .filter(e => e.clientWidth && e.scrollWidth > e.clientWidth).length"""
BROKEN_IMAGES = """
return [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.alt)"""
TOO_WIDE = "return document.documentElement.scrollWidth - window.innerWidth"


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("name", NAMES)
def test_in_a_browser(pages, browser, name, width):
    browser.set_window_size(width, 900)
    browser.get(pages[name].as_uri())
    # opened sections first, so that what they hide is looked at too
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.get_log("browser") == []
    assert browser.execute_script(BROKEN_IMAGES) == []
    assert browser.execute_script(EMPTY_SECTIONS) == []
    assert browser.execute_script(TOO_WIDE) <= 0
    assert width < 1000 or browser.execute_script(CUT_SCORES) == 0
    images = browser.execute_script("return document.images.length")
    figures = browser.execute_script("return document.querySelectorAll('figure').length")
    assert images == figures >= 4
    assert not [text for text in browser.execute_script(
        "return [...document.images].map(i => i.alt)") if not text]  # fmt: skip


@pytest.mark.parametrize("left", [[np.nan, 0.5, 1.0], ["low", "high", "low"]])
def test_trials_are_grouped_where_contrasts_are_missing_or_text(left):
    trials = {"trial_contrast_left": left, "trial_contrast_right": [0.0] * 3}
    problem = xr.Dataset({name: ("trial", values) for name, values in trials.items()})
    name, groups = group_trials(SimpleNamespace(problem=problem))
    assert name != "stronger stimulus"
    assert len(groups) == 3
