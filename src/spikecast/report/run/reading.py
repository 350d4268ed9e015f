"""A run directory as the report sees it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from spikecast.core.errors import RunError
from spikecast.core.files import read_json
from spikecast.models.catalog import DEFAULT_MODEL, is_null, strongest_baseline
from spikecast.runs import config as configs
from spikecast.runs.config import Config, TaskConfig
from spikecast.runs.layout import RunLayout, TargetLayout
from spikecast.runs.questions import store
from spikecast.runs.run_directory import read_manifest
from spikecast.scoring.metric_table import find_headline
from spikecast.tasks.splits import Fold, split_by_block


@dataclass(frozen=True)
class Run:
    """The files of a finished run; every table is read when first asked for."""

    folder: Path

    def __post_init__(self) -> None:
        if not self.manifest.get("finished"):
            raise RunError(
                f"the run in '{self.folder}' is not finished; go on with --resume "
                f"(it was begun by: {self.manifest.get('command')})"
            )

    @property
    def layout(self) -> RunLayout:
        """Where the files lie."""
        return RunLayout(self.folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Versions, machine, data."""
        return read_manifest(self.folder)

    @cached_property
    def config(self) -> Config:
        """What was asked."""
        return configs.read(self.layout.config)

    @property
    def task(self) -> TaskConfig:
        """What predicts what, in a run that has targets."""
        if self.config.task is None:
            raise RunError(f"'{self.folder}' predicts nothing: it only answers questions")
        return self.config.task

    @cached_property
    def answers(self) -> list["Answered"]:
        """The questions that were asked, with their answers."""
        answers = store.stored(self.folder).items()
        return [Answered(self.layout, name, facts) for name, facts in answers]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every score, tidy."""
        return self._table(self.layout.scores)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline scores with intervals, per target and model."""
        return self._table(self.layout.summary)

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """Scores neuron by neuron."""
        return self._table(self.layout.neurons)

    @cached_property
    def verdicts(self) -> dict[str, dict[str, Any]]:
        """Per target: sentences, warnings, paired differences."""
        return read_json(self.layout.verdict)

    @cached_property
    def excerpt(self) -> xr.Dataset:
        """A few whole trials and every neuron's mean."""
        return _open(self.layout.excerpt)

    @cached_property
    def targets(self) -> list["Target"]:
        """The targets, best predicted first; none in a run that only answers questions."""
        if not self.manifest["targets"]:
            return []
        metric = self.metric
        names = self.manifest["targets"]
        found = [Target(self, name, self.layout.target(name)) for name in names]
        best = self.summary.groupby("target")[metric].max()
        return sorted(found, key=lambda target: -best[target.name])

    @property
    def metric(self) -> str:
        """The headline metric."""
        return find_headline(self.summary).name

    def _table(self, path: Path) -> pd.DataFrame:
        try:
            # an empty null means "none", a target may be called "0": both are text
            return pd.read_csv(
                path,
                keep_default_na=False,
                na_values=["nan", "NaN"],
                dtype={"target": str, "source": str, "model": str},
            )
        except FileNotFoundError:
            raise RunError(f"'{self.folder}' lacks {path.name}") from None


@dataclass(frozen=True)
class Target:
    """One target of a run."""

    run: Run
    name: str
    layout: TargetLayout

    @cached_property
    def problem(self) -> xr.Dataset:
        """Recorded activity (trial, time, target), trial table, folds."""
        return _open(self.layout.problem)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline scores of this target, best first."""
        return self.run.summary.query("target == @self.name").reset_index(drop=True)

    @property
    def models(self) -> list[str]:
        """Names of the models that were fitted, in the config's order."""
        fitted = set(self.summary["model"])
        return [name for name in self.run.config.build_models() if name in fitted]

    @property
    def recorded(self) -> np.ndarray:
        """(trial, time, target)."""
        return self.problem["recorded"].values

    def job(self, model: str, fold: int) -> dict[str, Any]:
        """What a fitted model chose and how it trained."""
        return read_json(self.layout.job(model, fold))

    def arrays(self, model: str, fold: int) -> dict[str, np.ndarray]:
        """``prediction``, ``test`` and perhaps ``latents`` of a job."""
        path = self.layout.arrays(model, fold)
        try:
            with np.load(path) as stored:
                return dict(stored)
        except FileNotFoundError:
            raise RunError(f"'{path.parent}' lacks {path.name}") from None

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.problem["fold"].max()) + 1

    @cached_property
    def folds(self) -> list[Fold]:
        """Which trials were learnt from and which were held out, fold by fold."""
        of_trial = self.problem["fold"].values
        evaluation, windows = self.run.config.evaluation, bool(self.problem.attrs["windows"])
        if windows or evaluation.split == "block":  # a gap beside each test block is in neither
            gap = max(evaluation.gap, 1) if windows else evaluation.gap
            return split_by_block(of_trial.size, self.n_folds, gap)
        folds = range(self.n_folds)
        return [Fold(*map(np.flatnonzero, (of_trial != k, of_trial == k))) for k in folds]

    def predicted(self, model: str) -> np.ndarray:
        """Held-out predictions of every trial, (trial, time, target)."""
        whole = np.full(self.recorded.shape, np.nan, dtype=np.float32)
        for fold in range(self.n_folds):
            stored = self.arrays(model, fold)
            whole[stored["test"]] = stored["prediction"]
        return whole

    @cached_property
    def shown_model(self) -> str:
        """The model whose predictions are drawn: the default where it is there, else the best."""
        fitted = [name for name in self.summary["model"] if not is_null(name)]
        if DEFAULT_MODEL in fitted:
            return DEFAULT_MODEL
        return fitted[0] if fitted else str(self.summary["model"].iloc[0])

    @cached_property
    def shown_baseline(self) -> str | None:
        """The strong baseline that is drawn beside it."""
        others = set(self.summary["model"]) - {self.shown_model}
        return strongest_baseline(others) or ("psth" if "psth" in others else None)

    def groups(self) -> tuple[str, np.ndarray]:
        """A few groups of trials to average over: what they are called, and a label per trial.

        The side of the stimulus where contrasts are known, else a trial column with few values.
        """
        problem = self.problem
        if {"trial_contrast_left", "trial_contrast_right"} <= set(problem.variables):
            right, left = (problem[f"trial_contrast_{s}"].values for s in ("right", "left"))
            side = np.sign(right - left)
            names = {-1: "left", 0: "equal or none", 1: "right"}
            return "stronger stimulus", np.array([names[int(value)] for value in side])
        for name in problem.variables:
            if not str(name).startswith("trial_"):
                continue
            values = problem[name].values
            if 1 < len(np.unique(values)) <= 5:
                return str(name).removeprefix("trial_"), values.astype(str)
        return "trials", np.full(problem.sizes["trial"], "all")


@dataclass(frozen=True)
class Answered:
    """One answer: its facts, tables and matrices."""

    layout: RunLayout
    name: str
    facts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    @property
    def kind(self) -> str:
        """Which question it answers."""
        return str(self.facts["kind"])

    def table(self, name: str) -> pd.DataFrame:
        """One of its tables; empty where it has no such table."""
        if name not in self.facts["tables"]:
            return pd.DataFrame()
        names = {"class": str, "truth": str, "condition": str, "label": str, "area": str}
        return pd.read_csv(self.layout.answer_table(self.name, name), dtype=names)

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Its matrices."""
        with np.load(self.layout.answer_arrays(self.name)) as kept:
            return dict(kept)


def _open(path: Path) -> xr.Dataset:
    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            return opened.load()
    except FileNotFoundError:
        raise RunError(f"'{path.parent}' lacks {path.name}") from None
