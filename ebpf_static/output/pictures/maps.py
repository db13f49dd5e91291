"""Which program does what to which map."""

from __future__ import annotations

from ebpf_static.errors import escape
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.graph.links import Links
from ebpf_static.graph.uses import map_uses_of
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
from ebpf_static.output.pictures.flow import notes_of
from ebpf_static.output.pictures.marks import Marks, mark_lines
from ebpf_static.specs import MapSpec, ProgramSpec

_LINES = 20
_WORDS = {"refer": "refers to", "pass": "passes on"}


def draw_maps(
    index: CodeIndex, program: ProgramSpec | None, flows: TargetFlows, marks: Marks
) -> Drawing:
    """Return the maps a program uses, or those of all programs of the object.

    Raises:
        FormatError: some code is not whole instructions.
        UsageError: there is more than can be drawn.
    """
    spec = index.spec
    programs = spec.programs if program is None else (program,)
    links = Links(spec)
    uses: dict[tuple[int, int], dict[str, int]] = {}
    for number, item in enumerate(programs):
        linked = links.of(item)
        for found in map_uses_of(spec, item, linked, flows.flows(item)).values():
            for use in found:
                words = uses.setdefault((number, use.map), {})
                words[use.what] = words.get(use.what, 0) + len(use.insns)
        ensure_drawable("the picture of maps", len(programs) + len(spec.maps), len(uses))
    used = {at for _, at in uses} if program is not None else set(range(len(spec.maps)))
    shown = _with_held(spec.maps, used)
    numbers = {at: len(programs) + n for n, at in enumerate(shown)}
    edges = [Edge(p, numbers[m], "uses", _label(words)) for (p, m), words in sorted(uses.items())]
    edges += _held(spec.maps, shown, numbers, programs)
    ensure_drawable("the picture of maps", len(programs) + len(shown), len(edges))
    nodes = [_program_node(item, marks) for item in programs]
    nodes += [map_node(spec.maps[at], marks) for at in shown]
    name = "" if program is None else f' of "{shorten(escape(program.name)) or "(unnamed)"}"'
    return Drawing(f"Use of maps{name}", tuple(nodes), tuple(edges), sideways=True,
                   notes=notes_of(nodes, flows, links))  # fmt: skip


def map_node(item: MapSpec, marks: Marks) -> Node:
    """Return the box of a map."""
    found = marks.of_map(item)
    facts = f"key {item.key_size}, value {item.value_size}, max_entries {item.max_entries}"
    lines = [Line(item.type.name), Line(facts), *mark_lines(found)]
    return Node(
        Shape.MAP,
        shorten(escape(item.name) or "(unnamed)"),
        cut_lines(lines, _LINES),
        worst([finding.severity.value for finding in found]),
    )


def _with_held(maps: tuple[MapSpec, ...], used: set[int]) -> list[int]:
    """Return the maps used and those they hold from the start or are made of, in order."""
    names = {name for at in used for name in _held_maps(maps[at])}
    return [n for n, item in enumerate(maps) if n in used or item.name in names]


def _held_maps(item: MapSpec) -> list[str]:
    inner = [item.inner_name] if item.inner_name else []
    return [*inner, *dict.fromkeys(value.name for value in item.values if value.kind == "map")]


def _held(
    maps: tuple[MapSpec, ...],
    shown: list[int],
    numbers: dict[int, int],
    programs: tuple[ProgramSpec, ...],
) -> list[Edge]:
    """Return an edge from each map to the maps and programs it holds from the start."""
    by_name: dict[tuple[str, str], int] = {}
    for at in shown:
        by_name.setdefault(("map", maps[at].name), numbers[at])
    for n, program in enumerate(programs):
        by_name.setdefault(("program", program.name), n)
    edges: dict[Edge, None] = {}
    for at in shown:
        item = maps[at]
        for value in item.values:
            held = by_name.get((value.kind, value.name))
            if held is not None:
                edges[Edge(numbers[at], held, "holds", f"[{value.index}]")] = None
        inner = by_name.get(("map", item.inner_name or ""))
        if inner is not None and item.inner_name:
            edges[Edge(numbers[at], inner, "holds", "made of")] = None
    return list(edges)


def _program_node(program: ProgramSpec, marks: Marks) -> Node:
    found = [f for f in marks.of_function(program) if f.location.insn is None]
    lines = [Line(f"{program.type.name} in {escape(program.section)}"), *mark_lines(found)]
    return Node(
        Shape.PROGRAM,
        shorten(escape(program.name) or "(unnamed)"),
        cut_lines(lines, _LINES),
        worst([finding.severity.value for finding in found]),
    )


def _label(words: dict[str, int]) -> str:
    return ", ".join(escape(_WORDS.get(word, word)) for word in sorted(words))
