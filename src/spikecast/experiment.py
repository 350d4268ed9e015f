"""A config -> a run directory, written stage by stage so that a killed run can go on."""

import json
import logging
import platform
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import Executor, as_completed
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from spikecast import config as configs
from spikecast import quality
from spikecast.config import Config
from spikecast.data import load
from spikecast.engine import available_cores, executor
from spikecast.errors import RunError
from spikecast.evaluation import make_folds
from spikecast.evaluation.jobs import Job, describe, run
from spikecast.evaluation.scores import Scores, conditions, score
from spikecast.evaluation.verdict import verdict
from spikecast.files import atomic, write_json, write_text
from spikecast.models import storage
from spikecast.nn.checkpoint import checkpoints
from spikecast.recording import Recording
from spikecast.run_directory import Part, data_hash, excerpt, read_manifest, recorded, save_dataset
from spikecast.tasks import Problem

log = logging.getLogger("spikecast")

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, jobs done, jobs in all)."""

PACKAGES = (
    "spikecast",
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "scikit-learn",
    "torch",
    "matplotlib",
)
BEFORE_MANIFEST = {"log.txt", "config.yaml", "excerpt.nc", "targets"}


def execute(
    config: Config,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Run an experiment.

    Everything is checked before the first file is written.

    Parameters
    ----------
    config : Config
    out : str or Path
        The run directory.
    resume : bool
        Go on with an interrupted run of the same config and data.
    overwrite : bool
        Replace a run that is there.
    workers : int, optional
        Processes; does not change any number.
    progress : callable, optional
        Told what is being done, and how many jobs of how many are done.

    Returns
    -------
    Path
        The run directory.

    Raises
    ------
    RunError
        When `out` holds something else, or a finished run, or (with `resume`) another config.
    """
    out = Path(out)
    progress("reading the data", 0, 0)
    recording = load(config.data.path, config.data.session)
    if config.data.time is not None:
        recording = recording.select(time=config.data.time)
    models = config.build_models()
    parts = [_part(task.problem(recording), config, out) for task in config.tasks(recording)]
    fingerprint = data_hash(recording)
    _claim(out, config, fingerprint, resume=resume, overwrite=overwrite)

    handler = _log_to(out / "log.txt")
    try:
        _prepare(out, config, recording, parts, fingerprint)
        _fit(parts, models, config.seed, workers, progress)
        progress("scoring", 0, 0)
        _score(out, parts, list(models), recording.session, config)
        manifest = read_manifest(out)
        manifest["finished"] = _now()
        write_json(out / "manifest.json", manifest)
        log.info("finished")
    except KeyboardInterrupt:
        log.info("interrupted")
        raise
    except Exception:
        log.exception("failed")
        raise
    finally:
        log.removeHandler(handler)
        handler.close()
    return out


# ------------------------------------------------------------------------------------ stages


def _part(problem: Problem, config: Config, out: Path) -> Part:
    evaluation = config.evaluation
    folds = make_folds(
        problem,
        evaluation.folds,
        split=evaluation.split,
        strata=evaluation.strata,
        gap=evaluation.gap,
        seed=config.seed,
    )
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in problem.target)
    condition = conditions(problem.trials, evaluation.conditions)
    return Part(problem, folds, condition, out / "targets" / name)


def _claim(out: Path, config: Config, fingerprint: str, *, resume: bool, overwrite: bool) -> None:
    """Make sure that the run directory is ours to write."""
    if out.exists() and not out.is_dir():
        raise RunError(f"'{out}' is a file; --out must name a folder")
    begun = {path.name for path in out.iterdir()} if out.exists() else set()
    if begun and begun <= BEFORE_MANIFEST:  # interrupted while it was being set up
        shutil.rmtree(out)
        begun = set()
    if not begun:
        if resume:
            raise RunError(f"there is no run in '{out}' to resume")
        return
    manifest = read_manifest(out)  # refuses a folder that is not a run
    if overwrite:
        shutil.rmtree(out)
        return
    if not resume:
        state = "a finished" if manifest.get("finished") else "an unfinished"
        raise RunError(
            f"'{out}' holds {state} run; use --resume to go on with it, --overwrite to replace "
            "it, or another --out"
        )
    if configs.write(configs.read(out / "config.yaml")) != configs.write(config):
        raise RunError(f"'{out}' was made with another config; see {out / 'config.yaml'}")
    if manifest["data"]["hash"] != fingerprint:
        raise RunError(f"the data have changed since '{out}' was begun; start another run")


