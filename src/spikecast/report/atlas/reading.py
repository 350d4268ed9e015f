"""The files of an atlas as its page reads them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from spikecast.core.errors import RunError
from spikecast.runs.atlas.run import read_settings
from spikecast.runs.atlas.settings import AtlasSettings
from spikecast.runs.atlas.tables import read_atlas_table
from spikecast.runs.layout import AtlasLayout
from spikecast.runs.manifest import read_manifest
from spikecast.scoring.metric_table import HEADLINE, Metric


@dataclass(frozen=True)
class Atlas:
    """A finished atlas; every table is read when it is first needed."""

    folder: Path

    def __post_init__(self) -> None:
        if not AtlasLayout(self.folder).cells.exists():
            raise RunError(f"the atlas in '{self.folder}' is not finished; resume it")

    @cached_property
    def settings(self) -> AtlasSettings:
        """The settings, defaults included."""
        return read_settings(self.folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Versions, machine, sessions."""
        return read_manifest(self.folder)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per session, model, source, target."""
        return read_atlas_table(AtlasLayout(self.folder).cells)

    @cached_property
    def pooled(self) -> pd.DataFrame:
        """One row per model, source, target."""
        return read_atlas_table(AtlasLayout(self.folder).table("pooled"))

    @property
    def sessions(self) -> dict[str, Any]:
        """Name -> what the manifest says of a session."""
        return self.manifest["data"]["sessions"]

    @property
    def metric(self) -> Metric:
        """What scores are given in; bits per spike where sessions of both kinds are mixed."""
        kinds = {about["kind"] for about in self.sessions.values()}
        return HEADLINE["continuous" if kinds == {"continuous"} else "counts"]
