"""A config -> a run directory, written stage by stage so that a killed run can go on."""

import json
import logging
import shutil
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikecast.core.errors import RunError, SpikecastError, UnsavedModelError
from spikecast.core.files import lock_folder, read_json, write_atomically, write_json, write_text
from spikecast.data import load
from spikecast.data.identity import identify
from spikecast.data.recording import Recording
from spikecast.evaluation.cross_validation import make_folds
from spikecast.evaluation.fit import Job, JobResult, run_job
from spikecast.evaluation.score_table import Scores, conditions, score
from spikecast.evaluation.verdict import verdict
from spikecast.models import storage
from spikecast.models.base import Model
from spikecast.models.networks.checkpoint import keep_checkpoints
from spikecast.parallel import executors as engines
from spikecast.parallel.executors import Progress
from spikecast.parallel.memory import release_memory
from spikecast.parallel.shared_data import SharedValue, share_value
from spikecast.runs import config as configs
from spikecast.runs.config import Config
from spikecast.runs.layout import RunLayout
from spikecast.runs.questions.catalog import Analysis, expand_questions
from spikecast.runs.questions.material import FittedModel
from spikecast.runs.questions.question import Question
from spikecast.runs.questions.store import answer_questions
from spikecast.runs.run_directory import (
    Identity,
    TargetRun,
    check_data_unchanged,
    claimed,
    excerpt,
    finish,
    logged,
    manifest,
    read_manifest,
    recorded,
    save_dataset,
)
from spikecast.tasks.tasks import Problem

log = logging.getLogger("spikecast")


