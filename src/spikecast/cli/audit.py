"""spikecast audit RUN."""

from spikecast.cli.app import RunFolder, show


def audit(folder: RunFolder) -> None:
    """Name hazards in how a run came by its numbers, with the fix."""
    from spikecast.report.shared.audit import describe_silent_rules
    from spikecast.runs import audit as audits

    for title, part in audits.list_audited(folder).items():
        if title:
            show(title)
        result = audits.audit(part)
        for hazard in result.hazards:
            show(f"{hazard.severity}: {hazard.rule} ({hazard.places})")
            show(f"  found: {hazard.evidence}")
            show(f"  fix: {hazard.fix}")
        show(describe_silent_rules(result))
