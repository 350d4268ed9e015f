"""The ways in which a directory is read again, each called as its command calls it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz.mutations import copy_damaged
from fuzz.samples import SETTINGS
from planted_study import run_planted_study

from spikecast import report
from spikecast.core.errors import SpikecastError
from spikecast.report.many_runs import comparison_page
from spikecast.report.many_runs.comparison import compare_runs
from spikecast.report.many_runs.comparison_text import list_lines
from spikecast.report.many_runs.entries import READERS, read_entry
from spikecast.report.questions.catalog import make_headlines, make_sections
from spikecast.report.study import page as study_page
from spikecast.runs import audit, config, experiment
from spikecast.runs.atlas.run import read_settings, run_atlas
from spikecast.runs.layout import find_kind
from spikecast.runs.questions.catalog import Analysis
from spikecast.runs.reader import open_run
from spikecast.runs.sweep.run import run_sweep

Reading = Callable[[Path, Path], object]
"""Read a copy of a directory; the second is the undamaged one."""

SKIPPED = ("figures", "report.html", "log.txt", "weights", ".nc", "parquet")
"""Files that are not read again, and HDF5: a damaged one can hang for good."""
LONGEST = 1000  # characters of a message

QUESTION = {"decode": {"labels": ["response"], "sources": ["counts", "latents"],
                       "model": "pca_ridge", "folds": 2, "permutations": 20}}  # fmt: skip


def list_in_index(copy: Path, sample: Path) -> None:
    """Read what the index shows; it hides no error of ours behind a damaged entry."""
    kind = find_kind(copy)
    read_entry(copy)
    if kind is not None:
        READERS[kind](copy)


def compare(copy: Path, sample: Path) -> None:
    comparison = compare_runs([copy, sample])
    list_lines(comparison)
    comparison_page.build(comparison, copy.parent / "comparison.html")


def answer_more(copy: Path, sample: Path) -> None:
    experiment.add_answers(copy, Analysis.model_validate(QUESTION))


def resume(copy: Path, sample: Path) -> None:
    settings = config.read_config(sample / "config.yaml")
    experiment.run(settings, copy, resume=True, workers=1)


def read_targets(copy: Path, sample: Path) -> None:
    """Read all that a run stores of its targets."""
    for target in open_run(copy).targets:
        assert target.verdict
        target.read_beyond_records()
        for model in target.models:
            target.read_predictions(model)
            for fold in range(target.n_folds):
                target.read_job(model, fold)
                target.read_record(model, fold)


RUN_READINGS: dict[str, Reading] = {
    "index": list_in_index,
    "targets": read_targets,
    "audit": lambda copy, sample: audit.audit(copy),
    "compare": compare,
    "decode": answer_more,
    "report": lambda copy, sample: report.build(copy),
}


def write_answers(copy: Path, sample: Path) -> None:
    """Make what the page says of the answers, without its figures."""
    answers = open_run(copy).answers
    make_headlines(answers)
    make_sections(answers)


ANSWER_READINGS: dict[str, Reading] = {
    "answers": write_answers,
    "answers report": lambda copy, sample: report.build(copy),
}


def resume_atlas(copy: Path, sample: Path) -> None:
    run_atlas(read_settings(sample), copy, resume=True, workers=1)


ATLAS_READINGS: dict[str, Reading] = {
    "index": list_in_index,
    "report": lambda copy, sample: report.build(copy),
    "resume": resume_atlas,
}
RESUME_READINGS: dict[str, Reading] = {"resume": resume, "index": list_in_index}
SWEEP_READINGS: dict[str, Reading] = {
    "sweep index": list_in_index,
    "sweep report": lambda copy, sample: report.build(copy),
}


def resume_sweep(copy: Path, sample: Path) -> None:
    run_sweep(config.read_config(sample.parent / SETTINGS), copy, resume=True, workers=1)


SWEEP_RESUME_READINGS: dict[str, Reading] = {"sweep resume": resume_sweep}


def audit_parts(copy: Path, sample: Path) -> None:
    """Audit all that a study holds, as the command does."""
    for folder in audit.list_audited(copy).values():
        audit.audit(folder)


def draw_study(copy: Path, sample: Path) -> None:
    """Draw the page of a study, without what it shows of its sound runs: they are a kind here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_page.run_page, "build", lambda folder, workers: folder)
        patch.setattr(study_page, "FROM_RUNS", ())
        patch.setattr(study_page, "make_sections", lambda answers: [])
        report.build(copy)


def resume_study(copy: Path, sample: Path) -> None:
    data, sound_run = sample.parent / "task.nc", sample / "sound" / "main"
    with pytest.MonkeyPatch.context() as patch:
        run_planted_study(patch, data, sound_run, copy, resume=True)


STUDY_READINGS: dict[str, Reading] = {
    "study index": list_in_index,
    "study audit": audit_parts,
    "study report": draw_study,
}
STUDY_RESUME_READINGS: dict[str, Reading] = {"study resume": resume_study}

READ_BY: dict[str, tuple[str, ...]] = {
    "sweep index": ("manifest", "config", "sweep.json", "summary"),
    "sweep report": ("manifest", "config", "sweep.json", "summary", "trials.csv", "best", "proto"),
    "answers": ("analysis", "manifest"),
    "answers report": ("analysis",),
    "sweep resume": ("manifest", "config", "study.log", "targets"),
    "study index": ("study.json", "preset.yaml"),
    "study audit": ("study.json", "preset.yaml", "described/proto", "sound/main/manifest"),
    "study report": ("study.json", "preset.yaml", "described", "concluded"),
    "study resume": ("begun.json", "parts", "preset.yaml"),
    "index": ("manifest", "config", "summary", "verdict", "analysis"),
    "targets": ("manifest", "summary", "scores", "verdict", "targets"),
    "decode": ("manifest", "config", "analysis/decode-response-counts.json"),
}
"""What a reading opens of a directory, where it is not nearly all."""


def is_read(path: Path, name: str = "") -> bool:
    """Return whether a file, by its path in a directory, is worth damaging for a reading."""
    text = path.as_posix()
    parts = READ_BY.get(name, ("",))
    return any(map(text.startswith, parts)) and not any(part in text for part in SKIPPED)


def check_damaged(read: Reading, sample: Path, folder: Path, seeds: range, name: str = "") -> int:
    """Read damaged copies of a directory; return how many were refused, raise what is untyped."""
    refused = 0
    for seed in seeds:
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        done = copy_damaged(sample, copy, lambda path: is_read(path, name), seed)
        try:
            read(copy, sample)
        except SpikecastError as error:
            refused += 1
            message = str(error)
            assert message.isprintable(), f"not one line after seed {seed}, {done}: {message!r}"
            assert len(message) < LONGEST, f"too long after seed {seed}, {done}: {message}"
        except Exception as error:
            error.add_note(f"seed {seed}: {done}")
            raise
    return refused
