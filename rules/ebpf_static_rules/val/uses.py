"""Which maps a program refers to: the kernel looks at all of them before it follows the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.specs import CollectionSpec, FunctionSpec, MapSpec, ProgramSpec, ReferenceKind
from ebpf_static_rules.release import iter_linked

_KINDS = (ReferenceKind.MAP, ReferenceKind.MAP_VALUE)


class MapUse(NamedTuple):
    """A program's first reference to a map.

    Attributes:
        program: the program.
        item: the map.
        function: the function with the reference.
        insn: insn index of the reference.
    """

    program: ProgramSpec
    item: MapSpec
    function: FunctionSpec
    insn: int


def iter_uses(spec: CollectionSpec) -> Iterator[MapUse]:
    """Yield each map of each program once."""
    for program, linked in iter_linked(spec):
        seen: set[int] = set()
        for index in sorted(linked):
            function = spec.functions[index]
            for reference in function.references:
                fresh = reference.kind in _KINDS and reference.target not in seen
                if fresh and 0 <= reference.target < len(spec.maps):
                    seen.add(reference.target)
                    item = spec.maps[reference.target]
                    yield MapUse(program, item, function, reference.index)
