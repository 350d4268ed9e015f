"""The files of an atlas as its page reads them."""

from pathlib import Path
from typing import Any

from spikecast.core.errors import RunError
from spikecast.runs.atlas.run import read_settings
from spikecast.runs.atlas.tables import read_atlas_table
from spikecast.runs.layout import AtlasLayout
from spikecast.runs.manifest import read_manifest
from spikecast.scoring.metric_table import HEADLINE, Metric


class Atlas:
    """The settings, manifest and tables of a finished atlas."""

    def __init__(self, folder: Path) -> None:
        layout = AtlasLayout(folder)
        if not layout.cells.exists():
            raise RunError(f"the atlas in '{folder}' is not finished; resume it")
        self.folder = folder
        self.settings = read_settings(folder)
        self.manifest = read_manifest(folder)
        self.sessions: dict[str, Any] = self.manifest["data"]["sessions"]
        self.cells = read_atlas_table(layout.cells)  # a row per session, model, source, target
        if "passes" not in self.cells:
            raise RunError(
                f"the atlas in '{folder}' was made by an earlier version, which did not ask "
                "whether a pair tells something beyond task and drift; make it again (--overwrite)"
            )
        self.pooled = read_atlas_table(layout.table("pooled"))  # a row per model, source, target

    @property
    def metric(self) -> Metric:
        """What scores are given in; bits per spike where sessions of both kinds are mixed."""
        kinds = {about["kind"] for about in self.sessions.values()}
        return HEADLINE["continuous" if kinds == {"continuous"} else "counts"]
