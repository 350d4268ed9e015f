"""The directory of an atlas as its page sees it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from spikecast.core.errors import RunError
from spikecast.runs.atlas import run as atlases
from spikecast.runs.atlas.settings import Settings
from spikecast.runs.layout import AtlasLayout
from spikecast.runs.run_directory import read_manifest


@dataclass(frozen=True)
class Atlas:
    """The files of an atlas; every table is read when first asked for."""

    folder: Path

    def __post_init__(self) -> None:
        if not AtlasLayout(self.folder).cells.exists():
            raise RunError(f"the atlas in '{self.folder}' is not finished; go on with --resume")

    @cached_property
    def settings(self) -> Settings:
        """What was asked."""
        return atlases.read(self.folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Versions, machine, sessions."""
        return read_manifest(self.folder)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per session, model, source, target."""
        return self._table("cells")

    @cached_property
    def pooled(self) -> pd.DataFrame:
        """One row per model, source, target."""
        return self._table("pooled")

    def _table(self, name: str) -> pd.DataFrame:
        # an area may be called "NA" or "1": both are text
        text = dict.fromkeys(("session", "model", "source", "target", "error"), str)
        path = AtlasLayout(self.folder).table(name)
        table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=text)
        return table.assign(error=table["error"].fillna("")) if "error" in table else table

    @property
    def sessions(self) -> dict[str, Any]:
        """Name -> what was recorded."""
        return self.manifest["data"]["sessions"]

    @property
    def kinds(self) -> set[str]:
        """Kinds of activity among the sessions."""
        return {about["kind"] for about in self.sessions.values()}

    @property
    def unit(self) -> str:
        """What scores are given in."""
        return "R²" if self.kinds == {"continuous"} else "bits per spike"
