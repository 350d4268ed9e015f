"""What is wrong with a run directory is said in a line, by the file's name."""

import json

import numpy as np
import pandas as pd
import pytest

from spikecast.core.errors import DamagedFileError, MissingFileError, RunError, UnknownNameError
from spikecast.core.notices import NoticeKind
from spikecast.core.stored_tables import Table, read_table
from spikecast.data.recording import Recording
from spikecast.report.questions.catalog import QUESTIONS
from spikecast.runs.layout import RunLayout
from spikecast.runs.manifest import FORMAT, read_manifest
from spikecast.runs.questions.catalog import list_kinds
from spikecast.runs.questions.granger import STORED as GRANGER
from spikecast.runs.reader import Run, open_run, read_answers
from spikecast.runs.score_tables import NEURONS, check_models, read_score_table
from spikecast.runs.targets import save_excerpt, save_trial_table

FLAW = NoticeKind("flaw", "minor", "{n} flaws")


RECORDING = {"session": "", "areas": {"MOs": 3}, "n_trials": 4, "n_bins": 5, "n_neurons": 3,
             "bin_size": 0.01, "kind": "counts", "behavior": [], "attributes": {"align_to": "cue"},
             "hash": {"activity": "0"}}  # fmt: skip


def write_manifest(folder, **facts):
    content = {"format": FORMAT, "started": "2026-11-28T10:00:00+00:00", "finished": None,
               "command": "spikecast run", "versions": {}, "targets": [],
               "data": RECORDING}  # fmt: skip
    RunLayout(folder).manifest.write_text(json.dumps(content | facts))
    return folder


def test_only_finished_runs_are_opened(tmp_path):
    assert not Run(write_manifest(tmp_path)).is_finished
    with pytest.raises(RunError, match="not finished"):
        open_run(tmp_path)
    run = open_run(
        write_manifest(
            tmp_path, finished="2026-11-28T11:00:00+00:00", failed={"MOs": {"gru": "no"}}
        )
    )
    assert run.failed == {"MOs": {"gru": "no"}}
    assert run.targets == run.answers == []


@pytest.mark.parametrize("facts", [{"format": FORMAT - 1}, {"format": None}])
def test_runs_of_earlier_versions_are_refused(tmp_path, facts):
    with pytest.raises(RunError, match="earlier version"):
        read_manifest(write_manifest(tmp_path, **facts))


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(RunError, match=r"it has no manifest\.json"):
        read_manifest(tmp_path)
    run, layout = Run(write_manifest(tmp_path)), RunLayout(tmp_path)
    layout.manifest.write_text('{"format":')
    with pytest.raises(DamagedFileError, match=r"manifest\.json' is damaged"):
        read_manifest(tmp_path)
    for read, path in (
        (lambda: run.summary, layout.summary),
        (lambda: run.verdicts, layout.verdict),
        (lambda: run.excerpt, layout.excerpt),
    ):
        with pytest.raises(MissingFileError, match=f"lacks {path.name}") as caught:
            read()
        assert caught.value.path == path
    layout.summary.touch()
    layout.excerpt.write_text("no data set")
    for read in (lambda: run.summary, lambda: run.excerpt):
        with pytest.raises(DamagedFileError, match="is damaged"):
            read()


def test_an_excerpt_of_long_trials_is_that_of_its_recording(tmp_path):
    counts = np.ones((4, 1200, 3), dtype=int)
    recording = Recording.from_arrays(counts, 0.01 * np.arange(1200), "MOs")
    layout = RunLayout(tmp_path)
    save_excerpt(recording, layout.excerpt)
    save_trial_table(recording.select(trials=range(4)), layout.trial_table)
    run = Run(write_manifest(tmp_path, data=RECORDING | {"n_bins": 1200}))
    assert run.excerpt.sizes["time"] == 1000
    save_trial_table(recording.select(trials=range(2)), layout.trial_table)
    run = Run(write_manifest(tmp_path, data=RECORDING | {"n_bins": 1200, "n_trials": 2}))
    with pytest.raises(DamagedFileError, match=r"excerpt.* none of the 2 of the run"):
        _ = run.excerpt