def _prepare(
    out: Path, config: Config, recording: Recording, parts: list[Part], fingerprint: str
) -> None:
    if (out / "manifest.json").exists():
        log.info("resumed")
        return
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "config.yaml", configs.write(config))
    save_dataset(excerpt(recording), out / "excerpt.nc")
    for part in parts:
        save_dataset(recorded(part), part.folder / "problem.nc")
    write_json(
        out / "manifest.json",
        {
            "started": _now(),
            "finished": None,
            "command": " ".join(["spikecast", *sys.argv[1:]]),
            "seed": config.seed,
            "data": {
                "hash": fingerprint,
                "session": recording.session,
                "areas": recording.areas,
                "n_trials": recording.n_trials,
                "n_bins": recording.n_bins,
                "n_neurons": recording.n_neurons,
                "bin_size": recording.bin_size,
                "kind": recording.kind,
                "behavior": recording.behavior,
                "attributes": {key: str(value) for key, value in recording.dataset.attrs.items()},
                "findings": [finding.message for finding in quality.findings(recording)],
            },
            "targets": [part.problem.target for part in parts],
            "folders": [part.folder.name for part in parts],
            "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
            "machine": {
                "system": platform.system(),
                "processor": platform.machine(),
                "cores": available_cores(),
                "cuda": torch.cuda.is_available(),
            },
        },
    )
    log.info("started: %s", recording)


def _fit(
    parts: list[Part], models: dict, seed: int, workers: int | None, progress: Progress
) -> None:
    todo = [
        (part, Job(name, model, index, fold, seed))
        for part in parts
        for name, model in models.items()
        for index, fold in enumerate(part.folds)
    ]
    missing = [
        (part, job)
        for part, job in todo
        if not part.job_file(job.name, job.index).with_suffix(".json").exists()
    ]
    done = len(todo) - len(missing)
    progress("fitting", done, len(todo))
    with executor(len(missing), workers) as pool:
        for part, job, seconds in _done(missing, pool):
            done += 1
            what = f"{part.problem.target}: {job.name}, fold {job.index}"
            log.info("%s fitted in %.2f s", what, seconds)
            progress(what, done, len(todo))


def _done(missing: list[tuple[Part, Job]], pool: Executor | None):  # type: ignore[no-untyped-def]
    if pool is None:
        for part, job in missing:
            yield part, job, _do(job, part)
        return
    futures = {pool.submit(_do, job, part): (part, job) for part, job in missing}
    for future in as_completed(futures):
        yield *futures[future], future.result()


def _do(job: Job, part: Part) -> float:
    """Do one job and write its files, the description last; return its seconds."""
    stem = part.job_file(job.name, job.index)
    with checkpoints(stem.with_name(stem.name + ".checkpoints")):
        result = run(job, part.problem.x, part.problem.y)
    storage.save(result.model, part.weights_file(job.name, job.index))
    arrays: dict[str, Any] = {"prediction": result.prediction, "test": job.fold.test}
    if result.latents is not None:
        arrays["latents"] = result.latents.astype(np.float16)
    with atomic(stem.with_suffix(".npz")) as temporary:
        np.savez_compressed(temporary, **arrays)
    described = {"fit_seconds": result.seconds, **describe(result.model)}
    write_json(stem.with_suffix(".json"), json.loads(json.dumps(described, default=str)))
    return result.seconds


def _score(out: Path, parts: list[Part], models: list[str], session: str, config: Config) -> None:
    tables, summaries, neurons, said = [], [], [], {}
    for part in parts:
        scores = read_scores(part, models, session, config)
        target = part.problem.target
        tables.append(scores.table)
        neurons.append(scores.neurons)
        summaries.append(scores.summary().assign(target=target, source=part.problem.source))
        said[target] = {
            "verdict": verdict(scores),
            "warnings": [*part.problem.notes, *scores.warnings],
            "differences": _differences(scores),
        }
    for name, frames in (("scores", tables), ("summary", summaries), ("neurons", neurons)):
        with atomic(out / f"{name}.csv") as temporary:
            pd.concat(frames, ignore_index=True).to_csv(temporary, index=False)
    write_json(out / "verdict.json", said)


def read_scores(part: Part, models: list[str], session: str, config: Config) -> Scores:
    """Score the predictions that lie in the run directory."""
    predictions, seconds = {}, {}
    for model in models:
        files = [part.job_file(model, index) for index in range(len(part.folds))]
        predictions[model] = [np.load(file.with_suffix(".npz"))["prediction"] for file in files]
        seconds[model] = [
            json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["fit_seconds"]
            for file in files
        ]
    return score(
        part.problem,
        part.folds,
        predictions,
        seconds,
        session=session,
        condition=part.condition,
        n_resamples=config.evaluation.bootstrap,
        seed=config.seed,
    )


def _differences(scores: Scores) -> list[dict[str, Any]]:
    """Paired difference of every model to the best one."""
    summary = scores.summary()
    leader = str(summary["model"].iloc[0])
    found = []
    for name in summary["model"].iloc[1:]:
        difference = scores.interval(leader, minus=str(name))
        found.append(
            {
                "model": leader,
                "minus": str(name),
                "value": difference.value,
                "low": difference.low,
                "high": difference.high,
            }
        )
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _log_to(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    return handler
