"""A damaged directory is read, or refused in one line that is an error of ours."""

import pytest
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

from spikecast.runs.questions.catalog import list_kinds
from spikecast.runs.reader import open_run

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
    ("small_run", "compare"): 6,
    ("small_run", "decode"): 5,
    ("small_run", "report"): 6,
    ("small_answers", "answers"): 40,
    ("small_answers", "answers report"): 6,
    ("unfinished_run", "resume"): 6,
    ("small_atlas", "index"): 60,
    ("small_atlas", "report"): 40,
    ("small_atlas", "resume"): 15,
    ("small_sweep", "sweep index"): 40,
    ("small_sweep", "sweep report"): 15,
    ("unfinished_sweep", "sweep resume"): 12,
    ("small_study", "study index"): 25,
    ("small_study", "study audit"): 10,
    ("small_study", "study report"): 6,
    ("unfinished_study", "study resume"): 10,
}
SLOW = 10_000  # per kind of directory


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
