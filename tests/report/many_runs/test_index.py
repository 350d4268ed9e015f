"""The index: what it says of each kind and state, and that its filters and columns work."""

import json
import re
import sys

import pandas as pd
import pytest
import yaml

from spikecast import cli
from spikecast.core.errors import RunError
from spikecast.evaluation.beyond import Beyond, ShiftTest
from spikecast.evaluation.verdict import Verdict
from spikecast.report.many_runs import index
from spikecast.report.many_runs.entries import READERS, Entry, Score, read_entry
from spikecast.report.many_runs.thumbnail import draw_thumbnail, find_scales
from spikecast.runs.layout import MARKERS
from spikecast.runs.manifest import FORMAT
from spikecast.scoring.ratio_scores import Interval


def fabricate(folder, number=0, *, session="Cori", target="MOs", best=0.4, finished=True):
    """The small files of a run: what the index reads."""
    folder.mkdir(parents=True)
    when = f"2026-11-{1 + number % 28:02d}T10:{number % 60:02d}"
    manifest = {
        "started": f"{when}:00+00:00", "finished": f"{when}:30+00:00" if finished else None,
        "seed": 0, "targets": [target], "format": FORMAT, "command": "spikecast", "versions": {},
        "data": {"hash": {"activity": "1"}, "session": session, "areas": {target: 3}, "n_trials": 4,
                 "n_bins": 5, "n_neurons": 3, "bin_size": 0.01, "kind": "counts", "behavior": [],
                 "attributes": {"align_to": "cue"}},
        "failed": {target: {"lstm": "diverged"}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    written = {"data": {"path": "there/set.npz"}, "task": {"target": target},
               "models": ["psth", {"gru": {}}], "evaluation": {"folds": 5}}  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(written))
    table = pd.DataFrame({"model": ["gru", "psth"], "bits_per_spike": [best, 0.05],
                          "low": [best - 0.05, 0.02], "high": [best + 0.05, 0.08],
                          "target": target})  # fmt: skip
    table.to_csv(folder / "summary.csv", index=False)
    score = Interval(best, best - 0.05, best + 0.05)
    gain = Interval(best / 2, best / 2 - 0.05, best / 2 + 0.05)
    beyond = Beyond("source_free", gain, ShiftTest(0.05, best, (1, -1), (0.0, 0.0)))
    rungs = ("psth", "drift", "source_free")
    verdict = Verdict(
        target, "rest", "bits_per_spike", "predicted", "gru", score, rungs, gain, beyond
    ).to_json()
    said = {target: {"verdict": verdict, "notices": [], "differences": []}}
    (folder / "verdict.json").write_text(json.dumps(said))
    (folder / "report.html").write_text("a page")
    return folder


def decoded(folder):
    """A run that only answers: the stimulus alone tells more than the neurons."""
    fabricate(folder)
    manifest = json.loads((folder / "manifest.json").read_text()) | {"targets": []}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "verdict.json").write_text("{}")
    config = yaml.safe_load((folder / "config.yaml").read_text()) | {"task": None}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "analysis").mkdir()
    for name, source, score in (("a", "counts", 0.6), ("b", "behavior", 0.8)):
        answer = {
            "kind": "decode", "label": "response", "area": None, "p": 0.01, "permutations": 200,
            "notices": [], "tables": [],
            "source": source, "features": source, "decoder": "lda", "metric": "balanced_accuracy",
            "score": score, "low": score - 0.15, "high": score + 0.1, "chance": 0.5,
            "combine": "mean", "balance": "weights", "folds": 2, "train": 0.9, "n_left_out": 0,
            "n_trials": 4, "question": {}, "seconds": 0.1, "align_to": "cue",
            "fits": [{"train": [0, 1], "test": [2, 3], "labels": [0.0, 1.0], "validation": [],
                      "fitted_on": {}}],
        }  # fmt: skip
        (folder / "analysis" / f"{name}.json").write_text(json.dumps(answer))
    (folder / "analysis" / "index.json").write_text('["a", "b"]')


