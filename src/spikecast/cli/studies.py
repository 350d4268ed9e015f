"""spikecast studies."""

from rich.console import Console
from rich.table import Table


def studies() -> None:
    """List the published studies that can be run by name, and what data each needs."""
    from spikecast.runs.studies.catalog import STUDIES
    from spikecast.runs.studies.preset import read_preset

    table = Table(box=None, pad_edge=False)
    for column in ("name", "what it asks", "data (without them: simulated)"):
        table.add_column(column)
    for name in STUDIES:
        preset = read_preset(name)
        table.add_row(name, preset.about, f"{preset.data.dataset}: {preset.data.needs}")
    Console().print(table)
