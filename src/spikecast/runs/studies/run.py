"""A study's name -> a directory with its three columns.

=====================================  ===========================================================
``preset.yaml``                        the study as it was run, ``--quick`` included
``data.nc``                            the recording it was run on
``described/``                         the protocol as described: ``protocol.json`` (how each number
                                       came about), ``values.json``, tables, what figures draw
``sound/NAME/``                        ordinary runs, each with its own report
``concluded/``                         what the sound protocol adds to them: the like
``begun.json``, ``parts/``             only until it is finished: what was begun, and what is
                                       computed so far
``study.json``                         where the data are from, the columns, sentences; last
=====================================  ===========================================================
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from spikecast.core.errors import RunError
from spikecast.core.files import LOCK, lock_folder, write_atomically, write_json, write_text
from spikecast.data import load
from spikecast.data.identity import identify
from spikecast.parallel.threads import limit_threads
from spikecast.runs import config as configs
from spikecast.runs import experiment
from spikecast.runs import provenance as protocol
from spikecast.runs.audit import judge
from spikecast.runs.experiment import Progress
from spikecast.runs.layout import RunLayout, ShownLayout, StudyLayout
from spikecast.runs.provenance import Claim
from spikecast.runs.run_directory import check_data_unchanged, empty
from spikecast.runs.studies import preset as presets
from spikecast.runs.studies.catalog import STUDIES
from spikecast.runs.studies.preset import Preset
from spikecast.runs.studies.step_cache import Arrays, Parts, save
from spikecast.runs.studies.study import Described, Prepared, Value
from spikecast.runs.studies.study_data import find


def execute(
    name: str,
    out: str | Path,
    *,
    data: str | None = None,
    session: int | None = None,
    quick: bool = False,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Run a study: as described, then sound.

    Parameters
    ----------
    name : str
        Of :data:`spikecast.runs.studies.catalog.STUDIES`.
    out : str or Path
        The directory.
    data, session
        See :func:`spikecast.runs.studies.study_data.find`.
    quick : bool
        Smaller simulation, fewer iterations and permutations.
    seed : int
    resume : bool
        Go on with an interrupted study of the same name, settings and data: what was computed is
        kept, and the numbers are those of a study that was never interrupted.
    overwrite : bool
        Replace a study that is there.
    workers : int, optional
        Processes of the sound runs.
    progress : callable, optional

    Returns
    -------
    Path
        The directory.

    Raises
    ------
    RunError
        When `out` holds something else, or a finished study, or (with `resume`) one that was begun
        otherwise.
    """
    preset, study, out = presets.read(name), STUDIES[name], Path(out)
    if quick:
        preset = presets.quickened(preset)
    progress(f"{name}: finding the data", 0, 0)
    found = find(preset, data, session, seed=seed)
    prepared = study.prepare(found.recording, preset.settings)
    wanted = {key: _config(content, prepared, out, seed) for key, content in preset.sound.items()}
    begun = {
        "study": name,
        "quick": quick,
        "seed": seed,
        "data": identify(prepared.recording),
        "preset": preset.model_dump(mode="json"),
    }
    layout = StudyLayout(out)
    replaced = _may_write(out, begun, resume=resume, overwrite=overwrite)

    with lock_folder(out):
        if replaced:
            empty(out)
        write_json(StudyLayout(out).begun, begun)
        if not layout.data.exists():
            prepared.recording.save(StudyLayout(out).data)

        def parts(column: str) -> Parts:
            return Parts(layout.parts / column, lambda part: progress(f"{column}: {part}", 0, 0))

        with limit_threads():
            described = study.describe(prepared, preset.settings, seed, parts("as described"))
        preset = presets.worded(preset, dict(prepared.names))
        described = _named(described, preset)
        _write(described, layout.described)
        write_text(layout.preset, yaml.safe_dump(preset.model_dump(), sort_keys=False))
        facts = {
            "study": name,
            "command": " ".join(["spikecast", *sys.argv[1:]]),
            "quick": quick,
            "seed": seed,
            "origin": found.origin,
            "sentence": found.sentence,
            "session": found.recording.session,
            "notes": list(prepared.notes),
            "runs": list(wanted),
        }
        names = prepared.names
        del found, prepared  # the sound runs read the file; a large recording is not held twice
        _run(wanted, layout.sound, workers, progress)
        again = Prepared(load(StudyLayout(out).data), names)
        with limit_threads():
            concluded = study.conclude(layout.sound, described, again, parts("sound"))
        if concluded.claims:
            protocol.write(concluded.claims, layout.concluded.folder)
        _write_shown(concluded.tables, concluded.arrays, layout.concluded)
        mark = "Simulated data. " if facts["origin"] == "simulated" else ""
        facts["sentences"] = [mark + said for said in concluded.sentences]
        facts["columns"] = _columns(preset, bool(mark), described, concluded.values)
        write_json(layout.result, facts)
        shutil.rmtree(layout.parts, ignore_errors=True)
        StudyLayout(out).begun.unlink()
    return out


