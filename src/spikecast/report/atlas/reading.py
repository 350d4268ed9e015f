"""The files of an atlas as its page reads them."""

from pathlib import Path
from typing import Any

from spikecast.core.checks import quote
from spikecast.core.errors import RunError
from spikecast.core.stored import damaged
from spikecast.runs.atlas.contents import CELLS, POOLED, AtlasManifest, PlannedSession, SessionFacts
from spikecast.runs.atlas.run import read_settings
from spikecast.runs.atlas.tables import read_atlas_table
from spikecast.runs.layout import AtlasLayout
from spikecast.runs.manifest import read_manifest
from spikecast.scoring.metric_table import HEADLINE, Metric

LATER = ("p", "p_corrected", "n_shifts", "untested", "error", "train_mean_low")
"""Columns of the cells of an atlas that asks what is beyond task and drift."""


class Atlas:
    """The settings, manifest and tables of a finished atlas."""

    def __init__(self, folder: Path) -> None:
        layout = AtlasLayout(folder)
        if not layout.cells.exists():
            raise RunError(f"the atlas in '{folder}' is not finished; resume it")
        self.folder = folder
        self.settings = read_settings(folder)
        self.manifest = read_manifest(folder, AtlasManifest[SessionFacts])
        self.sessions: dict[str, Any] = self.manifest["data"]["sessions"]
        # a row per session, model, source and target
        self.cells = read_atlas_table(layout.cells, CELLS)
        if "passes" not in self.cells:
            raise RunError(
                f"the atlas in '{folder}' was made by an earlier version, which did not ask "
                "whether a pair tells something beyond task and drift; make it again (--overwrite)"
            )
        self.manifest = read_manifest(folder, AtlasManifest[PlannedSession])
        self.sessions = self.manifest["data"]["sessions"]
        self._check_cells(layout)
        # a row per model, source and target
        self.pooled = read_atlas_table(layout.table("pooled"), POOLED)

    def _check_cells(self, layout: AtlasLayout) -> None:
        """Raise a DamagedFileError where the cells are not of the sessions of the manifest."""
        unknown = set(self.cells["session"]) - set(self.sessions)
        if unknown:
            raise damaged(layout.cells, f"the manifest has no session {quote(unknown.pop())}")
        missing = [name for name in LATER if name not in self.cells]
        if missing:
            raise damaged(layout.cells, f"the column {quote(missing[0])} is missing")

    @property
    def metric(self) -> Metric:
        """What scores are given in; all sessions are of one kind."""
        kinds = {about["kind"] for about in self.sessions.values()}
        return HEADLINE["continuous" if kinds == {"continuous"} else "counts"]
