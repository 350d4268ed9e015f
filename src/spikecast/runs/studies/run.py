"""Make the directory of a study: both of our columns, beside what was reported.

Steps are kept under ``parts/`` until the study is finished; ``study.json`` is written last.
"""

import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from spikecast.core.errors import RunError
from spikecast.core.files import (
    LOCK,
    check_path,
    is_temporary,
    lock_folder,
    write_atomically,
    write_json,
    write_text,
)
from spikecast.core.notices import Notice
from spikecast.core.stored import read_json
from spikecast.data import load
from spikecast.data.identity import identify
from spikecast.data.recording import Recording
from spikecast.parallel.executors import Progress
from spikecast.parallel.threads import limit_threads
from spikecast.runs import config as configs
from spikecast.runs import experiment, provenance
from spikecast.runs.audit import judge_claims
from spikecast.runs.layout import ColumnLayout, StudyLayout
from spikecast.runs.manifest import (
    check_data_unchanged,
    check_same_version,
    check_study_finished,
    spell_command,
)
from spikecast.runs.run_directory import check_replaceable, empty_folder, is_being_emptied
from spikecast.runs.studies.catalog import find_study
from spikecast.runs.studies.contents import Begun, StudyFacts
from spikecast.runs.studies.preset import (
    Preset,
    fill_names,
    fill_rows,
    make_quick,
    merge,
    read_preset,
)
from spikecast.runs.studies.staircase import join_staircases
from spikecast.runs.studies.step_cache import StepCache, save_arrays
from spikecast.runs.studies.study import Column, Prepared, StudyInputs
from spikecast.runs.studies.study_data import NONE_GIVEN, StudyData, find_origin, find_recording


