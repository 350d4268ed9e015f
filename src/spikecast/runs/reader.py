"""Read run directories: settings, tables, targets and answers.

Each file is read when it is first needed; one that is missing or damaged is explained in a line.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.checks import check_one_of, quote
from spikecast.core.errors import RunError
from spikecast.core.notices import Notice, NoticeKind
from spikecast.core.stored import damaged, read_json, validate
from spikecast.core.stored_arrays import check_arrays, check_numbers, read_arrays, read_dataset
from spikecast.core.stored_tables import Table, read_table
from spikecast.evaluation.fit import FIT, FitRecord
from spikecast.evaluation.verdict import Verdict
from spikecast.models.catalog import DEFAULT_MODEL, find_best, strongest_baseline
from spikecast.runs import config as configs
from spikecast.runs import contents, score_tables
from spikecast.runs.config import Config, TaskConfig
from spikecast.runs.contents import AnswerKind, AnswerName
from spikecast.runs.fit_files import FIT_ARRAYS, name_record_arrays, read_fit_arrays, read_fit_facts
from spikecast.runs.layout import RunLayout, TargetLayout
from spikecast.runs.manifest import RunManifest, read_manifest
from spikecast.runs.questions.catalog import find_schema, list_kinds
from spikecast.runs.questions.question import AnswerSchema, Facts
from spikecast.runs.settings import check_settings_unchanged
from spikecast.scoring.metric_table import find_headline
from spikecast.scoring.scorers import RUNGS
from spikecast.tasks.splits import Fold


def open_run(folder: str | Path) -> "Run":
    """Return a finished run; raise a RunError where there is none, or it is not finished."""
    run = Run(Path(folder))
    if not run.is_finished:
        raise RunError(
            f"the run in '{folder}' is not finished; resume it "
            f"(it was begun by: {run.manifest.get('command')})"
        )
    return run


def read_answers(folder: str | Path, kind: str | None = None) -> list["StoredAnswer"]:
    """Return the answers of a run, of one kind or of all; none where it has no questions.

    Raises
    ------
    UnknownNameError
        For a kind that no question has.
    """
    if kind is not None:
        check_one_of("kind of answer", kind, list_kinds())
    layout = RunLayout(Path(folder))
    index = layout.answer_index
    names = read_json(index, list[AnswerName]) if index.exists() else []
    answers = [read_answer(layout, name) for name in dict.fromkeys(names)]
    return [answer for answer in answers if kind in (None, answer.kind)]


def read_answer(layout: RunLayout, name: str) -> "StoredAnswer":
    """Return one answer of a run by its name."""
    path = layout.answer(name)
    kind = read_json(path, AnswerKind)["kind"]
    if kind not in list_kinds():
        raise damaged(path, f"{quote(kind)} is no kind of answer")
    schema = find_schema(kind)
    facts = read_json(path, schema.facts)
    missing = [one for one in schema.tables if one not in facts["tables"]]
    if not set(missing) <= schema.optional:
        raise damaged(path, f"at tables {quote(missing[0])} is missing")
    return StoredAnswer(layout, name, facts, schema)


@dataclass(frozen=True)
class Run:
    """A run directory, finished or not."""

    folder: Path

    @property
    def layout(self) -> RunLayout:
        """The paths of its files."""
        return RunLayout(self.folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Versions, machine, data."""
        return read_manifest(self.folder, RunManifest)

    @property
    def is_finished(self) -> bool:
        """Whether all that the config asks for is there."""
        return bool(self.manifest.get("finished"))

    @property
    def failed(self) -> dict[str, dict[str, str]]:
        """Target -> model -> why it could not be fitted."""
        return self.manifest.get("failed") or {}

    @property
    def recording_notices(self) -> list[Notice]:
        """What is unusual about the recording."""
        return list(self.manifest["data"].get("notices", ()))

    @cached_property
    def taken(self) -> list[Notice]:
        """What was taken of the session when the recording was cut from it."""
        return list(self.manifest["data"].get("taken", ()))

    @property
    def left_out(self) -> list[Notice]:
        """Which areas are no targets though all were asked for, and why."""
        return list(self.manifest.get("left_out", ()))

    @cached_property
    def config(self) -> Config:
        """The settings, defaults included."""
        check_settings_unchanged(self.layout.config, self.manifest)
        return configs.read_config(self.layout.config)

    @property
    def task(self) -> TaskConfig:
        """What predicts what, in a run that has targets."""
        if self.config.task is None:
            raise RunError(f"'{self.folder}' predicts nothing: it only answers questions")
        return self.config.task

    @cached_property
    def answers(self) -> list["StoredAnswer"]:
        """The answers to the questions of the config's block ``analysis``."""
        return read_answers(self.folder)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every score, tidy."""
        table = score_tables.read_score_table(self.layout.scores, score_tables.SCORES)
        self._check_targets(self.layout.scores, table)
        score_tables.check_models(self.layout.scores, table, self.summary)
        return table

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline scores with intervals, per target and model."""
        return score_tables.read_summary(self.layout.summary)

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """Scores neuron by neuron."""
        table = score_tables.read_score_table(self.layout.neurons, score_tables.NEURONS)
        self._check_targets(self.layout.neurons, table)
        score_tables.check_models(self.layout.neurons, table, self.summary)
        return table

    @cached_property
    def verdicts(self) -> dict[str, dict[str, Any]]:
        """Per target: verdict, notices, paired differences to the best model."""
        path = self.layout.verdict
        verdicts = read_json(path, contents.VERDICTS)
        missing = [name for name in self.manifest["targets"] if name not in verdicts]
        if missing:
            raise damaged(path, f"the key {quote(missing[0])} is missing")
        return verdicts

    @cached_property
    def trials(self) -> pd.DataFrame:
        """The recording's table of trials."""
        path, n_trials = self.layout.trial_table, self.manifest["data"]["n_trials"]
        table = score_tables.read_trial_table(path)
        if len(table) != n_trials:
            raise damaged(path, f"it has {len(table)} rows; the run has {n_trials} trials")
        return table

    @cached_property
    def excerpt(self) -> xr.Dataset:
        """A few whole trials and every neuron's mean."""
        path = self.layout.excerpt
        excerpt = read_dataset(path, contents.EXCERPT)
        contents.check_excerpt(path, excerpt, self.manifest["data"], len(self.trials))
        return excerpt

    @cached_property
    def targets(self) -> list["Target"]:
        """The targets, best predicted first, each followed by the same with a second split."""
        if not (names := self.manifest["targets"]):
            return []
        self._check_targets(self.layout.summary, self.summary)
        targets = [Target(self, name, self.layout.target(name)) for name in names]
        score = {target.name: float(target.best[self.metric]) for target in targets}
        rank = {target: (-score.get(target.beside or target.name, 0), target.beside != "")
                for target in targets}  # fmt: skip
        return sorted(targets, key=lambda target: rank[target])

    @property
    def metric(self) -> str:
        """The headline metric."""
        return find_headline(self.summary).name

    def _check_targets(self, path: Path, table: pd.DataFrame) -> None:
        """Raise a DamagedFileError where a table lacks a target of the run."""
        known = set(table.get("target", ()))
        if missing := [name for name in self.manifest["targets"] if name not in known]:
            raise damaged(path, f"it has no row of the target {quote(missing[0])}")


