"""spikecast report RUN."""

from spikecast.cli.app import RunFolder, show


def report(folder: RunFolder) -> None:
    """Draw the report of a finished run, study, sweep or atlas again."""
    from spikecast import report as reports

    show(f"report: {reports.build(folder)}")
