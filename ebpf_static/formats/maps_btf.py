"""BTF-defined maps: variables of ``.maps`` whose type spells the definition.

A number is the element count of the array an ``int (*name)[N]`` member points to (or the value of
a one-member enum, libbpf's ``__ulong``); a type is what a member points to. Source: libbpf,
``src/libbpf.c`` ``parse_btf_map_def`` and ``src/bpf_helpers.h`` ``__uint``/``__type``/``__array``.
"""

from __future__ import annotations

from typing import Any, Final

from ebpf_static import limits
from ebpf_static.btf import Btf
from ebpf_static.btf.types import Array, Enum, Enum64, FuncProto, Member, Ptr, Struct, Var
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.datasecs import Datasecs
from ebpf_static.formats.draft import MapDraft
from ebpf_static.formats.elf import Symbol
from ebpf_static.formats.symbols import SymbolTable
from ebpf_static.specs.map import MapOrigin
from ebpf_static.specs.section import SectionSpec

_NUMBERS: Final = {
    "type": "number",
    "max_entries": "max_entries",
    "map_flags": "flags",
    "numa_node": "numa_node",
    "key_size": "key_size",
    "value_size": "value_size",
    "pinning": "pinning",
    "map_extra": "map_extra",
}
_U32_MAX = 0xFFFFFFFF
_POINTER_BYTES = 4  # an inner map's or program's handle, as the kernel sizes it


def read_btf_maps(
    datasecs: Datasecs, section: SectionSpec, symbols: SymbolTable
) -> tuple[MapDraft, ...]:
    """Return the maps of ``.maps`` (or efW's ``.maps/NAME``), ordered by place in the section.

    Raises:
        FormatError: a definition does not have the shape of one.
    """
    btf, entries = datasecs.btf, datasecs.variables(section.name)
    if len(entries) > limits.MAX_MAPS:
        raise LimitError(f"more than {limits.MAX_MAPS} maps", where=f"section {section.name}")
    maps = []
    for entry in entries:
        variable = btf.type(entry.type_id)
        if not isinstance(variable, Var):
            raise FormatError(
                f"BTF type {entry.type_id} is no variable", where=f"section {section.name}"
            )
        symbol = symbols.find_object(variable.name, section.index, entry.offset)
        place: dict[str, Any] = {
            "section": section.name,
            "section_index": section.index,
            "section_offset": entry.offset if symbol is None else symbol.value,
            "size": entry.size,
            "linkage": _linkage(variable, symbol),
            "btf_id": entry.type_id,
        }
        try:
            maps.append(_read_map(btf, variable.name, variable.type_id, **place))
        except FormatError as error:
            if error.where is not None and error.where.startswith(btf.where):
                error.where = f'map "{variable.name}": {error.where}'
            raise
    return tuple(sorted(maps, key=lambda m: m.section_offset))


_LINKAGE = {0: "static", 1: "global", 2: "extern"}


def _linkage(variable: Var, symbol: Symbol | None) -> str:
    return symbol.linkage if symbol else _LINKAGE.get(variable.linkage, "other")


def _read_map(btf: Btf, name: str, type_id: int, depth: int = 0, **place: Any) -> MapDraft:
    where = f'map "{name}"'
    definition = btf.type(btf.resolve(type_id))
    if not isinstance(definition, Struct):
        raise FormatError(
            f"declared by a BTF type that is no struct (type id {type_id})", where=where
        )
    if len(definition.members) > limits.MAX_MAP_MEMBERS:
        raise LimitError(f"declared by {len(definition.members)} members", where=where)
    fields: dict[str, Any] = {}
    declared = []
    for member in definition.members:
        declared.append(member.name)
        if member.name in _NUMBERS:
            fields[_NUMBERS[member.name]] = _number(btf, member, where)
        elif member.name in ("key", "value"):
            _read_type(btf, member, fields, where)
        elif member.name == "values":
            if "values_offset" in fields:
                raise FormatError("member `values` stands there twice", where=where)
            fields |= _read_values(btf, member, name, depth, place)
    return MapDraft(name=name, origin=MapOrigin.BTF, declared=tuple(declared), **place, **fields)


def _number(btf: Btf, member: Member, where: str) -> int:
    kind = btf.type(btf.resolve(member.type_id))
    if isinstance(kind, Enum | Enum64) and len(kind.values) == 1:
        number = kind.values[0].value & 0xFFFFFFFFFFFFFFFF
        if number > _U32_MAX and member.name != "map_extra":
            raise FormatError(f"member `{member.name}` is {number}, beyond 32 bits", where=where)
        return number
    if isinstance(kind, Ptr):
        array = btf.type(btf.resolve(kind.type_id))
        if isinstance(array, Array):
            return array.nelems
    raise FormatError(
        f"member `{member.name}` is no number: expected a pointer to an array", where=where
    )


def _read_type(btf: Btf, member: Member, fields: dict[str, Any], where: str) -> None:
    pointer = btf.type(btf.resolve(member.type_id))
    if not isinstance(pointer, Ptr):
        raise FormatError(f"member `{member.name}` is no pointer to a type", where=where)
    size = btf.size_of(pointer.type_id)
    stated = fields.get(f"{member.name}_size", size)
    if stated != size:
        raise FormatError(
            f"`{member.name}_size` is {stated} but the type of `{member.name}` has {size} bytes",
            where=where,
        )
    fields[f"{member.name}_size"] = size
    fields[f"{member.name}_type_id"] = pointer.type_id


def _read_values(
    btf: Btf, member: Member, name: str, depth: int, place: dict[str, Any]
) -> dict[str, Any]:
    """Read ``__array(values, …)``: the inner map's definition, or a table of programs."""
    where = f'map "{name}"'
    fields: dict[str, Any] = {"values_offset": member.bit_offset // 8}
    array = btf.type(btf.resolve(member.type_id))
    if not isinstance(array, Array):
        raise FormatError("member `values` is no array", where=where)
    pointer = btf.type(btf.resolve(array.type_id))
    if not isinstance(pointer, Ptr):
        raise FormatError("the elements of `values` are no pointers", where=where)
    fields["value_size"] = _POINTER_BYTES
    target = btf.resolve(pointer.type_id)
    if isinstance(btf.type(target), FuncProto):
        return fields
    if depth >= limits.MAX_INNER_MAP_DEPTH:
        raise LimitError("maps are nested too deeply", where=where)
    inner_place = place | {"section_offset": 0, "size": 0, "btf_id": target}
    fields["inner"] = _read_map(btf, f"{name}.inner", target, depth + 1, **inner_place)
    return fields
