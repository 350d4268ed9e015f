"""spikecast studies."""

from rich.console import Console
from rich.table import Table


def studies() -> None:
    """List the published studies that can be run by name, and what data each needs."""
    from spikecast.runs.studies import preset
    from spikecast.runs.studies.catalog import STUDIES

    table = Table(box=None, pad_edge=False)
    for column in ("name", "what it asks", "data (without them: simulated)"):
        table.add_column(column)
    for name in STUDIES:
        written = preset.read(name)
        table.add_row(name, written.about, f"{written.data.dataset}: {written.data.needs}")
    Console().print(table)