def test_a_target_may_be_called_by_a_number(tmp_path):
    content = {"target": ["0", "1"], "null": ["", "psth"], "value": [0.5, np.nan]}
    pd.DataFrame(content).to_csv(tmp_path / "t.csv")
    table = read_score_table(tmp_path / "t.csv", Table({}))
    assert table[["target", "null"]].to_numpy().tolist() == [["0", ""], ["1", "psth"]]
    assert np.isnan(table["value"][1])


def test_answers_are_listed_by_kind_with_their_notices(tmp_path):
    layout = RunLayout(tmp_path)
    assert read_answers(tmp_path) == []
    layout.answers.mkdir()
    layout.answer_index.write_text('["one", "two"]')
    dimensions = {"area": None, "bin_size": 0.01, "n_neurons": 3, "n_reliable": 1,
                  "participation_ratio": 1.0, "shared_participation_ratio": 1.0}  # fmt: skip
    maps = {"label": "side", "area": None, "method": "pca", "supervised": False, "n_left_out": 0}
    for name, kind, facts, tables in (
        ("one", "embedding", maps, ["points", "scores"]),
        ("two", "dimensionality", dimensions, ["components"]),
    ):
        content = {"kind": kind, "notices": [FLAW(n=2).to_json()], "tables": tables,
                   "question": {}, "seconds": 0.1}  # fmt: skip
        layout.answer(name).write_text(json.dumps(content | facts))
    (answer,) = read_answers(tmp_path, "dimensionality")
    assert (answer.name, answer.notices) == ("two", (FLAW(n=2),))
    assert answer.table("none").empty
    with pytest.raises(UnknownNameError, match=r"kind of answer 'grangr'\. Did you mean 'granger'"):
        read_answers(tmp_path, "grangr")
    layout.answer("one").unlink()
    with pytest.raises(MissingFileError, match=r"lacks one\.json"):
        read_answers(tmp_path)


def test_every_kind_of_answer_has_a_page():
    assert set(list_kinds()) == set(QUESTIONS)


@pytest.mark.parametrize(
    ("p", "reason"), [("x", r"column 'p' a number .* is expected"), ("\0", "bytes of 0")]
)
def test_a_shift_test_of_a_lead_that_is_no_number_is_refused(tmp_path, p, reason):
    row = {"source": "A", "target": "B", "lag": 1, "lag_seconds": 0.01, "gain": 0.1, "low": 0.05}
    table = pd.DataFrame([row | {"high": 0.2, "stands": True, "p": p}])
    table.to_csv(tmp_path / "past.csv", index=False)
    with pytest.raises(DamagedFileError, match=reason):
        read_table(tmp_path / "past.csv", GRANGER.tables["past"])


@pytest.mark.parametrize("value", [1e101, -1e308])
def test_numbers_that_overflow_in_a_figure_are_refused(tmp_path, value):
    pd.DataFrame({"target": ["A"], "model": ["psth"], "value": [value]}).to_csv(
        tmp_path / "neurons.csv", index=False
    )
    with pytest.raises(DamagedFileError, match=r"1e\+100 at most\) is expected, not "):
        read_table(tmp_path / "neurons.csv", NEURONS)


def test_a_table_has_a_value_of_each_model_of_the_summary(tmp_path):
    summary = pd.DataFrame({"target": ["A", "A"], "model": ["psth", "gru"]})
    check_models(tmp_path / "scores.csv", summary.assign(value=[0.1, 0.2]), summary)
    for odd in (summary.assign(value=[0.1, np.nan]), summary.assign(value=0.1)[:1]):
        with pytest.raises(DamagedFileError, match=r"scores.csv.* no value of 'gru' for 'A'"):
            check_models(tmp_path / "scores.csv", odd, summary)
