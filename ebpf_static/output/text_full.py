"""``full``: a block per finding in the layout of rustc, for people."""

from __future__ import annotations

from ebpf_static.errors import escape
from ebpf_static.findings import Confidence, Finding, Location, Report
from ebpf_static.output.places import also_at
from ebpf_static.output.style import RenderOptions, Style, hyperlink
from ebpf_static.output.summary import ending

_MAX_SOURCE = 160
"""Characters of a source line shown; an object can claim a line of any length."""


def render(report: Report, options: RenderOptions) -> str:
    """Return a block per active finding, an empty line after each, then the counts."""
    links = options.links
    blocks = [
        _block(finding, options.style, links.get(finding.code, ""), also_at(report, finding)) + "\n"
        for finding in report.active
    ]
    return "".join(blocks) + ending(
        report, options.style, with_footer=options.footer, with_statistics=options.statistics
    )


def _block(finding: Finding, style: Style, url: str, elsewhere: str) -> str:
    severity = finding.severity.value
    title = hyperlink(style(severity, f"{severity}[{escape(finding.code)}]"), url)
    lines = [f"{title}{style('bold', f': {escape(finding.message)}')}"]
    margin = _margin(finding)
    for number, location in enumerate(finding.locations):
        arrow = "-->" if number == 0 else ":::"
        lines.append(f"{margin}{style('frame', arrow)} {location}")
        lines.extend(_source(location, margin, style))
    remarks = _remarks(finding, style, elsewhere)
    lines.extend(f"{margin} {style('frame', '=')} {text}" for text in remarks)
    return "\n".join(lines) + "\n"


def _margin(finding: Finding) -> str:
    numbers = [str(place.line) for place in finding.locations if _shows_source(place)]
    return " " * max(map(len, numbers), default=1)


def _shows_source(location: Location) -> bool:
    return location.line is not None and bool(location.source and location.source.strip())


def _source(location: Location, margin: str, style: Style) -> list[str]:
    if not _shows_source(location):
        return []
    raw = location.source or ""
    text = raw.strip()
    shown = escape(text.expandtabs(4))
    if len(shown) > _MAX_SOURCE:
        shown = f"{shown[:_MAX_SOURCE]}…"
    bar = style("frame", "|")
    number = style("frame", f"{location.line:>{len(margin)}}")
    lines = [f"{margin} {bar}", f"{number} {bar} {shown}"]
    at = (location.column or 0) - 1 - (len(raw) - len(raw.lstrip()))
    if 0 <= at < len(text):
        indent = len(escape(text[:at].expandtabs(4)))
        if indent < _MAX_SOURCE:
            lines.append(f"{margin} {bar} {' ' * indent}{style('error', '^')}")
    return lines


def _remarks(finding: Finding, style: Style, elsewhere: str) -> list[str]:
    note, help_ = style("bold", "note"), style("bold", "help")
    remarks = [f"{note}: {escape(text)}" for text in finding.related]
    if elsewhere:
        remarks.append(f"{note}: {escape(elsewhere)}")
    if finding.target:
        remarks.append(f"{note}: judged for {escape(finding.target)}")
    if finding.confidence is not Confidence.HIGH:
        remarks.append(f"{note}: {finding.confidence.value} confidence")
    if finding.help:
        first, *rest = finding.help.splitlines()
        remarks.append(f"{help_}: {escape(first)}")
        remarks.extend(f"      {escape(line)}" for line in rest)
    return remarks
