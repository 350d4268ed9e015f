"""Every kind of file that is read again, and what reads one: no directory is copied to damage it.

The other files of its directory stay whole. A reading takes a fraction of a millisecond to a few
milliseconds, so that a million of them can be tried (``long_run.py``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fuzz import format_samples, samples
from fuzz.checkpoint_kind import collect_checkpoint
from fuzz.sweep_kind import collect_journal

from spikecast.core.checksums import check_checksum
from spikecast.core.jsonl_store import JsonlStore
from spikecast.core.schema import read_block
from spikecast.core.stored import read_json
from spikecast.core.stored_arrays import read_arrays
from spikecast.core.stored_tables import read_table
from spikecast.data import event_files
from spikecast.data.array_files import map_array, map_matrix
from spikecast.data.predictions import read_predictions
from spikecast.data.readers import phy, steinmetz, stringer, suite2p, tables, trial_spikes
from spikecast.data.safe_pickle import load_numpy
from spikecast.data.unpack import unpack
from spikecast.evaluation.beyond import Beyond
from spikecast.models import storage
from spikecast.report.many_runs.entries import READERS
from spikecast.report.questions.catalog import make_headlines, make_sections
from spikecast.report.run.verdict import describe_verdict
from spikecast.report.study import text as study_text
from spikecast.report.study.figure_arrays import FIGURE_ARRAYS, FORWARD, read_figure_arrays
from spikecast.report.sweep import text as sweep_text
from spikecast.report.sweep.reading import SweepRun
from spikecast.runs import audit, provenance
from spikecast.runs.atlas.contents import CELLS, POOLED, AtlasManifest, PlannedSession, StoredJob
from spikecast.runs.atlas.settings import AtlasSettings
from spikecast.runs.atlas.tables import read_atlas_table
from spikecast.runs.config import read_config
from spikecast.runs.layout import AtlasLayout, RunLayout, StudyLayout, SweepLayout
from spikecast.runs.manifest import check_data_unchanged, read_activity_hash, read_manifest
from spikecast.runs.reader import Run, Target, open_run, read_answer, read_answers
from spikecast.runs.studies.contents import Begun
from spikecast.runs.studies.preset import Preset
from spikecast.runs.studies.run import read_facts
from spikecast.runs.studies.study_data import read_movement
from spikecast.runs.sweep.contents import TRIALS

Readings = dict[Path, Callable[[], object]]
"""File -> what reads it."""
SLOW = (
    *("config of a run", "scores", "summary", "scores of neurons", "table of trials"),
    *("arrays of a fit", "tables of answers", "answers, as on their page", "cells of an atlas"),
    *("best settings of a sweep", "tries of a sweep", "preset of a study", "folder of tables"),
    *("journal of a sweep", "table of trials (csv, tsv)", "matrices (MATLAB)"),
    *("predictions to score", "checkpoint of a training", "folder of Suite2p", "folder of Phy"),
    *("spikes by trial", "config that is given"),
)
"""Kinds that take more than a millisecond: of these, fewer are tried."""
HDF5 = "recording (HDF5)"
"""It takes a process of its own, half a second: of this kind, fewest are tried."""


@dataclass(frozen=True)
class Samples:
    """A directory of each kind, and the folder of what users bring."""

    run: Path
    answers: Path
    unfinished_run: Path
    atlas: Path
    sweep: Path
    unfinished_sweep: Path
    study: Path
    unfinished_study: Path
    formats: Path


def make_samples(folder: Path) -> Samples:
    """Make all directories that are damaged."""
    for name in ("answers", "sweep", "unfinished_sweep"):
        (folder / name).mkdir()
    data = samples.make_data(folder)
    run = samples.make_run(data, folder / "run")
    return Samples(
        run=run,
        answers=samples.make_answers(folder / "answers"),
        unfinished_run=samples.interrupt_run(run, folder / "unfinished_run"),
        atlas=samples.make_atlas(data, folder / "atlas"),
        sweep=samples.make_sweep(folder / "sweep"),
        unfinished_sweep=samples.interrupt_sweep(folder / "unfinished_sweep"),
        study=samples.make_study(data, run, folder / "study"),
        unfinished_study=samples.interrupt_study(data, run, folder / "unfinished_study"),
        formats=format_samples.write_formats(folder / "formats"),
    )


def collect_kinds(made: Samples) -> dict[str, Readings]:
    """Return kind of file -> its samples and what reads each."""
    run = open_run(made.run)
    layout, target = run.layout, run.targets[0]
    return {
        "manifest of a run": {layout.manifest: lambda: read_run_facts(made.run)},
        "config of a run": {
            one.config: partial(read_config, one.config)
            for one in (layout, RunLayout(made.answers), SweepLayout(made.sweep))
        },
        "verdict": {layout.verdict: lambda: read_verdicts(made.run)},
        "scores": {layout.scores: lambda: Run(made.run).scores},
        "summary": {layout.summary: lambda: Run(made.run).summary},
        "scores of neurons": {layout.neurons: lambda: Run(made.run).neurons},
        "table of trials": {layout.trial_table: lambda: Run(made.run).trials},
        "record of a fit": list_jobs(target),
        "arrays of a fit": list_arrays(target),
        "gain beyond the rungs": {target.layout.beyond: partial(
            read_json, target.layout.beyond, Beyond)},
        "list of answers": {layout.answer_index: lambda: read_answers(made.run)},
        "unfinished run, in the index": list_unfinished(made.unfinished_run),
        **collect_answers([made.run, made.answers]),
        **collect_atlas(made.atlas),
        **collect_sweep(made.sweep, made.unfinished_sweep),
        **collect_study(made.study, made.unfinished_study),
        **collect_formats(made.formats),
        "checkpoint of a training": collect_checkpoint(made.run.parent / "checkpoints"),
    }  # fmt: skip


# ------------------------------------------------------------------------------------ runs


def read_run_facts(folder: Path) -> None:
    """Read a manifest and say all that it says."""
    run = Run(folder)
    [str(notice) for notice in (*run.recording_notices, *run.taken, *run.left_out)]
    assert isinstance(run.failed, dict)
    read_activity_hash(run.manifest)
    check_data_unchanged(folder, run.manifest["data"]["hash"], run.manifest["data"]["hash"])


def read_verdicts(folder: Path) -> None:
    """Read the verdicts and say them."""
    for of_target in Run(folder).verdicts.values():
        describe_verdict(of_target["verdict"])
        [str(notice) for notice in of_target["notices"]]


def list_jobs(target: Target) -> Readings:
    """Return what reads the description of each fit."""
    return {
        target.layout.job(model, fold): partial(target.read_job, model, fold)
        for model in target.models
        for fold in range(target.n_folds)
    }


def list_arrays(target: Target) -> Readings:
    """Return what reads the predictions and the record of each fit."""

    def read(model: str, fold: int) -> None:
        target.read_arrays(model, fold)
        target.read_record(model, fold)

    return {target.layout.arrays(model, 0): partial(read, model, 0) for model in target.models} | {
        target.layout.beyond_fits: target.read_beyond_records
    }


def list_unfinished(folder: Path) -> Readings:
    """Return what the index reads of a run that is not finished."""
    layout = RunLayout(folder)
    return {path: lambda: READERS["run"](folder) for path in (layout.log, layout.manifest)}


def collect_answers(runs: Iterable[Path]) -> dict[str, Readings]:
    """Return what reads the facts of each kind of answer, and the tables and arrays of all."""
    facts: dict[str, Readings] = {}
    columns: Readings = {}
    arrays: Readings = {}
    pages: Readings = {}

    def read_facts(layout: RunLayout, name: str) -> None:
        [str(notice) for notice in read_answer(layout, name).notices]

    def read_matrices(layout: RunLayout, name: str) -> object:
        return read_answer(layout, name).arrays

    def read_page(layout: RunLayout, name: str) -> None:
        answer = read_answer(layout, name)
        make_headlines([answer])
        make_sections([answer])

    for folder in runs:
        layout = RunLayout(folder)
        for answer in read_answers(folder):
            path = layout.answer(answer.name)
            kind = facts.setdefault(f"answer: {answer.kind}", {})
            kind[path] = partial(read_facts, layout, answer.name)
            pages[path] = partial(read_page, layout, answer.name)
            for name in answer["tables"]:
                table = layout.answer_table(answer.name, name)
                columns[table] = partial(answer.table, name)
                pages[table] = partial(read_page, layout, answer.name)
            matrices = layout.answer_arrays(answer.name)
            if matrices.exists():
                arrays[matrices] = partial(read_matrices, layout, answer.name)
    return facts | {
        "tables of answers": columns,
        "arrays of answers": arrays,
        "answers, as on their page": pages,
    }


# ------------------------------------------------------------------------------------ many runs


def collect_atlas(folder: Path) -> dict[str, Readings]:
    """Return what reads each file of an atlas."""
    layout = AtlasLayout(folder)
    pooled = layout.table("pooled")
    return {
        "manifest of an atlas": {layout.manifest: partial(
            read_manifest, folder, AtlasManifest[PlannedSession])},
        "config of an atlas": {layout.settings: partial(
            read_block, layout.settings, AtlasSettings)},
        "journal of an atlas": {layout.jobs: partial(JsonlStore, layout.jobs, StoredJob)},
        "cells of an atlas": {
            layout.cells: partial(read_atlas_table, layout.cells, CELLS),
            pooled: partial(read_atlas_table, pooled, POOLED),
        },
    }  # fmt: skip


def collect_sweep(folder: Path, unfinished: Path) -> dict[str, Readings]:
    """Return what reads each file of a sweep."""
    layout = SweepLayout(folder)

    def read_result() -> None:
        sweep_text.headlines(SweepRun(folder).facts)

    return {
        "results of a sweep": {layout.result: read_result},
        "best settings of a sweep": {layout.best: partial(read_config, layout.best)},
        "tries of a sweep": {layout.trials: partial(read_table, layout.trials, TRIALS)},
        "journal of a sweep": collect_journal(unfinished),
    }


def collect_study(folder: Path, unfinished: Path) -> dict[str, Readings]:
    """Return what reads each file of a study."""
    layout, begun = StudyLayout(folder), StudyLayout(unfinished)
    preset = read_block(layout.preset, Preset)
    protocol = layout.described.protocol

    def read_result() -> None:
        study_text.conclusions(read_facts(folder))

    def read_claims() -> None:
        audit.judge_claims(provenance.read_stored_claims(layout.described.folder))

    arrays: Readings = {}
    for figure in preset.figures:
        path = layout.column(figure.folder).arrays(figure.name)
        arrays[path] = partial(read_figure_arrays, path, FIGURE_ARRAYS[figure.draw])
    forward = layout.column("concluded").arrays("forward")
    arrays[forward] = partial(read_figure_arrays, forward, FORWARD)
    kept = next(begun.parts.rglob("*.npz"))

    def read_kept() -> None:  # as StepCache reads a step, which it computes where there is none
        check_checksum(kept)
        read_arrays(kept)

    return {
        "results of a study": {layout.result: read_result},
        "preset of a study": {layout.preset: partial(read_block, layout.preset, Preset)},
        "arrays of a study": arrays,
        "claims of a study": {protocol: read_claims},
        "unfinished study": {begun.begun: partial(read_json, begun.begun, Begun), kept: read_kept},
    }


# ------------------------------------------------------------------------------------ formats


def collect_formats(folder: Path) -> dict[str, Readings]:
    """Return what reads each file that users bring, and saved weights."""
    arrays, pickles, given = (folder / name for name in ("arrays", "pickles", "tables"))
    predictions, weights = folder / "predictions", folder / "weights"
    movement, mine = arrays / "movement.npz", folder / "matlab" / "mine.mat"
    session = {
        pickles / "steinmetz.npz": steinmetz.open_sessions,
        pickles / "stringer.npy": stringer.open_sessions,
    }
    configs = folder / "configs"
    return {
        "config that is given": list_readings(
            [configs / f"{name}.yaml" for name in format_samples.CONFIGS], read_config
        ),
        "config of an atlas that is given": list_readings(
            [configs / "atlas.yaml"], partial(read_block, block=AtlasSettings)
        ),
        ".npy": {
            arrays / "matrix.npy": partial(map_matrix, arrays / "matrix.npy"),
            arrays / "times.npy": partial(map_array, arrays / "times.npy", length=12),
            arrays / "clusters.npy": partial(map_array, arrays / "clusters.npy", "iu"),
        },
        ".npz of movement": {movement: partial(read_movement, str(movement), 0, 12)},
        "pickle": list_readings(sorted(pickles.iterdir()), load_numpy),
        "pickle of a recording": {
            path: lambda path=path, read=read: read(path)[0]() for path, read in session.items()
        },
        "table of trials (csv, tsv)": list_readings(
            [given / "trials.csv", given / "trials.tsv"], event_files.read_trials
        ),
        "table of trials (Parquet)": list_readings(
            [given / "trials.parquet"], event_files.read_trials
        ),
        "times of events": list_readings(
            [given / f"onsets.{suffix}" for suffix in ("npy", "csv", "txt")], read_events
        ),
        "times of events (MATLAB)": {given / "onsets.mat": partial(
            event_files.read_event_times, f"{given / 'onsets.mat'}:onsets")},
        "matrices (MATLAB)": {mine: partial(format_samples.load_matrices, mine)},
        "predictions to score": list_readings(sorted(predictions.iterdir()), read_brought),
        "weights": list_models(weights, ".safetensors"),
        "JSON of weights": list_models(weights, ".json"),
        "folder of Phy": list_folder(folder / "phy", phy.read_folder),
        "folder of Suite2p": list_folder(folder / "suite2p", suite2p.read_folder),
        "folder of tables": list_folder(given / "spikes", tables.read_tables),
        "spikes by trial": list_folder(folder / "trial_spikes", trial_spikes.read_trial_spikes),
        HDF5: list_readings(sorted((folder / "hdf5").iterdir()), format_samples.load_cut),
        "archive": list_readings(
            [folder / "archives" / name for name in ("data.zip", "one.tar.gz")], unpack_copy
        ),
    }  # fmt: skip


def list_readings(paths: Iterable[Path], read: Callable[[Path], Any]) -> Readings:
    """Return what reads each of some files."""
    return {path: partial(read, path) for path in paths}


def list_folder(folder: Path, read: Callable[[Path], Any]) -> Readings:
    """Return what reads the folder of each of its files."""
    return {path: partial(read, folder) for path in sorted(folder.iterdir())}


def list_models(folder: Path, suffix: str) -> Readings:
    """Return what loads the model of each of some files."""
    paths = sorted(folder.glob(f"*{suffix}"))
    return {path: partial(storage.load, path.with_suffix("")) for path in paths}


def read_events(path: Path) -> object:
    """Return the times in a file, which is named in a text."""
    return event_files.read_event_times(str(path))


def read_brought(path: Path) -> None:
    """Read predictions and make the recording that they are scored on."""
    read_predictions(path).make_recording()


def unpack_copy(path: Path) -> None:
    """Unpack a copy of an archive: the archive itself would be removed."""
    with TemporaryDirectory(dir=path.parent.parent) as folder:
        copy = Path(folder, path.name)
        if path.is_file():
            copy.write_bytes(path.read_bytes())
        unpack(copy, Path(folder, "unpacked"))
