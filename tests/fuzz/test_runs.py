"""A damaged directory or file is read, or refused in one line that is an error of ours."""

import numpy as np
import pytest
from filelock import FileLock
from fuzz.file_kinds import HDF5, Samples, collect_kinds
from fuzz.file_kinds import SLOW as SLOW_KINDS
from fuzz.format_samples import write_formats
from fuzz.readings import (
    ANSWER_READINGS,
    ATLAS_READINGS,
    RESUME_READINGS,
    RUN_READINGS,
    STUDY_READINGS,
    STUDY_RESUME_READINGS,
    SWEEP_READINGS,
    SWEEP_RESUME_READINGS,
    check_damaged,
)
from fuzz.trying import try_file

from spikecast.core.errors import DamagedFileError
from spikecast.report.study.figure_arrays import FIGURE_ARRAYS, read_figure_arrays
from spikecast.runs.questions.catalog import list_kinds
from spikecast.runs.reader import open_run
from spikecast.runs.sweep.journal_file import JournalFile

READINGS = {
    "small_run": RUN_READINGS,
    "small_answers": ANSWER_READINGS,
    "unfinished_run": RESUME_READINGS,
    "small_atlas": ATLAS_READINGS,
    "small_sweep": SWEEP_READINGS,
    "unfinished_sweep": SWEEP_RESUME_READINGS,
    "small_study": STUDY_READINGS,
    "unfinished_study": STUDY_RESUME_READINGS,
}
FAST = {
    ("small_run", "index"): 60,
    ("small_run", "targets"): 30,
    ("small_run", "audit"): 8,
    ("small_run", "compare"): 8,
    ("small_run", "decode"): 5,
    ("small_run", "report"): 4,
    ("small_answers", "answers"): 25,
    ("small_answers", "answers report"): 2,
    ("unfinished_run", "resume"): 6,
    ("small_atlas", "index"): 60,
    ("small_atlas", "report"): 40,
    ("small_atlas", "resume"): 15,
    ("small_sweep", "sweep index"): 40,
    ("small_sweep", "sweep report"): 15,
    ("unfinished_sweep", "sweep resume"): 8,
    ("small_study", "study index"): 25,
    ("small_study", "study audit"): 10,
    ("small_study", "study report"): 4,
    ("unfinished_study", "study resume"): 6,
}
SLOW = 10_000  # per kind of directory, or of file
FEWEST, FEW, MANY = 5, 10, 500  # HDF5 files, and of each kind that is slow, and quick, to read


@pytest.mark.usefixtures("quick_pages")
@pytest.mark.parametrize(("kind", "name", "n"), [(*key, n) for key, n in FAST.items()])
def test_a_damaged_directory_is_refused_in_a_line(request, tmp_path, kind, name, n):
    sample = request.getfixturevalue(kind)
    assert check_damaged(READINGS[kind][name], sample, tmp_path, range(n), name)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_pages")
@pytest.mark.parametrize(("kind", "name"), FAST)
def test_so_are_ten_thousand(request, tmp_path, kind, name):
    seeds = range(SLOW, SLOW + SLOW // len(READINGS[kind]))
    check_damaged(READINGS[kind][name], request.getfixturevalue(kind), tmp_path, seeds, name)


def test_every_kind_of_answer_is_among_them(small_run, small_answers):
    answers = [*open_run(small_run).answers, *open_run(small_answers).answers]
    assert {answer.kind for answer in answers} == set(list_kinds())


@pytest.fixture(scope="module")
def kinds(
    small_run, small_answers, unfinished_run, small_atlas, small_sweep, unfinished_sweep,
    small_study, unfinished_study, tmp_path_factory,
):  # fmt: skip
    formats = write_formats(tmp_path_factory.mktemp("formats"))
    return collect_kinds(Samples(
        small_run, small_answers, unfinished_run, small_atlas, small_sweep, unfinished_sweep,
        small_study, unfinished_study, formats,
    ))  # fmt: skip


def test_every_sample_is_read(kinds):
    assert set(SLOW_KINDS) <= set(kinds)
    for readings in kinds.values():
        for read in readings.values():
            read()


def test_a_damaged_file_of_each_kind_is_refused_in_a_line(kinds):
    for kind, readings in kinds.items():
        n = FEWEST if kind == HDF5 else FEW if kind in SLOW_KINDS else MANY
        n_refused = sum(try_file(kind, readings, seed) for seed in range(n))
        assert n / 20 < n_refused <= n, kind  # weights have a checksum


def test_a_journal_nested_without_end_is_damaged(tmp_path):
    path = tmp_path / "study.log"
    path.write_bytes(b"[" * 100_000 + b"\n")
    with pytest.raises(DamagedFileError, match="damaged in line 1"):
        list(JournalFile(path, FileLock(tmp_path / "lock")).read_logs(0))


def test_spikes_of_a_trial_of_no_length_are_damaged(tmp_path):
    path = tmp_path / "raster.npz"
    one = {"area": np.array(["A"]), "rate": np.ones((1, 1)), "seconds": np.array([1e300])}
    np.savez(path, neurons=np.array([0]), trial=np.array(1e-300), **one)
    with pytest.raises(DamagedFileError, match="do not go together"):
        read_figure_arrays(path, FIGURE_ARRAYS["raster"])


@pytest.mark.slow
def test_so_are_ten_thousand_files(kinds):
    for kind, readings in kinds.items():
        n = SLOW // 10 if kind == HDF5 else SLOW
        assert sum(try_file(kind, readings, seed) for seed in range(SLOW, SLOW + n)), kind
