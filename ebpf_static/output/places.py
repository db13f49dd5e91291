"""Places as other tools want them: one file and line, one path inside, one fingerprint each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ebpf_static.errors import escape
from ebpf_static.findings import IN_SOURCE, Finding, Location, Report

_MAX_PLACES = 5
"""Places of one object spelled out; ``json`` and ``-v`` name them all."""


def file_and_line(place: Location) -> tuple[str, int]:
    """Return the source file and line, or the object and 1 for tools that insist on a line."""
    if place.file is not None and place.line:
        return place.file, place.line
    return place.object, 1


def also_at(report: Report, finding: Finding) -> str:
    """Return in words where else the object of a finding was found; empty for nowhere."""
    places = report.places_of(finding.location.object)
    if not places:
        return ""
    shown = ", ".join(places[:_MAX_PLACES])
    left = len(places) - _MAX_PLACES
    return f"the same object is at {shown}" + (f" and {left} more places" if left > 0 else "")


def path_inside(place: Location) -> str:
    """Return the place inside the object as a path: ``xdp/drop``, ``.maps/events``."""
    names = (place.section, place.program or place.map or place.symbol)
    return "/".join(escape(name) for name in names if name)


def with_fingerprints(findings: Iterable[Finding]) -> Iterator[tuple[Finding, str]]:
    """Yield each finding with its fingerprint, unique in the report.

    The second finding with the same fingerprint (the same thing twice in one function) gets a
    number, and so on in the order of the report.
    """
    seen: Counter[str] = Counter()
    for finding in findings:
        print_ = finding.fingerprint
        seen[print_] += 1
        yield finding, print_ if seen[print_] == 1 else f"{print_}-{seen[print_]}"


def is_in_source(finding: Finding) -> bool:
    """Tell whether a suppressed finding is suppressed in the object's own source."""
    return (finding.suppressed_by or "").startswith(IN_SOURCE)