@pytest.fixture
def shelf(tmp_path):
    """One folder of everything."""
    folder = tmp_path / "runs"
    fabricate(folder / "first", 1)
    fabricate(folder / "deep" / "er & er", 2, session="<b>Hench</b>", target="VISp", best=0.7)
    fabricate(folder / "below the null", 3, best=-2.0)
    fabricate(folder / "going on", 4, finished=False)
    (folder / "going on" / "targets" / "MOs" / "jobs").mkdir(parents=True)
    (folder / "going on" / "targets" / "MOs" / "jobs" / "gru-fold0.json").write_text("{}")
    decoded(folder / "decoded")
    (folder / "cut off").mkdir()
    (folder / "cut off" / "manifest.json").write_text('{"started":')
    fabricate(folder / "lost", 5)
    (folder / "lost" / "summary.csv").unlink()
    fabricate(folder / "study" / "sound" / "main", 6)
    conclusion = {"code": "so", "severity": "minor", "text": "So it is.", "values": {}}
    facts = {"study": "ninja", "quick": True, "origin": "simulated", "session": "Simulated",
             "conclusions": [conclusion]}  # fmt: skip
    (folder / "study" / "study.json").write_text(json.dumps(facts))
    (folder / "notes").mkdir()
    return folder


def test_scores_of_one_label_by_two_metrics_are_not_ranked_together(tmp_path):
    decoded(tmp_path / "run")
    answers = tmp_path / "run" / "analysis"
    other = json.loads((answers / "a.json").read_text()) | {"metric": "r2", "score": 0.9}
    (answers / "c.json").write_text(json.dumps(other))
    (answers / "index.json").write_text('["a", "b", "c"]')
    assert {score.metric for score in read_entry(tmp_path / "run").scores} == {"balanced_accuracy"}


