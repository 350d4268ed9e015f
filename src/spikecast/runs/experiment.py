"""Run a config: a run directory, written stage by stage so that a killed run can go on."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from spikecast.core.checks import check_kind
from spikecast.core.errors import DamagedFileError, MissingFileError, RunError, SpikecastError
from spikecast.core.files import lock_folder, to_path, write_atomically, write_json, write_text
from spikecast.core.notices import Notice
from spikecast.core.schema import to_yaml
from spikecast.data.identity import identify
from spikecast.data.predictions import read_predictions
from spikecast.data.recording import Recording
from spikecast.evaluation.ladder import note_context, note_rungs
from spikecast.evaluation.score_table import Scores
from spikecast.evaluation.verdict import judge_scores
from spikecast.models.catalog import find_best, is_baseline
from spikecast.parallel.executors import Progress, check_engine
from spikecast.runs import config as configs
from spikecast.runs.brought_claims import describe_brought
from spikecast.runs.config import Config
from spikecast.runs.fits import MODEL_NOT_FITTED, Failures, fit_models
from spikecast.runs.layout import RunLayout
from spikecast.runs.manifest import Identity, check_data_unchanged, describe_run, finish_manifest
from spikecast.runs.provenance import write_claims
from spikecast.runs.questions.catalog import Analysis, expand_questions
from spikecast.runs.questions.material import FittedModel
from spikecast.runs.questions.question import Question
from spikecast.runs.questions.store import answer_questions
from spikecast.runs.reader import open_run
from spikecast.runs.run_directory import log_to_file, open_run_directory
from spikecast.runs.settings import describe_settings
from spikecast.runs.targets import (
    TargetRun,
    make_targets,
    save_brought,
    save_excerpt,
    save_problem,
    save_trial_table,
    score_target,
)

log = logging.getLogger("spikecast")


def run(
    config: Config | Mapping[str, Any] | str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    engine: str = "local",
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Run a config and return its run directory.

    Everything is checked before the first file is written. A model that cannot be fitted is left
    out of its target's table; the manifest says why under ``failed``.

    Parameters
    ----------
    config : Config, mapping, or path of a YAML file
        What predicts what, by which models. Every run directory holds one, ``config.yaml``, in
        which all keys and their values stand.
    out : str or Path
        The run directory.
    resume : bool
        Go on with an interrupted run of the same config and data.
    overwrite : bool
        Replace a run that is there.
    workers : int, optional
        Processes; does not change any number.
    engine : str
        Where jobs run; see :func:`spikecast.parallel.executors.open_executor`.
    progress : callable, optional
        Called with what is being done, and how many jobs of how many are done.

    Returns
    -------
    Path
        Of the run directory: ``scores.csv``, ``config.yaml``, weights, predictions. Draw its page
        with ``spikecast.report.build``.

    Raises
    ------
    ConfigError
        For an unknown key, or a value outside its range.
    RunError
        When `out` holds something else, or a finished run, or (with `resume`) another config; when
        no model of a target could be fitted.

    Examples
    --------
    >>> import tempfile
    >>> config = {"data": {"path": "simulated"}, "task": {"target": "MOs"},
    ...           "models": ["mean_rate"], "evaluation": {"folds": 2, "shifts": 0}}
    >>> folder = run(config, f"{tempfile.mkdtemp()}/run", workers=1)
    >>> (folder / "scores.csv").exists()
    True
    """
    if isinstance(config, str | Path):
        config = configs.read_config(config)
    elif isinstance(config, Mapping):
        config = configs.parse_config(dict(config))
    check_kind(config, configs.Config)
    if config.task and not resume:
        config.task.refuse_unused()
    layout = RunLayout(to_path("out", out))
    check_engine(engine)
    progress("reading the data", 0, 0)
    recording, targets, left_out, questions = _plan(config, layout)
    identity, text = identify(recording), to_yaml(config)
    with open_run_directory(layout.config, text, identity, resume=resume, overwrite=overwrite):
        if layout.manifest.exists():
            log.info("resumed")
            save_trial_table(recording, layout.trial_table)  # nothing says whether it is whole
        else:
            _begin(layout, config, recording, targets, left_out, identity)
        failures = fit_models(
            targets,
            config.seed,
            workers=workers,
            engine=engine,
            shared=layout.shared,
            progress=progress,
        )
        progress("scoring", 0, 0)
        _write_scores(layout, targets, failures, recording.session, config)
        try:
            answer_questions(questions, layout, identity, progress)
        except SpikecastError as error:
            if not targets:
                shutil.rmtree(out)  # a few seconds of work, and a folder that answers nothing
                raise
            if isinstance(error, (DamagedFileError, MissingFileError)):
                raise  # the questions are not what is to be corrected
            raise RunError(
                f"{error} (what was fitted is kept in '{out}': correct its {layout.config.name}, "
                "then run that and resume)"
            ) from error
        finish_manifest(layout.folder, failed={key: why for key, why in failures.items() if why})
        log.info("finished")
    return layout.folder