def _may_write(out: Path, begun: dict[str, Any], *, resume: bool, overwrite: bool) -> bool:
    """Refuse a directory that is not ours to write; say whether a study in it is replaced."""
    there = out.exists() and any(path.name != LOCK for path in out.iterdir())
    ours, finished = StudyLayout(out).begun.exists(), StudyLayout(out).result.exists()
    if there and not (ours or finished):
        raise RunError(f"'{out}' is not empty and holds no study; name another folder with --out")
    if overwrite or not there:
        if resume:
            raise RunError(
                f"there is no study in '{out}' to resume"
                if not there
                else "--resume goes on with a study, --overwrite begins anew: leave out one"
            )
        return there
    if finished:
        raise RunError(f"'{out}' holds a finished study; use --overwrite to replace it, or --out")
    if not resume:
        raise RunError(
            f"'{out}' holds an unfinished study; use --resume to go on with it, --overwrite to "
            "replace it, or another --out"
        )
    before = json.loads(StudyLayout(out).begun.read_text(encoding="utf-8"))
    other = [key for key, value in begun.items() if key != "data" and before.get(key) != value]
    if other:
        raise RunError(
            f"'{out}' was begun with another {', '.join(other)}; give the same options again, or "
            "--overwrite"
        )
    check_data_unchanged(out, before["data"], begun["data"])
    return False


def _run(
    wanted: dict[str, configs.Config], folder: Path, workers: int | None, progress: Progress
) -> None:
    """The sound runs; one that was begun goes on."""
    for key, config in wanted.items():
        run = folder / key

        def told(what: str, done: int, total: int, key: str = key) -> None:
            progress(f"sound, {key}: {what}", done, total)

        begun = RunLayout(run).manifest.exists()
        experiment.execute(config, run, resume=begun, workers=workers, progress=told)


def _config(content: dict[str, Any], prepared: Prepared, out: Path, seed: int) -> configs.Config:
    settled = presets.filled(content, dict(prepared.names))
    given = {"data": {"path": str(StudyLayout(out).data)}, "seed": seed}
    return configs.parse(presets.merged(given, settled))


def _named(described: Described, preset: Preset) -> Described:
    """The claims under the names that readers see."""
    names = {row.key: row.quantity for row in preset.rows}
    claims = {
        key: claim.model_copy(update={"name": names.get(key, claim.name)})
        for key, claim in described.claims.items()
    }
    return Described(described.values, claims, described.tables, described.arrays)


def _write(described: Described, files: ShownLayout) -> None:
    protocol.write(list(described.claims.values()), files.folder)
    _write_shown(described.tables, described.arrays, files)
    values = {key: {"text": v.text, "number": _finite(v)} for key, v in described.values.items()}
    write_json(files.values, values)


def _write_shown(
    tables: dict[str, pd.DataFrame], figures: dict[str, Arrays], files: ShownLayout
) -> None:
    for name, table in tables.items():
        with write_atomically(files.table(name)) as temporary:
            table.to_csv(temporary, index=False)
    for name, arrays in figures.items():
        save(files.arrays(name), arrays)


def _columns(
    preset: Preset, simulated: bool, described: Described, sound: dict[str, Value]
) -> list[dict[str, Any]]:
    """The three columns, with the flaws of each number; simulated ones carry the word."""
    mark = " (simulated)" if simulated else ""

    def cell(values: dict[str, Value], key: str) -> str:
        return values[key].text + mark if key in values else "–"

    def flaws(claim: Claim | None) -> list[str]:
        return [] if claim is None else [hazard.rule for hazard in judge([claim])]

    return [
        {
            "key": row.key,
            "quantity": row.quantity,
            "reported": row.reported,
            "described": cell(described.values, row.key),
            "described_number": _finite(described.values.get(row.key)),
            "flaws": flaws(described.claims.get(row.key)),
            "sound": cell(sound, row.key),
            "sound_number": _finite(sound.get(row.key)),
            "because": row.because,
        }
        for row in preset.rows
        # what these data do not have is in neither column
        if row.key in described.values or row.key in sound
    ]


def _finite(value: Value | None) -> float | None:
    return float(value.number) if value is not None and np.isfinite(value.number) else None


def read(folder: str | Path) -> dict[str, Any]:
    """Return what ``study.json`` says.

    Raises
    ------
    RunError
        When the directory holds no finished study.
    """
    try:
        return json.loads(StudyLayout(Path(folder)).result.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"'{folder}' holds no finished study: it has no study.json") from None
