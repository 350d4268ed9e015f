"""spikecast report RUN."""

from spikecast.cli.app import RunFolder


def report(folder: RunFolder) -> None:
    """Draw the report of a finished run, study, sweep or atlas again."""
    from spikecast import report as reports
    from spikecast.report.atlas import page as atlases
    from spikecast.report.study import page as studies
    from spikecast.report.sweep import page as sweeps

    makers = {"study.json": studies.build, "sweep.json": sweeps.build, "atlas.yaml": atlases.build}
    build = next((make for name, make in makers.items() if (folder / name).exists()), reports.build)
    print(f"report: {build(folder)}")
