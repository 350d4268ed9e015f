"""spikecast report RUN."""

from spikecast.cli.app import RunFolder


def report(folder: RunFolder) -> None:
    """Draw the report of a finished run, study, sweep or atlas again."""
    from spikecast import report as reports
    from spikecast.report.atlas import page as atlases
    from spikecast.report.study import page as studies
    from spikecast.report.sweep import page as sweeps
    from spikecast.runs.layout import kind_of

    builders = {"study": studies.build, "sweep": sweeps.build, "atlas": atlases.build}
    build = builders.get(kind_of(folder) or "run", reports.build)
    print(f"report: {build(folder)}")
