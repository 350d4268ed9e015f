"""Paths in the directories that spikecast writes are spelled in runs/layout.py alone."""

import ast
from pathlib import Path

import pytest

from spikecast.core.files import LOCK
from spikecast.runs import layout
from spikecast.runs.layout import (
    MARKERS,
    AtlasLayout,
    RunLayout,
    StudyLayout,
    SweepLayout,
    find_kind,
    split_job_name,
)

SOURCE = Path(__file__).parents[2] / "src" / "spikecast"
ROOT = Path("root")


def paths() -> list[Path]:
    """Every path that the layouts name."""
    run, study = RunLayout(ROOT), StudyLayout(ROOT)
    target = run.target("MOs")
    places = [run, SweepLayout(ROOT), AtlasLayout(ROOT), study, study.described, target]
    found = [
        value
        for place in places
        for name in dir(place)
        if isinstance(value := getattr(place, name), Path)
    ]
    fits = [target.job("m", 0), target.arrays("m", 0), target.checkpoints("m", 0)]
    answers = [run.answer("q"), run.answer_table("q", "t"), run.answer_arrays("q")]
    return [*found, *fits, *answers, target.weights("m", 0), study.sound_run("a").folder]


def strings_of(path: Path) -> list[tuple[str, bool]]:
    """String literals of a file, docstrings left out; whether each is joined to a path by `/`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # a string that is a statement
    joined = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        for part in ast.walk(node.right)
    }
    return [
        (node.value, id(node) in joined)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]


def test_no_path_in_a_run_directory_is_spelled_elsewhere():
    names = {part for path in paths() for part in path.relative_to(ROOT).parts}
    files = {name for name in names if "." in name}
    endings = {layout.FOLD, layout.CHECKPOINTS}
    folders = {name for name in names if "." not in name and "-" not in name}
    assert {"manifest.json", "verdict.json", "study.log", "jobs.jsonl"} <= files
    assert {"targets", "jobs", "weights", "analysis", "sound"} <= folders
    spelled = [
        f"{path.relative_to(SOURCE)}: {text!r}"
        for path in SOURCE.rglob("*.py")
        if path not in (SOURCE / "runs" / "layout.py", SOURCE / "core" / "files.py")
        for text, is_joined in strings_of(path)
        if text.split("/")[-1] in files
        or (any(ending in text for ending in endings) and " " not in text)  # else prose
        or (is_joined and text.strip("/") in folders)
    ]
    assert spelled == []


def test_job_names_are_read_back():
    target = RunLayout(ROOT).target("MOs")
    assert split_job_name(target.job("a-fold_b", 12)) == ("a-fold_b", 12)


def test_jobs_that_are_being_written_are_not_listed(tmp_path):
    target = RunLayout(tmp_path).target("MOs")
    target.jobs.mkdir(parents=True)
    target.job("pca", 0).touch()
    (target.jobs / ".pca-fold1-x2.json").touch()
    assert RunLayout(tmp_path).list_jobs() == target.list_jobs("pca") == [target.job("pca", 0)]


@pytest.mark.parametrize("kind", MARKERS)
def test_a_directory_is_recognised_by_any_of_its_files(kind, tmp_path):
    assert find_kind(tmp_path) is None
    for name in MARKERS[kind]:
        (tmp_path / name).touch()
        (tmp_path / "manifest.json").touch()
        assert find_kind(tmp_path) == kind
        (tmp_path / name).unlink()


def test_the_lock_is_the_one_that_is_taken():
    assert RunLayout(ROOT).lock.name == LOCK


def test_targets_of_names_that_are_alike_have_folders_of_their_own():
    names = ["a b", "a_b", "a/b", "a:b", ".", "..", "x" * 300, "x" * 299 + "y"]
    run = layout.RunLayout(Path("run"))
    folders = {run.target(name).folder for name in names}
    assert len(folders) == len(names)
    assert {folder.parent for folder in folders} == {run.targets}
    assert all(run.target(folder.name).folder == folder for folder in folders)  # by its folder
    assert run.target("VISp2").folder.name == "VISp2"