def add_answers(
    out: str | Path, analysis: Analysis, *, progress: Progress = lambda what, done, total: None
) -> Path:
    """Answer further questions about a finished run, add them to its config, return its directory.

    Where the run asks the same with other settings, those of `analysis` stand. Raises a RunError
    when the run is not finished, or its data have changed.
    """
    stored = open_run(out)
    layout, identity = stored.layout, stored.manifest["data"]["hash"]
    whole = stored.config.analysis.merge(analysis)
    config = stored.config.model_copy(update={"analysis": whole})
    progress("reading the data", 0, 0)
    ranking = stored.targets[0].summary["model"].tolist() if stored.targets else []
    recording, *_, questions = _plan(config, layout, ranking)
    check_data_unchanged(layout.folder, identity, identify(recording))
    with lock_folder(layout.folder), log_to_file(layout.log):
        answer_questions(questions, layout, identity, progress)
        write_text(layout.config, to_yaml(config))
    return layout.folder


# ------------------------------------------------------------------------------------ stages


def _plan(
    config: Config, layout: RunLayout, ranking: Sequence[str] = ()
) -> tuple[Recording, list[TargetRun], list[Notice], list[Question]]:
    """Return the recording, its targets, those left out, and the questions, all checked.

    A question of latents is about the model that is named, else about the best one with latents in
    the `ranking` of a finished run; before there is one, about the first that is no baseline.
    """
    recording = config.data.load_recording()
    targets, left_out = make_targets(config, recording, layout)
    models = config.build_models()
    names = [name for name in ranking if name in models] or sorted(models, key=is_baseline)
    fitted = {
        name: FittedModel(name, model, config.make_tasks(recording)[0], targets[0].layout)
        for name, model in ((name, models[name]) for name in names)
        if model.has_latents and targets and not targets[0].problem.windows
    }
    questions = expand_questions(
        config.analysis, recording, fitted, config.seed, config.evaluation.conditions
    )
    return recording, targets, left_out, questions


def _begin(
    layout: RunLayout,
    config: Config,
    recording: Recording,
    targets: list[TargetRun],
    left_out: list[Notice],
    identity: Identity,
) -> None:
    """Write all that does not need a fit, the manifest last."""
    write_text(layout.config, to_yaml(config))
    save_excerpt(recording, layout.excerpt)
    save_trial_table(recording, layout.trial_table)
    for target in targets:
        save_problem(target)
        save_brought(target)
    names = [target.problem.target for target in targets]
    manifest = describe_run(recording, identity, names, config.seed)
    manifest["settings"] = describe_settings(to_yaml(config))
    manifest["left_out"] = [notice.to_json() for notice in left_out]
    write_json(layout.manifest, manifest)
    log.info("started: %s", recording)


def _write_scores(
    layout: RunLayout, targets: list[TargetRun], failures: Failures, session: str, config: Config
) -> None:
    """Score what was fitted; write the tables of all targets, then their verdicts."""
    tables: dict[str, list[pd.DataFrame]] = {"scores": [], "summary": [], "neurons": []}
    verdicts = {}
    for target in targets:
        name, source = target.problem.target, target.problem.source
        failed = failures[name]
        fitted = [model for model in target.models if model not in failed]
        models = {} if target.brought else config.build_models(target.problem.kind)
        if models and set(models) <= set(failed):
            model, why = next(iter(failed.items()))
            raise RunError(f"no model of {name} could be fitted; {model}: {why}")
        scores = score_target(target, fitted, session, config)
        tables["scores"].append(scores.table)
        tables["summary"].append(scores.compare_nulls().assign(target=name, source=source))
        tables["neurons"].append(scores.neurons)
        notices = [MODEL_NOT_FITTED(model=model, why=why) for model, why in failed.items()]
        models = {model: models[model] for model in fitted if model in models}
        scores = scores.add_notices(*note_rungs(target.problem), *note_context(models))
        notices += [*target.problem.notices, *scores.notices]
        if target.brought:
            brought = read_predictions(config.data.path)
            write_claims(list(describe_brought(target, brought, scores)), target.layout.folder)
        verdicts[name] = {
            "verdict": judge_scores(scores).to_json(),
            "notices": [notice.to_json() for notice in notices],
            "differences": _compare_with_best(scores),
        }
    if targets:
        for name, of_targets in tables.items():
            with write_atomically(layout.table(name)) as temporary:
                pd.concat(of_targets, ignore_index=True).to_csv(temporary, index=False)
    write_json(layout.verdict, verdicts)


def _compare_with_best(scores: Scores) -> list[dict[str, Any]]:
    """Return the paired difference of every model to the best one."""
    ranked = list(map(str, scores.summary()["model"]))
    best = find_best(ranked)
    differences = []
    for name in ranked:
        if name == best:
            continue
        interval = scores.interval(best, minus=name)
        limits = {key: getattr(interval, key) for key in ("value", "low", "high")}
        differences.append({"model": best, "minus": name, **limits})
    return differences
