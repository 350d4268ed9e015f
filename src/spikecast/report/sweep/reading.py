"""The files of a finished sweep as its page reads them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from spikecast.core.errors import RunError
from spikecast.core.files import read_json
from spikecast.runs import config as configs
from spikecast.runs.config import Config, EvaluationConfig, SearchConfig
from spikecast.runs.layout import SweepLayout
from spikecast.runs.run_directory import read_manifest


@dataclass(frozen=True)
class SweepRun:
    """A finished sweep; every file is read when it is first needed."""

    folder: Path

    @property
    def layout(self) -> SweepLayout:
        """Where the files lie."""
        return SweepLayout(self.folder)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The content of ``sweep.json``; RunError where the sweep is not finished."""
        manifest = self.manifest
        if not self.layout.result.exists():
            raise RunError(
                f"the sweep in '{self.folder}' is not finished; resume it "
                f"(it was begun by: {manifest.get('command')})"
            )
        return read_json(self.layout.result)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Versions, machine, data."""
        return read_manifest(self.folder)

    @cached_property
    def config(self) -> Config:
        """The settings of the sweep."""
        return configs.read(self.layout.config)

    @property
    def search(self) -> SearchConfig:
        """Its block `search`."""
        return self.config.search or SearchConfig()

    @property
    def evaluation(self) -> EvaluationConfig:
        """Its block `evaluation`."""
        return self.config.evaluation

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline scores with intervals."""
        return pd.read_csv(self.layout.summary)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Every trial of every search."""
        return pd.read_csv(self.layout.trials, dtype={"model": str, "fold": str})

    @property
    def models(self) -> list["SweptModel"]:
        """The models that were tuned."""
        return [SweptModel(self, facts) for facts in self.facts["models"]]


@dataclass(frozen=True)
class SweptModel:
    """The facts of one model of a sweep, by name."""

    run: SweepRun
    facts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    @property
    def metric(self) -> str:
        """The headline metric."""
        return self.run.facts["metric"]

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Its trials."""
        return self.run.trials[self.run.trials["model"] == self["label"]]
