"""What every report ends with: the counts."""

from __future__ import annotations

from collections import Counter

from ebpf_static.findings import Report, Severity
from ebpf_static.output.style import Style


def footer(report: Report, style: Style) -> str:
    """Return the last line: ``Found 3 errors, 1 warning in 2 objects (4 suppressed)``."""
    counts = [
        style(severity.value, _plural(report.count(severity), severity.value))
        for severity in Severity
        if report.count(severity)
    ]
    found = f"Found {', '.join(counts)}" if counts else "No problems found"
    text = f"{found} in {_plural(len(report.objects), 'object')}"
    if not counts and not report.objects:  # "no problems" would be praise for nothing
        text = "No object was judged"
    copies = sum(len(each.places) for each in report.copies)
    if copies:
        text += f" and {copies} {'copy' if copies == 1 else 'copies'} of them"
    suppressed = len(report.findings) - len(report.active)
    remarks = [f"{suppressed} suppressed"] if suppressed else []
    if report.stale:
        remarks.append(f"{len(report.stale)} stale in the baseline")
    if remarks:
        text += f" ({', '.join(remarks)})"
    if report.failures:
        text += f"; {style('error', _plural(len(report.failures), 'failure'))}"
    return f"{text}\n"


def count_by_code(report: Report) -> dict[tuple[str, str], int]:
    """Return how many active findings each (code, name) has, most frequent first."""
    counts = Counter((finding.code, finding.name) for finding in report.active)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def statistics(report: Report) -> str:
    """Return one aligned line per code: count, code, name; empty without findings."""
    counts = count_by_code(report)
    width = max((len(str(count)) for count in counts.values()), default=0)
    return "".join(f"{n:>{width}}  {code}  {name}\n" for (code, name), n in counts.items())


def ending(report: Report, style: Style, *, with_footer: bool, with_statistics: bool) -> str:
    """Return statistics and footer as asked for, set off from what stands above."""
    parts = []
    if with_statistics and report.active:
        parts.append(statistics(report))
    if with_footer:
        parts.append(footer(report, style))
    return "".join(parts)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
