"""The files of a finished sweep as its page reads them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from spikecast.core.checks import quote
from spikecast.core.errors import RunError
from spikecast.core.stored import damaged, read_json
from spikecast.core.stored_tables import read_table
from spikecast.runs.config import SearchConfig
from spikecast.runs.layout import SweepLayout
from spikecast.runs.reader import Run
from spikecast.runs.score_tables import read_summary
from spikecast.runs.sweep.contents import TRIALS, SweepFacts


class SweepRun(Run):
    """A finished sweep; it has the settings, manifest and scores of a run."""

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
        return read_json(self.layout.result, SweepFacts)

    @property
    def search(self) -> SearchConfig:
        """The block `search` of its config."""
        return self.config.search or SearchConfig()

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Every trial of every search."""
        path, table = self.layout.trials, read_table(self.layout.trials, TRIALS)
        for model in self.facts["models"]:
            if not (table["model"] == model["label"]).any():
                raise damaged(path, f"it has no try of {quote(model['label'])}")
            missing = [name for name in model["space"] if name not in table]
            if missing:
                raise damaged(path, f"the column {quote(missing[0])} is missing")
        return table

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Headline scores with intervals, per model."""
        table = read_summary(self.layout.summary)
        if self.facts["metric"] not in table:
            raise damaged(self.layout.summary, f"the column {self.facts['metric']} is missing")
        return table

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
