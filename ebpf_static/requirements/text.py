"""The requirements as text and as Markdown; names come from the object and are escaped."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.errors import escape
from ebpf_static.markdown import code, message, text
from ebpf_static.requirements.model import Guard, Requirement, Requirements

_GUARDS = {
    Guard.NONE: "",
    Guard.GUARDED: "guarded",
    Guard.FALLBACK: "fallback",
    Guard.OPTIONAL: "optional",
}
_NAMES = 5


def render_text(report: Requirements) -> str:
    """Return the requirements as indented lines."""
    lines = [f"{escape(report.object)}: {report.platform.label}"]
    lines += [f"  {line}" for line in _lowest(report)]
    kind = None
    for item in report.items:
        if item.kind is not kind:
            kind = item.kind
            lines.append(f"  {kind.value}")
        lines.append(
            f"    {escape(item.name)}{''.join(f', {it}' for it in _remarks(item, report.loader))}"
        )
        lines += [f"      {line}" for line in _places(item)]
    if not report.items:
        lines.append("  nothing")
    return "\n".join(lines) + "\n"


def render_markdown(report: Requirements) -> str:
    """Return the requirements as a Markdown table."""
    lines = [f"# {text(report.object)}: {report.platform.label}", ""]
    lines += [line for it in _lowest(report) for line in (message(it), "")]
    lines += ["| kind | name | since | guard | where |", "|---|---|---|---|---|"]
    for item in report.items:
        where = text("; ".join(_places(item)))
        guard = _GUARDS[item.guard]
        lines.append(
            f"| {item.kind.value} | {code(item.name)} | {item.since or ''} | {guard} | {where} |"
        )
    return "\n".join(lines) + "\n"


def _lowest(report: Requirements) -> Iterator[str]:
    lowest = report.lowest
    if lowest is None:
        return
    yield f"lowest release: {lowest}"
    if lowest.reason is not None:
        yield f"{lowest.below} rejects it: {lowest.reason.code} {escape(lowest.reason.message)}"


def _remarks(item: Requirement, loader: str) -> Iterator[str]:
    if item.since is not None:
        yield f"since {item.since}"
    yield from item.conditions
    if item.guard is not Guard.NONE:
        yield _GUARDS[item.guard]
    if item.replaced_by is not None:
        yield f"{loader} replaces it by {item.replaced_by}"


def _places(item: Requirement) -> Iterator[str]:
    if item.programs:
        shown = ", ".join(escape(name) for name in item.programs[:_NAMES])
        more = len(item.programs) - _NAMES
        yield f"needed by {shown}" + (f" and {more} more" if more > 0 else "")
    for place in item.locations:
        source = f" ({escape(place.file)}:{place.line})" if place.file is not None else ""
        yield f"{place.logical}{source}"
    if item.count > len(item.locations):
        yield f"and {item.count - len(item.locations)} more places"