def run_study(
    name: str,
    out: str | Path,
    *,
    data: StudyData = NONE_GIVEN,
    quick: bool = False,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Run a study, as described and then sound, and return its directory `out`.

    Parameters
    ----------
    data : StudyData
        Other data than the study's; see :func:`spikecast.runs.studies.study_data.find_recording`.
    quick : bool
        Smaller simulation, fewer iterations and permutations.
    resume : bool
        Go on with an interrupted study of the same name, settings and data: the steps that were
        computed are used, and the numbers are those of a study that was never interrupted. Of a
        finished one nothing is left to do.
    workers : int, optional
        Processes of the sound runs, and of steps that do not need each other.

    Raises
    ------
    RunError
        When `out` holds something else, or a study that is not to be resumed, or one that was
        begun otherwise.
    """
    out, layout = Path(out), StudyLayout(Path(out))
    check_path(out)
    if resume and overwrite:
        raise RunError("a study is either resumed or overwritten, not both")
    preset, study = read_preset(name), find_study(name)
    preset = make_quick(preset) if quick else preset
    progress(f"{name}: finding the data", 0, 0)
    recording = find_recording(preset, data, seed=seed)
    prepared = study.prepare(recording, preset.settings)
    names = prepared.names
    sound = _make_sound_configs(preset, names, layout, seed)
    begun = _describe_begun(prepared.recording, preset, name, quick, seed)
    replaces = _check_folder(layout, begun, resume=resume, overwrite=overwrite)
    if resume and not replaces and _is_finished(layout):
        return out

    def make_inputs(recording: Recording, names: Mapping[str, Any], column: str) -> StudyInputs:
        folder = layout.parts / column
        steps = StepCache(folder, lambda step: progress(f"{column}: {step}", 0, 0), workers)
        return StudyInputs(recording, names, preset.settings, seed, steps, preset.called)

    with lock_folder(out):
        if replaces:
            empty_folder(out)
        elif layout.begun.exists():
            begun["command"] = read_json(layout.begun, Begun).get("command", begun["command"])
        write_json(layout.begun, begun)
        prepared.recording.save(layout.data)  # also where one is: it may be damaged since
        inputs = make_inputs(prepared.recording, names, "as described")
        described = _make_column(study.describe, inputs)
        preset = fill_rows(preset, names)
        write_text(layout.preset, yaml.safe_dump(preset.model_dump(), sort_keys=False))
        _write_column(described, preset, layout.described)
        facts = {key: begun[key] for key in ("study", "quick", "seed", "command")}
        facts |= _describe_data(recording, prepared, preset) | {"runs": list(sound)}
        # the sound runs read the file; a large recording is not held twice
        del recording, prepared, inputs
        _run_sound(sound, layout, workers, progress)
        inputs = make_inputs(load(layout.data), names, "sound")
        concluded = _make_column(study.conclude, inputs, layout.sound, described)
        _write_column(concluded, preset, layout.concluded)
        facts |= {
            "conclusions": _to_json(concluded.conclusions),
            "columns": _join_columns(preset, described, concluded),
            "staircases": join_staircases(preset, [described, concluded]),
        }
        write_json(layout.result, facts)
        shutil.rmtree(layout.parts, ignore_errors=True)
        layout.begun.unlink()
    return out


def _make_column(make: Callable[..., Column], inputs: StudyInputs, *more: Any) -> Column:
    """Return a column of a study; say where kept steps do not fit the data or each other."""
    with limit_threads(), inputs.steps.explain_misfits():
        return make(inputs, *more)


def read_facts(folder: str | Path) -> dict[str, Any]:
    """Return the content of ``study.json``; RunError where no study is finished."""
    check_study_finished(StudyLayout(Path(folder)))
    path = StudyLayout(Path(folder)).result
    if not path.exists():
        raise RunError(f"'{folder}' holds no finished study: it has no {path.name}")
    return read_json(path, StudyFacts)


def _describe_begun(
    recording: Recording, preset: Preset, name: str, quick: bool, seed: int
) -> dict[str, Any]:
    """Return the content of ``begun.json``."""
    return {
        "study": name,
        "quick": quick,
        "seed": seed,
        "data": identify(recording),
        "preset": preset.model_dump(mode="json"),
        "version": version("spikecast"),
        "command": spell_command(),
    }


def _check_folder(
    layout: StudyLayout, begun: dict[str, Any], *, resume: bool, overwrite: bool
) -> bool:
    """Refuse a directory that must not be written; return whether a study in it is replaced."""
    out = layout.folder
    finished = _is_finished(layout)
    occupied = out.exists() and any(
        path.name != LOCK and not is_temporary(path) for path in out.iterdir()
    )
    if occupied and not (finished or layout.begun.exists() or is_being_emptied(out)):
        raise RunError(f"'{out}' is not empty and holds no study; name another folder")
    if is_being_emptied(out):
        check_replaceable(out)
        return True
    if overwrite or not occupied:
        if resume:
            raise RunError(f"there is no study in '{out}' to resume")
        if occupied:
            check_replaceable(out)
        return occupied
    if not resume:
        state = "a finished" if finished else "an unfinished"
        raise RunError(
            f"'{out}' holds {state} study; resume it, overwrite it, or name another folder"
        )
    before: Mapping[str, Any]
    if finished:
        before = read_json(layout.result, StudyFacts) | {"data": identify(load(layout.data))}
    else:
        before = read_json(layout.begun, Begun)
        check_same_version(out, before.get("version"))
    settings = [key for key in ("study", "quick", "seed", "preset") if key in before]
    if changed := [key for key in settings if before[key] != begun[key]]:
        raise RunError(
            f"'{out}' was begun with another {', '.join(changed)}; give the same options again, or "
            "overwrite it"
        )
    check_data_unchanged(out, before["data"], begun["data"])
    return False


def _is_finished(layout: StudyLayout) -> bool:
    return layout.result.exists() and not layout.begun.exists()  # which is removed last


def _make_sound_configs(
    preset: Preset, names: Mapping[str, Any], layout: StudyLayout, seed: int
) -> dict[str, configs.Config]:
    """Return the configs of the sound runs by name."""
    common = {"data": {"path": str(layout.data)}, "seed": seed}
    return {
        key: configs.parse_config(merge(common, fill_names(content, names)))
        for key, content in preset.sound.items()
    }


def _run_sound(
    sound: dict[str, configs.Config], layout: StudyLayout, workers: int | None, progress: Progress
) -> None:
    """Run the sound configs; one that was begun goes on."""
    for key, config in sound.items():

        def report(what: str, done: int, total: int, key: str = key) -> None:
            progress(f"sound, {key}: {what}", done, total)

        run = layout.sound_run(key)
        begun = run.manifest.exists()
        experiment.run(config, run.folder, resume=begun, workers=workers, progress=report)


def _describe_data(recording: Recording, prepared: Prepared, preset: Preset) -> dict[str, Any]:
    """Return where the recording is from, its shape, and what it lacks."""
    n_trials, n_bins, n_neurons = recording.shape
    return {
        "origin": find_origin(recording, preset),
        "session": recording.session,
        "n_trials": n_trials,
        "n_bins": n_bins,
        "n_neurons": n_neurons,
        "notices": _to_json(prepared.notices),
    }


def _to_json(notices: tuple[Notice, ...] | list[Notice]) -> list[dict[str, Any]]:
    return [notice.to_json() for notice in notices]


def _write_column(column: Column, preset: Preset, files: ColumnLayout) -> None:
    """Write claims, measures, tables and arrays; claims get the names that readers see."""
    titles = {row.key: row.quantity for row in preset.rows}
    if claims := [
        claim.model_copy(update={"name": titles.get(key, claim.name)})
        for key, claim in column.claims.items()
    ]:
        provenance.write_claims(claims, files.folder)
    for name, table in column.tables.items():
        with write_atomically(files.table(name)) as temporary:
            table.to_csv(temporary, index=False)
    for name, arrays in column.arrays.items():
        save_arrays(files.arrays(name), arrays)
    write_json(files.values, {key: _list_measures(column, key) for key in column.measures})


def _join_columns(preset: Preset, described: Column, sound: Column) -> list[dict[str, Any]]:
    """Return the rows of the table, with the flaws of each number as described."""
    hazards = {key: judge_claims([claim]).hazards for key, claim in described.claims.items()}
    return [
        {
            "key": row.key,
            "quantity": row.quantity,
            "reported": [line.model_dump() for line in row.reported],
            "described": _list_measures(described, row.key),
            "no_described": _explain_lack(described, row.key, row.no_described),
            "flaws": [hazard.rule for hazard in hazards.get(row.key, [])],
            "sound": _list_measures(sound, row.key),
            "no_sound": _explain_lack(sound, row.key, row.no_sound),
            "because": _to_json(
                [*described.because.get(row.key, []), *sound.because.get(row.key, [])]
            ),
            "mechanism": row.mechanism,
            "unlike_units": row.unlike_units,
        }
        for row in preset.rows
        # a row that these data have in neither column is left out
        if any(
            row.key in part
            for column in (described, sound)
            for part in (column.measures, column.lacks)
        )
    ]


def _explain_lack(column: Column, key: str, written: str) -> str:
    """Return why a cell is empty, "" where it is not."""
    if key in column.measures:
        return ""
    return str(column.lacks[key]) if key in column.lacks else written


def _list_measures(column: Column, key: str) -> list[dict[str, Any]]:
    """Return the measures of a cell as ``study.json`` has them."""
    return [measure.to_json() for measure in column.measures.get(key, [])]
