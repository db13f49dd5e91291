"""A report on an object under another of its names."""

from __future__ import annotations

from ebpf_static.engine.policy import changed, replaced
from ebpf_static.findings import Failure, Finding, Ran, Report


def renamed(report: Report, old: str, name: str) -> Report | None:
    """Return the report on one object as if it had been called otherwise.

    Args:
        report: on the object alone.
        old: what it is called there.
        name: what to call it.

    Returns:
        None when a text speaks of the old name, so that nobody can tell what it would say.
    """
    if old == name:
        return report
    for finding in report.findings:
        if any(old in text for text in (finding.message, finding.help, *finding.related)):
            return None
    if any(not line.startswith(f"{old}: ") for line in report.skipped):
        return None
    if any(old in failure.message for failure in report.failures):
        return None
    return replaced(
        report,
        findings=tuple(_moved(finding, old, name) for finding in report.findings),
        failures=tuple(
            Failure.model_construct(object=name, message=f.message, rule=f.rule)
            for f in report.failures
        ),
        objects=(name,),
        skipped=tuple(f"{name}{line.removeprefix(old)}" for line in report.skipped),
        ran=tuple(Ran(name, ran.target, ran.rules) for ran in report.ran),
    )


def _moved(finding: Finding, old: str, name: str) -> Finding:
    places = tuple(
        place.model_copy(update={"object": name}) if place.object == old else place
        for place in finding.locations
    )
    return changed(finding, locations=places)