@dataclass(frozen=True)
class Target:
    """One target of a run, as it is stored."""

    run: Run
    name: str
    layout: TargetLayout

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What to know about its scores."""
        return tuple(self.run.verdicts[self.name]["notices"])

    @cached_property
    def problem(self) -> xr.Dataset:
        """Recorded activity (trial, time, target), trial table, folds."""
        path = self.layout.problem
        problem = read_dataset(path, contents.PROBLEM)
        validate(problem.attrs, contents.ProblemFacts, path, ("attributes",))
        contents.check_recorded(path, problem)
        return problem

    @property
    def beside(self) -> str:
        """The target whose second split this is; empty where it is a target by itself."""
        return str(self.problem.attrs.get("beside", ""))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline scores of this target, best first."""
        return self.run.summary.query("target == @self.name").reset_index(drop=True)

    @property
    def best(self) -> pd.Series:
        """The row of the summary of the best model (a null's where there is no other)."""
        name = find_best(self.summary["model"])
        return self.summary[self.summary["model"] == name].iloc[0]

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict on its scores."""
        verdict: Verdict = self.run.verdicts[self.name]["verdict"]
        columns = [f"{part}_vs_{rung}" for rung in verdict.rungs[-1:]
                   for part in (self.run.metric, "low", "high")]  # fmt: skip
        if verdict.metric != self.run.metric or not set(columns) <= set(self.run.summary):
            path = self.run.layout.verdict
            raise damaged(path, f"the verdict on {self.name} is not on the scores in summary.csv")
        return verdict

    @property
    def models(self) -> list[str]:
        """Names of the models that were fitted, in the config's order, then the rungs."""
        rows = self.run.scores[self.run.scores["target"] == self.name]
        return list(dict.fromkeys(rows["model"]))

    @property
    def brought(self) -> list[str]:
        """Names of the predictions that another tool made."""
        brings = self.run.config.brings_predictions
        return [name for name in self.models if brings and name not in RUNGS]

    @property
    def recorded(self) -> np.ndarray:
        """The recorded activity, (trial, time, target)."""
        return self.problem["recorded"].values

    @property
    def target_ids(self) -> list[str]:
        """Numbers of its neurons in the recording, or names of its channels."""
        column = next(name for name in ("target_neuron", "target_channel") if name in self.problem)
        return self.problem[column].values.astype(str).tolist()

    def read_job(self, model: str, fold: int) -> dict[str, Any]:
        """Return what a fitted model chose and how it trained."""
        return read_fit_facts(self.layout, model, fold)

    def read_arrays(self, model: str, fold: int) -> dict[str, np.ndarray]:
        """Return ``prediction``, ``test`` and perhaps ``latents`` of a job."""
        _, n_bins, n_targets = self.recorded.shape
        sizes = {"time": n_bins, "target": n_targets}
        arrays = read_fit_arrays(self.layout, model, fold, FIT_ARRAYS, sizes)
        if not np.array_equal(arrays["test"], self.folds[fold].test):
            what = "'test' are not the trials that the fold holds out"
            raise damaged(self.layout.arrays(model, fold), what)
        return arrays

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return len(self.folds)

    @cached_property
    def folds(self) -> list[Fold]:
        """Training and test trials of each fold, as they were cut before the first fit."""
        parts = zip(self.problem["in_train"].values, self.problem["in_test"].values, strict=True)
        return [Fold(np.flatnonzero(train), np.flatnonzero(test)) for train, test in parts]

    def read_record(self, model: str, fold: int) -> FitRecord:
        """Return the record of a fit: its trials, its neurons."""
        stored = read_fit_arrays(self.layout, model, fold, prefix=FIT)
        return self._make_record(self.layout.arrays(model, fold), stored, FIT)

    def read_beyond_records(self) -> list[FitRecord]:
        """Return the records of the fits on top of the highest rung, one per fold; [] for none."""
        if not self.layout.beyond_fits.exists():
            return []
        path = self.layout.beyond_fits
        stored = read_arrays(path)
        return [self._make_record(path, stored, f"{index}_") for index in range(self.n_folds)]

    def _make_record(self, path: Path, stored: dict[str, np.ndarray], prefix: str) -> FitRecord:
        """Return the record of a fit in a file of arrays, checked against the problem."""
        sizes = {name: self.problem.sizes[name] for name in ("source", "target")}
        if not sizes["source"]:  # unknown, of another tool's predictions: rungs see a column of 0
            del sizes["source"]
        check_arrays(path, stored, name_record_arrays(prefix), sizes)
        for part in ("train", "validation", "test"):
            check_numbers(path, part, stored[f"{prefix}{part}"], len(self.recorded))
        return FitRecord.from_arrays(stored, prefix)

    def read_predictions(self, model: str) -> np.ndarray:
        """Return the held-out predictions of every trial, (trial, time, target)."""
        whole = np.full(self.recorded.shape, np.nan, dtype=np.float32)
        for fold in range(self.n_folds):
            stored = self.read_arrays(model, fold)
            whole[stored["test"]] = stored["prediction"]
        return whole

    @cached_property
    def shown_model(self) -> str:
        """The model whose predictions are drawn: the default where it is there, else the best."""
        if DEFAULT_MODEL in set(self.summary["model"]):
            return DEFAULT_MODEL
        return find_best(self.summary["model"])

    @cached_property
    def shown_baseline(self) -> str | None:
        """The strong baseline that is drawn beside it."""
        others = set(self.summary["model"]) - {self.shown_model}
        return strongest_baseline(others) or ("psth" if "psth" in others else None)


