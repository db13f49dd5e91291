"""The control flow of a program: its basic blocks, and those of the functions it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ebpf_static.errors import UsageError, escape
from ebpf_static.findings import Finding
from ebpf_static.graph.blocks import Block, ExitKind, blocks_of
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.graph.links import Links
from ebpf_static.output.code_facts import CodeIndex
from ebpf_static.output.listing import CodeLine, code_lines, title_of
from ebpf_static.output.pictures.drawing import (
    MAX_WIDTH,
    Drawing,
    Edge,
    Line,
    Node,
    Shape,
    cut_lines,
    ensure_drawable,
    lines_for_each,
    shorten,
    worst,
)
from ebpf_static.output.pictures.marks import Marks, codes_of, mark_lines
from ebpf_static.specs import FunctionSpec, ProgramSpec

_NEVER = "never runs"
_LABELS = {ExitKind.TAKEN: "yes", ExitKind.NOT_TAKEN: "no", ExitKind.COMPUTED: "computed"}


class _Part(NamedTuple):
    # One function of the picture.
    function: FunctionSpec
    blocks: tuple[Block, ...]
    lines: dict[int, CodeLine]
    marks: dict[int | None, list[Finding]]


def draw_flow(
    index: CodeIndex, function: FunctionSpec, flows: TargetFlows, marks: Marks
) -> Drawing:
    """Return the control flow of a program or function and of everything it calls.

    Raises:
        FormatError: its code is not whole instructions.
        UsageError: it has more blocks than can be drawn, or none: an image has machine code.
    """
    name = shorten(escape(function.name)) or "(unnamed)"
    if not function.code:
        raise UsageError(f'"{name}" has no bytecode whose control flow could be drawn')
    links = Links(index.spec)
    linked = links.of(function)
    programs = flows.users(function)
    blocks = [blocks_of(item) for item in linked]
    ensure_drawable(f'the control flow of "{name}"', sum(map(len, blocks)))
    most = lines_for_each(sum(map(len, blocks)))
    nodes: list[Node] = []
    edges: list[Edge] = []
    for group, (item, found) in enumerate(zip(linked, blocks, strict=True)):
        lines = {line.index: line for line in code_lines(index, item)}
        part = _Part(item, found, lines, marks.by_insn(item))
        _draw_function(part, group, most, (nodes, edges), flows, programs)
    title = f'Control flow of "{name}"'
    groups = tuple(shorten(title_of(item)) for item in linked)
    return Drawing(title, tuple(nodes), tuple(edges), groups, notes=notes_of(nodes, flows, links))


def _draw_function(
    part: _Part,
    group: int,
    most: int,
    into: tuple[list[Node], list[Edge]],
    flows: TargetFlows,
    programs: tuple[ProgramSpec, ...],
) -> None:
    nodes, edges = into
    first = len(nodes)
    for block in part.blocks:
        dead_for = flows.dead_for(part.function, block.start, programs)
        nodes.append(_node(part, block, group, most, dead_for, flows))
    nowhere: dict[int, int] = {}
    for number, block in enumerate(part.blocks):
        for it in block.exits:
            if it.target is None and it.insn not in nowhere:
                nowhere[it.insn] = len(nodes)
                nodes.append(
                    Node(Shape.NOWHERE, f"insn {it.insn}: no instruction of this function",
                         group=group)
                )  # fmt: skip
            target = nowhere[it.insn] if it.target is None else first + it.target
            edges.append(Edge(first + number, target, _word(it.kind), _LABELS.get(it.kind, "")))


def _word(kind: ExitKind) -> str:
    return kind.value.replace(" ", "-")


def _node(
    part: _Part,
    block: Block,
    group: int,
    most: int,
    dead_for: tuple[str, ...],
    flows: TargetFlows,
) -> Node:
    lines: list[Line] = []
    severities: list[str] = []
    own = part.marks.get(None, []) if block.start == 0 else []
    severities += [finding.severity.value for finding in own]
    lines += mark_lines(own)
    width = len(str(block.end - 1))
    for insn in range(block.start, block.end):
        line = part.lines.get(insn)
        found = part.marks.get(insn, [])
        worst_here = worst([finding.severity.value for finding in found])
        severities += [worst_here] if worst_here else []
        if line is not None:
            lines += [Line(f"; {text}", "source") for text in line.source]
            mark = f"  ◀ {codes_of(found)}" if found else ""
            text = shorten(f"{insn:>{width}}: {line.text}", MAX_WIDTH - len(mark))
            lines.append(Line(f"{text}{mark}", "code", worst_here))
        lines += mark_lines(found)
    if dead_for:
        lines.insert(0, Line(dead_text(dead_for), "remark"))
    title = f"insns {block.start} to {block.end - 1}"
    return Node(
        Shape.BLOCK, title, cut_lines(lines, most), worst(severities), flows.is_dead(dead_for),
        group,
    )  # fmt: skip


def dead_text(dead_for: tuple[str, ...]) -> str:
    """Return where code never runs, in words."""
    named = ", ".join(escape(name) for name in dead_for if name)
    return f"{_NEVER} on {named}" if named else _NEVER


def notes_of(nodes: Sequence[Node], flows: TargetFlows, links: Links) -> tuple[str, ...]:
    """Return what is to be known of a drawing with these boxes."""
    notes = []
    if flows.targets:
        notes.append(f"judged for {', '.join(escape(name) for name in flows.targets)}")
    if any(line.text.startswith(_NEVER) for node in nodes for line in node.lines):
        notes.append("what never runs: with the read-only data the object has")
    if not links.complete:
        notes.append("too many functions: not all were followed")
    return tuple(notes)
