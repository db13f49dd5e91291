"""A comparison for people."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.diff.model import Change, Difference, DiffReport, Origin
from ebpf_static.errors import escape

_ORIGINS = {
    Origin.SAME: "the image was made from this object",
    Origin.CONSISTENT: "nothing contradicts that the image was made from this object",
    Origin.DIFFERENT: "the image was not made from this object",
}
_SIGNS = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~"}


def render_text(report: DiffReport) -> str:
    """Return the report as lines, one per difference, then the verdict."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: DiffReport) -> Iterator[str]:
    yield f"--- {escape(report.left)}"
    yield f"+++ {escape(report.right)}"
    yield from (_line(difference) for difference in report.differences)
    if not report.differences:
        yield "no differences"
    if report.regressions:
        yield ""
        yield from (f"regression: {escape(line)}" for line in report.regressions)
    if report.origin is not None:
        yield ""
        yield _ORIGINS[report.origin]
    yield from (f"note: {note}" for note in report.notes)


def _line(difference: Difference) -> str:
    name = f" `{escape(difference.name)}`" if difference.name else ""
    text = f"{_SIGNS[difference.change]} {difference.subject}{name}"
    if difference.field:
        left, right = escape(difference.left), escape(difference.right)
        return f"{text}: {difference.field}: {left} -> {right}"
    value = difference.left or difference.right
    return f"{text} ({escape(value)})" if value else text