@pytest.mark.parametrize("started", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_date_beyond_the_calendar_is_the_damage_of_one_run(tmp_path, started):
    for name in ("odd", "fine"):
        fabricate(tmp_path / name)
    manifest = json.loads((tmp_path / "odd" / "manifest.json").read_text())
    content = json.dumps(manifest | {"started": started})
    (tmp_path / "odd" / "manifest.json").write_text(content)
    assert read_entry(tmp_path / "odd").state == "damaged"
    assert read_entry(tmp_path / "fine").state == "finished"
    assert index.build(tmp_path).exists()


def test_each_kind_and_state_is_recognised(shelf):
    found = {
        path.relative_to(shelf).as_posix(): read_entry(path) for path in index.find_folders(shelf)
    }
    assert {name: (entry.kind, entry.state) for name, entry in found.items()} == {
        "first": ("run", "finished"), "deep/er & er": ("run", "finished"),
        "below the null": ("run", "finished"), "going on": ("run", "unfinished"),
        "decoded": ("run", "finished"), "cut off": ("run", "damaged"),
        "lost": ("run", "damaged"), "study": ("study", "finished"),
    }  # fmt: skip
    first = found["first"]
    assert (first.best.model, first.best.value, first.seconds) == ("gru", 0.4, 30)
    for fact in ("MOs", "beyond the task", "0.200 (0.150 to 0.250) bits/spike", "lstm"):
        assert fact in first.summary
    assert (first.session, first.data, first.targets) == ("Cori", "set.npz", ("MOs",))
    assert found["below the null"].best.model == "gru"  # the best that is no null
    assert found["decoded"].best.model == "counts (lda)"  # not the stimulus alone
    assert found["going on"].summary.startswith("1 of 10 fits")
    assert found["lost"].summary == "it lacks summary.csv"
    assert "damaged" in found["cut off"].summary
    assert found["study"].summary == "Simulated data. So it is."
    assert found["study"].scores[0].target == "MOs (sound)"


def test_sweeps_and_atlases_are_no_runs_though_they_have_manifests(tmp_path):
    for finished in (True, False):
        swept = fabricate(tmp_path / f"sweep {finished}", finished=finished)
        (swept / "study.log").write_text("")
        if finished:
            facts = {"target": "MOs", "source": "rest", "metric": "bits_per_spike", "trials": 3,
                     "models": [], "rungs": [], "notices": []}  # fmt: skip
            (swept / "sweep.json").write_text(json.dumps(facts))
            table = pd.read_csv(swept / "summary.csv").drop(columns="target")
            table.to_csv(swept / "summary.csv", index=False)
        entry = read_entry(swept)
        assert (entry.kind, entry.state) == ("sweep", "finished" if finished else "unfinished")
    assert read_entry(tmp_path / "sweep True").best.target == "MOs"
    mapped = fabricate(tmp_path / "atlas")
    (mapped / "atlas.yaml").write_text("models: [ridge]")
    about = {"path": "a/set.npz", "kind": "counts", "areas": {"MOs": 20, "VISp": 30}}
    sessions = {"Cori": about}
    cells = {
        "source": ["VISp", "CA1", "MOs", "MOs"], "target": ["MOs", "MOs", "MOs", "VISp"],
        "model": "ridge", "value": [0.2, 0.4, 0.9, 0.3], "low": 0.05, "high": 1.0,
        "passes": [True, False, True, True],
    }  # fmt: skip
    pd.DataFrame(cells).to_csv(mapped / "cells.csv", index=False)
    manifest = json.loads((mapped / "manifest.json").read_text()) | {
        "data": {"sessions": sessions, "hash": {"Cori": {"activity": "1"}}},
        "failed": {},
    }
    (mapped / "manifest.json").write_text(json.dumps(manifest))
    entry = read_entry(mapped)
    assert (entry.kind, entry.state, entry.session) == ("atlas", "finished", "Cori")
    assert entry.targets == ("MOs", "VISp")
    assert [score.target for score in entry.scores] == ["MOs > VISp", "VISp > MOs"]
    assert "2 of 3 pairs tell something beyond task and drift" in entry.summary
    pd.DataFrame(cells).drop(columns="passes").to_csv(mapped / "cells.csv", index=False)
    entry = read_entry(mapped)
    assert not entry.scores
    assert "made by an earlier version" in entry.summary


def test_the_page_shows_all_and_needs_nothing_else(shelf):
    page = index.build(shelf).read_text()
    assert page.count("<tr data-name=") == 8
    assert "http" not in page
    assert "src=" not in page
    assert "&lt;b&gt;Hench" in page
    assert "<b>Hench" not in page
    assert 'href="deep/er%20%26%20er/report.html"' in page
    assert "interval includes the null" in page
    assert "interval includes chance" in page


def full(*_):
    raise OSError("no space left")


def test_it_is_replaced_whole_or_not_at_all(shelf, monkeypatch):
    first = index.build(shelf).read_text()
    fabricate(shelf / "new", 7)
    assert 'data-name="new"' in index.build(shelf).read_text()
    before = {path.name for path in shelf.iterdir()}
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(RunError, match="no space left"):
        index.build(shelf)
    assert {path.name for path in shelf.iterdir()} == before
    assert first != (shelf / "index.html").read_text()


def test_mistakes_are_explained(shelf, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<html>my own page</html>")
    fabricate(tmp_path / "site" / "run")
    for folder, message in (
        ("none", "no folder"), ("empty", "nothing to list"), ("runs/first", "is a run itself"),
        ("site", "not an index of ours"),
    ):  # fmt: skip
        with pytest.raises(RunError, match=message):
            index.build(tmp_path / folder)
        monkeypatch.setattr(sys, "argv", ["spikecast", "index", str(tmp_path / folder)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        assert stopped.value.code == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert (tmp_path / "site" / "index.html").read_text() == "<html>my own page</html>"


def test_another_kind_needs_a_file_and_a_reader(shelf, monkeypatch):
    (shelf / "map").mkdir()
    (shelf / "map" / "map.json").write_text("{}")
    monkeypatch.setitem(MARKERS, "map", ("map.json",))
    monkeypatch.setitem(
        READERS, "map", lambda folder: Entry(folder, "map", "finished", summary="A map.")
    )
    page = index.build(shelf).read_text()
    assert 'data-kind="map"' in page
    assert "A map." in page


def test_hundreds_of_runs_make_a_page_of_bounded_size(tmp_path):
    for number in range(300):
        fabricate(tmp_path / "runs" / f"{number:03d}", number, best=0.2 + number / 1000)
    page = index.build(tmp_path / "runs")
    assert page.read_text().count("<tr data-name=") == 300
    assert page.stat().st_size < 300 * 10_000


def test_thumbnails_share_a_scale_and_do_not_break_on_a_failed_model():
    good = Score("gru", "MOs", "bits_per_spike", 0.4, 0.3, 0.5)
    bad = Score("recipe", "MOs", "bits_per_spike", -9.0, -9.5, -8.5)
    half = Score("gru", "CA1", "bits_per_spike", 0.2, 0.1, 0.3)
    scale = find_scales([good, bad, half])
    assert scale == {"bits_per_spike": (-0.125, 0.5)}
    drawn = [draw_thumbnail([score], scale) for score in (good, half)]
    places = [float(re.search(r'cx="([\d.]+)"', svg)[1]) for svg in drawn]
    assert places[0] > places[1]
    arrow = draw_thumbnail([bad], scale)
    assert "circle" not in arrow
    assert "-9.000" in arrow
    assert draw_thumbnail([], scale) == ""
    assert len(draw_thumbnail([good] * 100, scale)) < 60_000


SHOWN = """
return [...document.querySelectorAll('#runs tbody tr')]
  .filter(row => !row.hidden).map(row => row.dataset.name)"""
COUNT = "return document.getElementById('count').textContent"
WIDE = "return document.documentElement.scrollWidth - window.innerWidth"
FETCHED = "return performance.getEntriesByType('resource').map(e => e.name)"


@pytest.mark.parametrize("width", [1000, 390])
def test_in_a_browser(shelf, browser, width):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    browser.set_window_size(width, 900)
    browser.get(index.build(shelf).as_uri())

    def shown():
        return browser.execute_script(SHOWN)

    def choose(key, value):
        Select(browser.find_element(By.CSS_SELECTOR, f"[data-key={key}]")).select_by_visible_text(
            value
        )

    def sort(key):
        browser.find_element(By.CSS_SELECTOR, f"[data-sort={key}]").click()

    assert len(shown()) == 8
    assert shown()[0] in ("going on", "study")  # the newest first
    assert browser.execute_script(WIDE) <= 0
    text = browser.find_element(By.ID, "text")
    text.send_keys("cori gru PREDICTED")
    assert set(shown()) == {"first", "below the null"}
    assert browser.execute_script(COUNT) == "2 of 8 shown"
    text.clear()
    text.send_keys(" ")
    for key, value, names in (
        ("kind", "study", {"study"}), ("state", "damaged", {"cut off", "lost"}),
        ("session", "<b>Hench</b>", {"deep/er & er"}), ("target", "'response'", {"decoded"}),
    ):  # fmt: skip
        choose(key, value)
        assert set(shown()) == names, key
        choose(key, "all")
    choose("model", "gru")
    assert "cut off" not in shown()
    choose("model", "all")
    sort("score")  # within a metric, from above; what has none comes last
    first = shown()
    assert first[:2] + first[4:5] == ["decoded", "deep/er & er", "below the null"]
    sort("score")
    assert shown()[:2] + shown()[4:5] == ["decoded", "below the null", "deep/er & er"]
    assert shown()[5:] == first[5:]
    sort("name")
    assert shown() == sorted(shown(), key=str.casefold)
    link = browser.find_element(By.LINK_TEXT, "deep/er & er").get_attribute("href")
    assert link.endswith("/deep/er%20%26%20er/report.html")
    assert browser.get_log("browser") == []
    assert browser.execute_script(FETCHED) == []
    assert browser.execute_script(WIDE) <= 0
