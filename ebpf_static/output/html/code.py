"""Code with its source, and pictures, as far as the page has room for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ebpf_static.errors import FormatError, UsageError
from ebpf_static.findings import Finding
from ebpf_static.output.code_facts import CodeIndex
from ebpf_static.output.html.findings import SHOWN, Places
from ebpf_static.output.html.markup import Html, brief, details, join, scrolling, tag, text
from ebpf_static.output.html.model import LEFT_OUT, Entry, Room
from ebpf_static.output.listing import CodeLine, code_lines, title_of
from ebpf_static.output.pictures.calls import draw_calls
from ebpf_static.output.pictures.drawing import Drawing
from ebpf_static.output.pictures.flow import draw_flow
from ebpf_static.output.pictures.maps import draw_maps
from ebpf_static.output.pictures.marks import Marks
from ebpf_static.output.pictures.svg import render_inline
from ebpf_static.specs import CollectionSpec, FunctionSpec

MAX_FUNCTION_INSNS = 20_000
"""Insns of a function that is listed."""
MAX_PICTURE_INSNS = 3_000
"""Insns of a program, with what it calls, whose control flow is drawn."""
_OPEN = 40
"""Boxes of a picture with findings that is unfolded from the start."""
_LINE_CHARS = 60
"""About how much markup an instruction takes at least."""


def places_of(number: int, entry: Entry) -> dict[tuple[str, str, int], str]:
    """Return an anchor for every instruction of an object that a finding points to."""
    if entry.contents is None:
        return {}
    positions: dict[tuple[str, str], int] = {}
    for at, function in enumerate(entry.contents.spec.functions):
        if function.code and function.insn_count <= MAX_FUNCTION_INSNS:
            positions.setdefault((function.section, function.name), at)
    found = {}
    for finding in entry.findings:
        for place in finding.locations:
            at = positions.get((place.section or "", place.program or ""), -1)
            if at >= 0 and place.insn is not None:
                key = (place.section or "", place.program or "", place.insn)
                found[key] = f"o{number}-c{at}-i{place.insn}"
    return found


def code_of(
    number: int, entry: Entry, index: CodeIndex, places: Places, room: Room
) -> Iterator[Html]:
    """Yield every function's code, then what there was no room for."""
    numbers = {it: n for n, it in enumerate(_ordered(entry.findings))}
    left_out = []
    for at, function in enumerate(index.spec.functions):
        if not function.code:  # an image's programs are machine code
            continue
        part = None
        if function.insn_count <= MAX_FUNCTION_INSNS and room.fits(
            function.insn_count * _LINE_CHARS
        ):
            part = room.take(_function(f"o{number}-c{at}", function, index, places, numbers))
        if part is None:
            left_out.append(function)
        else:
            yield part
    if left_out:
        names = join((tag("code", brief(it.name, 80) or "(unnamed)") for it in left_out[:20]), ", ")
        more = f" and {len(left_out) - 20} more" if len(left_out) > 20 else ""
        yield tag(
            "p", LEFT_OUT, ": ", names, more,
            ". 'ebpf-static inspect FILE --disasm' lists them.", class_="cut",
        )  # fmt: skip


def _ordered(findings: tuple[Finding, ...]) -> list[Finding]:
    return sorted(findings, key=lambda it: it.severity.rank)


def _function(
    anchor: str,
    function: FunctionSpec,
    index: CodeIndex,
    places: Places,
    numbers: dict[Finding, int],
) -> Html:
    marks = Marks(numbers).by_insn(function) if numbers else {}
    try:
        lines = code_lines(index, function)
    except FormatError as error:
        return details(title_of(function), tag("p", error.detail), id_=anchor)
    width = len(str(function.insn_count))
    body = join(
        _line(line, width, marks.get(line.index, []), function, places, numbers) for line in lines
    )
    listing = scrolling(tag("pre", body, class_="code"), title_of(function))
    marked = any(insn is not None for insn in marks)
    return details(title_of(function), listing, open_=marked, id_=anchor)


def _line(
    line: CodeLine,
    width: int,
    findings: list[Finding],
    function: FunctionSpec,
    places: Places,
    numbers: dict[Finding, int],
) -> Html:
    source = [Html(f'<span class="src">; {text(it)}</span>\n') for it in line.source]
    insn = f"{line.index:>{width}}: {line.text}"
    if not findings:
        return join((*source, insn, Html("\n")))
    anchor = places.get((function.section, function.name, line.index))
    prefix = anchor.partition("-")[0] if anchor else ""
    worst = min(findings, key=lambda it: it.severity.rank).severity.value
    links = [
        tag(
            "a", f"◀ {it.severity.value} {it.code}", href=_finding_at(prefix, numbers[it]),
            title=it.message, class_="mark",
        )
        for it in findings[:6]
    ]  # fmt: skip
    shown = tag("span", insn, "  ", join(links, " "), class_=f"hit {worst}", id=anchor)
    return join((*source, shown, Html("\n")))


def _finding_at(prefix: str, number: int) -> str | None:
    return f"#{prefix}-f{number}" if prefix and number < SHOWN else None


def pictures_of(entry: Entry, index: CodeIndex, room: Room) -> Iterator[Html]:
    """Yield the pictures of an object, then what there was no room for."""
    contents = entry.contents
    if contents is None:
        return
    marks = Marks(entry.findings)
    flows = contents.flows
    left_out: list[str] = []
    jobs: list[tuple[str, Callable[[], Drawing]]] = [
        ("Calls", partial(draw_calls, index, None, flows, marks))
    ]
    if index.spec.maps:
        jobs.append(("Use of maps", partial(draw_maps, index, None, flows, marks)))
    for program in (it for it in index.spec.programs if it.code):
        title = f'Control flow of "{program.name}"'
        if _insns_of(index.spec, program) <= MAX_PICTURE_INSNS:
            jobs.append((title, partial(draw_flow, index, program, flows, marks)))
        else:
            left_out.append(title)
    for title, draw in jobs:
        part = room.take(_picture(title, draw)) if room.left > 0 else None
        if part is None:
            left_out.append(title)
        else:
            yield part
    if left_out:
        names = join((text(brief(it, 80)) for it in left_out[:20]), ", ")
        more = f" and {len(left_out) - 20} more" if len(left_out) > 20 else ""
        yield tag(
            "p", LEFT_OUT, ": ", names, more,
            ". 'ebpf-static graph' draws them.", class_="cut",
        )  # fmt: skip


def _picture(title: str, draw: Callable[[], Drawing]) -> Html | None:
    try:
        drawing = draw()
    except (FormatError, UsageError):
        return None
    marked = any(node.severity is not None for node in drawing.nodes)
    picture = scrolling(Html(render_inline(drawing)), title)
    return details(title, picture, open_=marked and len(drawing.nodes) <= _OPEN)


def _insns_of(spec: CollectionSpec, program: FunctionSpec) -> int:
    try:
        return sum(it.insn_count for it in spec.get_linked(program))
    except FormatError:
        return MAX_PICTURE_INSNS + 1