ANY_ANSWER = AnswerSchema(Facts)
"""The schema of an answer whose kind is not known."""


@dataclass(frozen=True)
class StoredAnswer:
    """One answer of a run: its facts, notices, tables and matrices."""

    layout: RunLayout
    name: str
    facts: dict[str, Any]
    schema: AnswerSchema = ANY_ANSWER

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    @property
    def kind(self) -> str:
        """The kind of question it answers."""
        return str(self.facts["kind"])

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What to know about it."""
        return tuple(self.facts["notices"])

    def has_notice(self, kind: NoticeKind) -> bool:
        """Return whether one of its notices is of this kind."""
        return any(notice.code == kind.code for notice in self.notices)

    def table(self, name: str) -> pd.DataFrame:
        """Return one of its tables; empty where it has no such table."""
        if name not in self.facts["tables"]:
            return pd.DataFrame()
        path = self.layout.answer_table(self.name, name)
        table = read_table(path, self.schema.tables.get(name, Table({}, least_rows=0)))
        if name in self.schema.within:
            column, other = self.schema.within[name]
            unknown = set(table[column]) - set(self.table(other)[column])
            if unknown:
                raise damaged(path, f"the table {other} has no {column} {quote(unknown.pop())}")
        return table

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Its matrices."""
        return read_arrays(self.layout.answer_arrays(self.name), self.schema.arrays)
