"""The report as text and as Markdown: the same lines, indented or with marks.

Names come from the object: everything is escaped before it is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ebpf_static.errors import escape
from ebpf_static.findings import Location
from ebpf_static.markdown import message
from ebpf_static.port.model import (
    Blocker,
    FieldPort,
    HelperPort,
    MapPort,
    PortReport,
    ProgramPort,
    VerdictPort,
    tick,
)
from ebpf_static.uapi.base import UapiConstant

NONE = "nothing"


class Line(NamedTuple):
    """One line: how deep it stands, its words, and whether it opens a part."""

    depth: int
    text: str
    heading: bool = False


def render_text(report: PortReport) -> str:
    """Return the report as indented lines."""
    return "".join(f"{'  ' * line.depth}{escape(line.text)}\n" for line in iter_lines(report))


def render_markdown(report: PortReport) -> str:
    """Return the report as Markdown: headings and nested lists."""
    parts: list[str] = []
    for line in iter_lines(report):
        text = message(line.text)
        if line.depth == 0:
            parts.append(f"\n{text}\n" if parts else f"# {text}\n")
        elif line.heading:
            parts.append(f"\n## {text}\n\n")
        else:
            parts.append(f"{'  ' * (line.depth - 2)}- {text}\n")
    return "".join(parts)


def iter_lines(report: PortReport) -> Iterator[Line]:
    """Yield the report line by line; a difference is told where it comes first."""
    told: set[str] = set()
    assumed = "" if report.established else ", as far as one can tell"
    yield Line(0, f"{report.object}: {report.source.label}{assumed} -> {report.to.label}")
    notes = tuple(f"{_DIFFERS}{text}" for text in report.differences)
    for title, items, tell in (
        ("object", notes, _as_it_is),
        ("in the way", report.all_blockers, _blocker),
        ("programs", report.programs, _program),
        ("maps", report.maps, _map),
        ("helpers", report.helpers, _helper),
    ):
        for line in _part(title, items, tell):
            if line.text.startswith(_DIFFERS):
                if line.text in told:
                    continue
                told.add(line.text)
            yield line
    yield Line(0, _conclusion(report))


_DIFFERS = "differs: "


def _as_it_is(text: str) -> Iterator[str]:
    yield text


def _conclusion(report: PortReport) -> str:
    count = len(report.all_blockers)
    if count:
        things = "1 thing is" if count == 1 else f"{count} things are"
        return f"{things} in the way: new headers alone make no object for {report.to.label}"
    return (
        f"nothing is in the way: compile with the headers of {report.to.label}, and mind what "
        "differs"
    )


def _part(
    title: str, items: tuple[Any, ...], tell: Callable[[Any], Iterator[str]]
) -> Iterator[Line]:
    if items:
        yield Line(1, f"{title} ({len(items)})", heading=True)
    for item in items:
        for number, text in enumerate(tell(item)):
            yield Line(2 if number == 0 else 3, text)


def _blocker(blocker: Blocker) -> Iterator[str]:
    yield blocker.what
    for place in blocker.locations:
        yield _place(place)
    if blocker.count > len(blocker.locations) > 0:
        yield f"and {blocker.count - len(blocker.locations)} more"


def _place(place: Location) -> str:
    text = place.logical or place.object
    return f"{text} ({place.file}:{place.line})" if place.file is not None else text


def _map(item: MapPort) -> Iterator[str]:
    yield f"{tick(item.name or '(unnamed)')}: {_pair(item.type, item.twin)}"
    for text in item.differences:
        yield f"{_DIFFERS}{text}"


def _helper(item: HelperPort) -> Iterator[str]:
    twins = ", ".join(_named(twin) for twin in item.twins) or NONE
    calls = "1 call" if item.count == 1 else f"{item.count} calls"
    yield f"{_named(item.helper)} -> {twins} ({calls})"
    for text in item.differences:
        yield f"{_DIFFERS}{text}"


def _program(item: ProgramPort) -> Iterator[str]:
    yield f"{tick(item.name or '(unnamed)')}: section {tick(item.section)} -> " + (
        f"`{item.twin_section}`" if item.twin_section else NONE
    )
    yield f"type: {_pair(item.type, item.twin_type)}"
    if item.attach_type is not None:
        yield f"attach type: {_pair(item.attach_type, item.twin_attach_type)}"
    if item.context is not None and item.twin_context is not None:
        yield f"context: `{item.context}` -> `{item.twin_context}`"
    yield from (_field(field) for field in item.fields)
    yield from (_verdict(verdict) for verdict in item.verdicts)
    for text in item.differences:
        yield f"{_DIFFERS}{text}"


def _field(field: FieldPort) -> str:
    verb = "writes" if field.writes else "reads"
    here = f"`{field.field}`" if field.field else "no field"
    there = NONE
    if field.twin is not None:
        there = f"`{field.twin}` at {field.twin_offset}, {field.twin_size} bytes"
    return (
        f"{verb} {field.size} bytes at {field.offset}, {here} -> {there} [{_line(field.location)}]"
    )


def _verdict(verdict: VerdictPort) -> str:
    here = f"`{verdict.name}`" if verdict.name else "no verdict"
    there = f"{verdict.twin_value}, `{verdict.twin}`" if verdict.twin else NONE
    return f"returns {verdict.value}, {here} -> {there} [{_line(verdict.location)}]"


def _line(place: Location) -> str:
    return f"{place.file}:{place.line}" if place.file is not None else f"insn {place.insn}"


def _pair(here: UapiConstant, there: UapiConstant | None) -> str:
    return f"{_named(here)} -> {_named(there) if there is not None else NONE}"


def _named(constant: UapiConstant) -> str:
    return f"`{constant.name}` {constant.number}"
