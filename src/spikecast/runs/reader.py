"""Read run directories: settings, tables, targets and answers.

Nothing else opens the files of a run. Each file is read when it is first needed; one that is
missing or damaged is explained in a line.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.checks import check_one_of
from spikecast.core.errors import DamagedFileError, MissingFileError, RunError
from spikecast.core.files import read_json
from spikecast.core.notices import Notice, NoticeKind
from spikecast.evaluation.fit import FitRecord
from spikecast.evaluation.verdict import Verdict
from spikecast.models.catalog import DEFAULT_MODEL, find_best, strongest_baseline
from spikecast.runs import config as configs
from spikecast.runs.config import Config, TaskConfig
from spikecast.runs.layout import RunLayout, TargetLayout
from spikecast.runs.manifest import read_manifest
from spikecast.runs.questions.catalog import list_kinds
from spikecast.scoring.metric_table import find_headline
from spikecast.scoring.scorers import RUNGS
from spikecast.tasks.splits import Fold

TEXT = ("session", "task", "source", "target", "model", "metric", "null", "aggregate")
"""Columns of scores that are text: an empty null is "none", and a target may be called "0"."""


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
    names = read_json(layout.answer_index) if layout.answer_index.exists() else []
    answers = [StoredAnswer(layout, name, read_json(layout.answer(name))) for name in names]
    return [answer for answer in answers if kind in (None, answer.kind)]


def read_table(path: Path) -> pd.DataFrame:
    """Return a table of scores; the columns of :data:`TEXT` are text whatever they hold."""
    with _explain_errors(path):
        columns = pd.read_csv(path, nrows=0).columns
        return pd.read_csv(
            path,
            keep_default_na=False,
            na_values={name: ["", "nan", "NaN"] for name in columns if name not in TEXT},
            dtype=dict.fromkeys(TEXT, str),
        )


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
        return read_manifest(self.folder)

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
        return [Notice.from_json(notice) for notice in self.manifest["data"].get("notices", ())]

    @cached_property
    def taken(self) -> list[Notice]:
        """What was taken of the session when the recording was cut from it."""
        return [Notice.from_json(notice) for notice in self.manifest["data"].get("taken", ())]

    @cached_property
    def config(self) -> Config:
        """The settings, defaults included."""
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
        return read_table(self.layout.scores)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline scores with intervals, per target and model."""
        return read_table(self.layout.summary)

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """Scores neuron by neuron."""
        return read_table(self.layout.neurons)

    @cached_property
    def verdicts(self) -> dict[str, dict[str, Any]]:
        """Per target: verdict, notices, paired differences to the best model."""
        return read_json(self.layout.verdict)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """The recording's table of trials."""
        return read_table(self.layout.trial_table)

    @cached_property
    def excerpt(self) -> xr.Dataset:
        """A few whole trials and every neuron's mean."""
        return _read_dataset(self.layout.excerpt)

    @cached_property
    def targets(self) -> list["Target"]:
        """The targets, best predicted first; none in a run that only answers questions."""
        if not self.manifest["targets"]:
            return []
        targets = [
            Target(self, name, self.layout.target(name)) for name in self.manifest["targets"]
        ]
        return sorted(targets, key=lambda target: -target.best[self.metric])

    @property
    def metric(self) -> str:
        """The headline metric."""
        return find_headline(self.summary).name


@dataclass(frozen=True)
class Target:
    """One target of a run, as it is stored."""

    run: Run
    name: str
    layout: TargetLayout

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What to know about its scores."""
        return tuple(map(Notice.from_json, self.run.verdicts[self.name]["notices"]))

    @cached_property
    def problem(self) -> xr.Dataset:
        """Recorded activity (trial, time, target), trial table, folds."""
        return _read_dataset(self.layout.problem)

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
        return Verdict.from_json(self.run.verdicts[self.name]["verdict"])

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
        return read_json(self.layout.job(model, fold))

    def read_arrays(self, model: str, fold: int) -> dict[str, np.ndarray]:
        """Return ``prediction``, ``test`` and perhaps ``latents`` of a job."""
        return _read_arrays(self.layout.arrays(model, fold))

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
        return FitRecord.from_arrays(_read_arrays(self.layout.arrays(model, fold), "fit_"))

    def read_beyond_records(self) -> list[FitRecord]:
        """Return the records of the fits on top of the highest rung, one per fold; [] for none."""
        if not self.layout.beyond_fits.exists():
            return []
        stored = _read_arrays(self.layout.beyond_fits)
        return [FitRecord.from_arrays(stored, f"{index}_") for index in range(self.n_folds)]

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


@dataclass(frozen=True)
class StoredAnswer:
    """One answer of a run: its facts, notices, tables and matrices."""

    layout: RunLayout
    name: str
    facts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    @property
    def kind(self) -> str:
        """The kind of question it answers."""
        return str(self.facts["kind"])

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What to know about it."""
        return tuple(Notice.from_json(content) for content in self.facts["notices"])

    def has_notice(self, kind: NoticeKind) -> bool:
        """Return whether one of its notices is of this kind."""
        return any(notice.code == kind.code for notice in self.notices)

    def table(self, name: str) -> pd.DataFrame:
        """Return one of its tables; empty where it has no such table."""
        if name not in self.facts["tables"]:
            return pd.DataFrame()
        names = {"class": str, "truth": str, "condition": str, "label": str, "area": str}
        return pd.read_csv(self.layout.answer_table(self.name, name), dtype=names)

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Its matrices."""
        return _read_arrays(self.layout.answer_arrays(self.name))


def _read_arrays(path: Path, prefix: str = "") -> dict[str, np.ndarray]:
    with _explain_errors(path), np.load(path) as stored:
        return {name: stored[name] for name in stored.files if name.startswith(prefix)}


def _read_dataset(path: Path) -> xr.Dataset:
    with _explain_errors(path), xr.open_dataset(path, engine="h5netcdf") as opened:
        return opened.load()


@contextmanager
def _explain_errors(path: Path) -> Iterator[None]:
    """Raise errors of reading a file as MissingFileError or DamagedFileError."""
    try:
        yield
    except FileNotFoundError:
        raise MissingFileError(path) from None
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DamagedFileError(f"'{path}' is damaged: {error}") from None
