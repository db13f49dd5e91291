"""The call graph: programs, the functions they reach, helpers, kernel functions, tail calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ebpf_static.errors import escape
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.graph.links import Links
from ebpf_static.graph.uses import CallKind, calls_of, map_uses_of
from ebpf_static.output.code_facts import CodeIndex
from ebpf_static.output.pictures.drawing import (
    Drawing,
    Edge,
    Line,
    Node,
    Shape,
    cut_lines,
    ensure_drawable,
    shorten,
    worst,
)
from ebpf_static.output.pictures.flow import dead_text, notes_of
from ebpf_static.output.pictures.maps import map_node
from ebpf_static.output.pictures.marks import Marks, mark_lines
from ebpf_static.specs import FunctionSpec, ProgramSpec

_LISTED = 60
"""Helpers and kernel functions listed in one box."""
_TAIL_CALL = "tail_call"


def draw_calls(
    index: CodeIndex, function: FunctionSpec | None, flows: TargetFlows, marks: Marks
) -> Drawing:
    """Return the call graph of a program or function, or of everything in the object.

    Helpers and kernel functions are boxes in the graph of one program, and lines in the boxes of
    those who call them in that of a whole object, which otherwise could not be read.

    Raises:
        FormatError: some code is not whole instructions.
        UsageError: there is more than can be drawn.
    """
    picture = _Picture(index, flows, marks, single=function is not None)
    if function is None:
        roots: Iterable[FunctionSpec] = index.spec.programs or index.spec.functions
        title = "Calls"
    else:
        roots, title = (function,), f'Calls of "{shorten(escape(function.name)) or "(unnamed)"}"'
    for root in roots:
        picture.add_root(root)
    return picture.drawing(title)


class _Picture:
    """A call graph that grows, program by program."""

    def __init__(self, index: CodeIndex, flows: TargetFlows, marks: Marks, *, single: bool) -> None:
        self._index = index
        self._spec = index.spec
        self._flows = flows
        self._marks = marks
        self._single = single
        self._links = Links(index.spec)
        self._nodes: dict[tuple[str, str | int], Node] = {}
        self._edges: Counter[tuple[tuple[str, str | int], tuple[str, str | int], str]] = Counter()

    def add_root(self, root: FunctionSpec) -> None:
        """Add a program and everything it reaches."""
        linked = self._links.of(root)
        users = (root,) if isinstance(root, ProgramSpec) else ()
        for item in linked:
            self._add_function(item, root, users if self._single else ())
        if isinstance(root, ProgramSpec):
            self._add_tail_calls(root, linked)
        ensure_drawable("the call graph", len(self._nodes), len(self._edges))

    def drawing(self, title: str) -> Drawing:
        """Return what was added."""
        numbers = {key: n for n, key in enumerate(self._nodes)}
        edges = tuple(
            Edge(numbers[source], numbers[target], kind, _label(kind, count))
            for (source, target, kind), count in self._edges.items()
            if source in numbers and target in numbers
        )
        nodes = tuple(self._nodes.values())
        notes = notes_of(nodes, self._flows, self._links)
        return Drawing(title, nodes, edges, sideways=True, notes=notes)

    def _add_function(
        self, item: FunctionSpec, root: FunctionSpec, programs: tuple[ProgramSpec, ...]
    ) -> None:
        at = self._spec.get_position(item)
        key = ("function", at)
        if key in self._nodes:
            return
        program_type = root.type if isinstance(root, ProgramSpec) else None
        dead_for = self._flows.dead_for(item, 0, programs)
        calls = calls_of(self._spec, item, program_type)
        self._nodes[key] = Node(Shape.FUNCTION, "")  # before those it calls, to be drawn first
        listed = []
        for call in calls:
            if call.target >= 0:
                self._edges[key, ("function", call.target), call.kind.value] += len(call.insns)
            elif self._single:
                self._add_callee(key, call.kind, call.name, len(call.insns))
            else:
                listed.append(f"{call.kind.value} {escape(call.name)}{_times(len(call.insns))}")
        self._nodes[key] = self._node(item, listed, dead_for)

    def _add_callee(
        self, caller: tuple[str, str | int], kind: CallKind, name: str, times: int
    ) -> None:
        if name == _TAIL_CALL:
            return
        key = (kind.value, name)
        shape = Shape.HELPER if kind is CallKind.HELPER else Shape.KFUNC
        self._nodes.setdefault(key, Node(shape, shorten(escape(name)), (Line(kind.value),)))
        self._edges[caller, key, kind.value] += times

    def _add_tail_calls(self, root: ProgramSpec, linked: tuple[FunctionSpec, ...]) -> None:
        """Lead to the arrays a program calls through, and on to what they hold from the start."""
        uses = map_uses_of(self._spec, root, linked, self._flows.flows(root))
        for function, found in uses.items():
            for use in found:
                if use.what == _TAIL_CALL:
                    key = ("map", use.map)
                    self._edges[("function", function), key, "tail-call"] += len(use.insns)
                    self._add_array(key, use.map)

    def _add_array(self, key: tuple[str, str | int], at: int) -> None:
        if key in self._nodes:
            return
        item = self._spec.maps[at]
        self._nodes[key] = map_node(item, self._marks)
        for value in item.values:
            held = self._spec.programs.get(value.name) if value.kind == "program" else None
            if held is not None:
                target = ("function", self._spec.get_position(held))
                self._edges[key, target, "holds"] += 1
                if target not in self._nodes:
                    self._nodes[target] = self._node(held, [], ())

    def _node(self, item: FunctionSpec, listed: list[str], dead_for: tuple[str, ...]) -> Node:
        found = self._marks.of_function(item)
        is_program = isinstance(item, ProgramSpec)
        kind = item.type.name if isinstance(item, ProgramSpec) else f"{item.linkage} function"
        lines = [Line(f"{kind}, {item.insn_count} insns in {escape(item.section)}")]
        lines += [Line(dead_text(dead_for), "remark")] if dead_for else []
        lines += [Line(text, "code") for text in listed]
        lines += mark_lines(found)
        return Node(
            Shape.PROGRAM if is_program else Shape.FUNCTION,
            shorten(escape(item.name) or "(unnamed)"),
            cut_lines(lines, _LISTED, "calls"),
            worst([finding.severity.value for finding in found]),
            bool(dead_for) and self._flows.is_dead(dead_for),
        )


def _label(kind: str, count: int) -> str:
    return f"{kind.replace('-', ' ')}{_times(count)}" if kind != "helper" else _times(count).strip()


def _times(count: int) -> str:
    return f" ×{count}" if count > 1 else ""
