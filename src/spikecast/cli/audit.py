"""spikecast audit RUN."""

from spikecast.cli.app import RunFolder


def audit(folder: RunFolder) -> None:
    """Name hazards in how a run came by its numbers, with the fix."""
    from spikecast.report.shared.audit import describe_silent_rules
    from spikecast.runs import audit as audits

    for title, part in audits.list_audited(folder).items():
        if title:
            print(title)
        result = audits.audit(part)
        for hazard in result.hazards:
            print(f"{hazard.severity}: {hazard.rule} ({hazard.places})")
            print(f"  found: {hazard.evidence}")
            print(f"  fix: {hazard.fix}")
        print(describe_silent_rules(result))
