"""Initial elements of maps: which map or program stands at which index.

They are relocations inside the ``values`` array of a ``.maps`` variable, or on the function
pointers of a ``.struct_ops`` variable. Source: libbpf ``src/libbpf.c``
``bpf_object__collect_map_relos`` and ``bpf_object__collect_st_ops_relos``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from ebpf_static.formats.draft import MapDraft
from ebpf_static.formats.elf import ElfObject, Relocation
from ebpf_static.specs.collection import ReadProblem
from ebpf_static.specs.function import FunctionSpec
from ebpf_static.specs.map import MapOrigin, MapValue

_POINTER_BYTES = 8
_ORIGINS = (MapOrigin.BTF, MapOrigin.STRUCT_OPS)


def fill_values(
    elf: ElfObject,
    maps: tuple[MapDraft, ...],
    functions: tuple[FunctionSpec, ...],
    problems: list[ReadProblem],
) -> tuple[MapDraft, ...]:
    """Return the maps with the initial elements their sections' relocations name."""
    by_section: dict[int, list[int]] = defaultdict(list)
    for index, item in enumerate(maps):
        if item.origin in _ORIGINS and item.values_offset is not None:
            by_section[item.section_index].append(index)
    names = _names(maps, functions)
    filled = list(maps)
    for section_index, indices in by_section.items():
        indices.sort(key=lambda i: maps[i].section_offset)
        starts = [maps[i].section_offset for i in indices]
        found: dict[int, list[MapValue]] = defaultdict(list)
        for relocation in elf.relocations(elf.sections[section_index]):
            at = bisect_right(starts, relocation.offset) - 1
            value = None
            if at >= 0:
                value = _value(elf, maps[indices[at]], relocation, names)
            if value is None:
                problems.append(_problem(elf, section_index, relocation))
            else:
                found[indices[at]].append(value)
        for index, values in found.items():
            filled[index] = maps[index]._replace(values=tuple(sorted(values)))
    return tuple(filled)


def _names(
    maps: tuple[MapDraft, ...], functions: tuple[FunctionSpec, ...]
) -> dict[tuple[int, int], tuple[str, str]]:
    """Return what stands at each (section, offset): the kind and the name."""
    found = {(m.section_index, m.section_offset): ("map", m.name) for m in maps}
    found |= {(f.section_index, f.section_offset): ("program", f.name) for f in functions}
    return found


def _value(
    elf: ElfObject,
    item: MapDraft,
    relocation: Relocation,
    names: dict[tuple[int, int], tuple[str, str]],
) -> MapValue | None:
    symbol = elf.symbols[relocation.symbol]
    inside = relocation.offset - item.section_offset - (item.values_offset or 0)
    target = names.get((symbol.section, symbol.value + _addend(elf, item, relocation)))
    if target is None or inside < 0 or inside % _POINTER_BYTES:
        return None
    index = inside if item.origin is MapOrigin.STRUCT_OPS else inside // _POINTER_BYTES
    return MapValue(index, *target)


def _addend(elf: ElfObject, item: MapDraft, relocation: Relocation) -> int:
    """Return what to add to the symbol: REL keeps it in the relocated place itself."""
    section = elf.sections[item.section_index]
    at = section.offset + relocation.offset
    stored = elf.data[at : at + _POINTER_BYTES]
    return relocation.addend or int.from_bytes(stored, elf.byte_order)


def _problem(elf: ElfObject, section_index: int, relocation: Relocation) -> ReadProblem:
    name = elf.symbols[relocation.symbol].name
    return ReadProblem(
        "map-values",
        f"relocation against `{name}` at {relocation.offset:#x} is no map or program in `values`",
        f"section {elf.sections[section_index].name}",
        relocation.file_offset,
    )