def execute(
    config: Config,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    engine: str = "local",
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Run an experiment.

    Everything is checked before the first file is written. A model that cannot be fitted is left
    out of its target's table; the manifest says why under ``failed``.

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
    engine : str
        Who fits; see :func:`spikecast.parallel.executors.open_executor`.
    progress : callable, optional
        Told what is being done, and how many jobs of how many are done.

    Returns
    -------
    Path
        The run directory.

    Raises
    ------
    RunError
        When `out` holds something else, or a finished run, or (with `resume`) another config; when
        no model of a target could be fitted.
    """
    out = Path(out)
    engines.check_engine(engine)
    progress("reading the data", 0, 0)
    recording, parts, questions = _opened(config, out)
    models = config.build_models()
    fingerprint = identify(recording)
    written, layout = configs.write(config), RunLayout(out)
    with (
        claimed(layout.config, written, fingerprint, resume=resume, overwrite=overwrite),
        logged(layout.log),
    ):
        _prepare(out, config, recording, parts, fingerprint)
        failed = _fit(parts, models, config.seed, workers, engine, progress)
        progress("scoring", 0, 0)
        _score(out, parts, list(models), failed, recording.session, config)
        try:
            answer_questions(questions, layout, fingerprint, progress)
        except SpikecastError as error:
            if not parts:
                shutil.rmtree(out)  # a few seconds of work, and a folder that answers nothing
                raise
            raise RunError(
                f"{error} (what was fitted is kept in '{out}': correct its {layout.config.name}, "
                f"then spikecast run {layout.config} --out {out} --resume)"
            ) from error
        finish(out, failed={target: why for target, why in failed.items() if why})
        log.info("finished")
    return out


def ask(
    out: str | Path, analysis: Analysis, *, progress: Progress = lambda what, done, total: None
) -> Path:
    """Answer further questions about a finished run and add them to it.

    Its config then asks them too, so that it still says all there is.

    Parameters
    ----------
    out : str or Path
        The run directory.
    analysis : Analysis
        What to ask; where the run asks the same with other settings, these stand.
    progress : callable, optional

    Returns
    -------
    Path
        The run directory.

    Raises
    ------
    RunError
        When the run is not finished, or its data have changed.
    """
    out = Path(out)
    layout, begun = RunLayout(out), read_manifest(out)
    if not begun.get("finished"):
        raise RunError(f"the run in '{out}' is not finished; go on with --resume")
    config = configs.read(layout.config)
    config = config.model_copy(update={"analysis": config.analysis.merge(analysis)})
    progress("reading the data", 0, 0)
    recording, _, questions = _opened(config, out)
    fingerprint = begun["data"]["hash"]
    check_data_unchanged(out, fingerprint, identify(recording))
    with lock_folder(out), logged(layout.log):
        answer_questions(questions, layout, fingerprint, progress)
        write_text(layout.config, configs.write(config))
    return out


# ------------------------------------------------------------------------------------ stages


def _opened(config: Config, out: Path) -> tuple[Recording, list[TargetRun], list[Question]]:
    """The recording, what is predicted in it and what is asked of it: all checked."""
    recording = load(config.data.path, config.data.session)
    if config.data.time is not None:
        recording = recording.select(time=config.data.time)
    tasks = config.tasks(recording)
    parts = [part_of(task.problem(recording), config, out) for task in tasks]
    fitted = {
        name: FittedModel(name, model, tasks[0], parts[0].layout)
        for name, model in config.build_models().items()
        if model.has_latents and parts and not parts[0].problem.windows
    }
    return recording, parts, expand_questions(config.analysis, recording, fitted, config.seed)


def part_of(problem: Problem, config: Config, out: Path) -> TargetRun:
    """A target's place in the run directory, its trials cut into the folds of the config."""
    evaluation = config.evaluation
    folds = make_folds(
        problem,
        evaluation.folds,
        split=evaluation.split,
        strata=evaluation.strata,
        gap=evaluation.gap,
        seed=config.seed,
    )
    condition = conditions(problem.trials, evaluation.conditions)
    return TargetRun(problem, folds, condition, RunLayout(out).target(problem.target))


def _prepare(
    out: Path, config: Config, recording: Recording, parts: list[TargetRun], fingerprint: Identity
) -> None:
    layout = RunLayout(out)
    if layout.manifest.exists():
        log.info("resumed")
        return
    out.mkdir(parents=True, exist_ok=True)
    write_text(layout.config, configs.write(config))
    save_dataset(excerpt(recording), layout.excerpt)
    for part in parts:
        save_dataset(recorded(part), part.layout.problem)
    write_json(layout.manifest, manifest(recording, fingerprint, parts, config.seed))
    log.info("started: %s", recording)


def _fit(
    parts: list[TargetRun],
    models: dict[str, Model],
    seed: int,
    workers: int | None,
    engine: str,
    progress: Progress,
) -> dict[str, dict[str, str]]:
    """Fit what is not there yet; return target -> model -> why it could not be fitted."""
    todo = {
        f"{part.problem.target}: {name}, fold {index}": (
            part,
            Job(name, model, index, fold, seed, part.problem.metadata()),
        )
        for part in parts
        for name, model in models.items()
        for index, fold in enumerate(part.folds)
    }
    missing = {
        what: (part, job)
        for what, (part, job) in todo.items()
        if not part.layout.job(job.name, job.index).exists()
    }
    failed: dict[str, dict[str, str]] = {part.problem.target: {} for part in parts}
    done = len(todo) - len(missing)
    progress("fitting", done, len(todo))
    with ExitStack() as stack:
        pool = stack.enter_context(engines.open_executor(len(missing), workers, engine))
        # once for all jobs of a target: it is a file of the size of the recording
        wanted = {part.layout: part.problem for part, _ in missing.values()}
        handles = {
            target: stack.enter_context(share_value((problem.x, problem.y), pool))
            for target, problem in wanted.items()
        }
        release_memory()  # what reading took and freed: the processes need it
        # on another machine there is no run directory to leave a checkpoint in
        local = engine == "local"
        calls: dict[str, engines.Call] = {
            what: (_fitted, (job, handles[part.layout], _checkpoints(part, job) if local else None))
            for what, (part, job) in missing.items()
        }
        for outcome in engines.run_jobs(calls, pool):
            part, job = missing[outcome.name]
            if outcome.failure:
                log.info("%s failed: %s", outcome.name, outcome.failure)
                whys = failed[part.problem.target]
                whys.setdefault(job.name, f"fold {job.index}: {outcome.failure}")
            else:
                _keep(outcome.value, job, part)
                log.info("%s fitted in %.2f s", outcome.name, outcome.value.fitted.seconds)
            done += 1
            progress(outcome.name, done, len(todo))
    return failed


def do(job: Job, part: TargetRun) -> float:
    """Do one job here and write its files; return its seconds."""
    with share_value((part.problem.x, part.problem.y), None) as handle:
        result = _fitted(job, handle, _checkpoints(part, job))
    _keep(result, job, part)
    return result.fitted.seconds


def _checkpoints(part: TargetRun, job: Job) -> Path:
    return part.layout.checkpoints(job.name, job.index)


def _fitted(job: Job, handle: SharedValue, folder: Path | None) -> JobResult:
    """Do one job, wherever that is."""
    release_memory()  # jobs leave pieces free that the next one's large arrays do not fit into
    x, y = handle.get()
    with keep_checkpoints(folder) if folder else nullcontext():
        return run_job(job, x, y)


def _keep(result: JobResult, job: Job, part: TargetRun) -> None:
    """Write a job's files, the description last."""
    files, which = part.layout, (job.name, job.index)
    described = {"fit_seconds": result.fitted.seconds, **result.fitted.model.describe_fit()}
    try:
        storage.save(result.fitted.model, files.weights(*which))
    except UnsavedModelError as error:  # a package's own model: its predictions are kept
        described["weights_not_saved"] = str(error)
    arrays: dict[str, Any] = {"prediction": result.prediction, "test": job.fold.test}
    arrays |= result.fitted.record.to_arrays()
    if result.latents is not None:
        arrays["latents"] = result.latents.astype(np.float16)
    with write_atomically(files.arrays(*which)) as temporary:
        np.savez_compressed(temporary, **arrays)
    write_json(files.job(*which), json.loads(json.dumps(described, default=str)))


def _score(
    out: Path,
    parts: list[TargetRun],
    models: list[str],
    failed: dict[str, dict[str, str]],
    session: str,
    config: Config,
) -> None:
    if not parts:
        write_json(RunLayout(out).verdict, {})
        return
    tables, summaries, neurons, said = [], [], [], {}
    for part in parts:
        target = part.problem.target
        left = [model for model in models if model not in failed[target]]
        if not left:
            raise RunError(
                f"no model of {target} could be fitted; {models[0]}: {failed[target][models[0]]}"
            )
        scores = read_scores(part, left, session, config)
        missing = [f"{model} could not be fitted: {why}" for model, why in failed[target].items()]
        tables.append(scores.table)
        neurons.append(scores.neurons)
        summaries.append(scores.summary().assign(target=target, source=part.problem.source))
        said[target] = {
            "verdict": verdict(scores),
            "warnings": [*missing, *map(str, part.problem.notices), *map(str, scores.notices)],
            "differences": _differences(scores),
        }
    for name, frames in (("scores", tables), ("summary", summaries), ("neurons", neurons)):
        with write_atomically(RunLayout(out).table(name)) as temporary:
            pd.concat(frames, ignore_index=True).to_csv(temporary, index=False)
    write_json(RunLayout(out).verdict, said)


def read_scores(part: TargetRun, models: list[str], session: str, config: Config) -> Scores:
    """Score the predictions that lie in the run directory."""
    predictions, seconds = {}, {}
    for model in models:
        files, folds = part.layout, range(len(part.folds))
        predictions[model] = [np.load(files.arrays(model, k))["prediction"] for k in folds]
        seconds[model] = [read_json(files.job(model, k))["fit_seconds"] for k in folds]
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
        limits = {key: getattr(difference, key) for key in ("value", "low", "high")}
        found.append({"model": leader, "minus": str(name), **limits})
    return found
