"""Maps that are sections: global variables, kernel configuration, struct_ops, arena globals.

Source: libbpf ``src/libbpf.c``: ``bpf_object__init_global_data_maps``,
``bpf_object__init_kconfig_map``, ``init_struct_ops_maps``, ``map_is_mmapable``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static import limits
from ebpf_static.btf.types import Struct, Var
from ebpf_static.errors import LimitError
from ebpf_static.formats.datasecs import Datasecs
from ebpf_static.formats.draft import MapDraft
from ebpf_static.formats.elf import ElfObject
from ebpf_static.formats.elf_constants import (
    SHT_NOBITS,
)
from ebpf_static.formats.symbols import SymbolTable
from ebpf_static.specs.map import MapOrigin
from ebpf_static.specs.section import SectionSpec
from ebpf_static.specs.variable import VariableSpec

BPF_F_RDONLY_PROG: Final = 1 << 7
BPF_F_MMAPABLE: Final = 1 << 10
BPF_F_LINK: Final = 1 << 13
MAP_TYPE_ARRAY: Final = 2
"""ARRAY has the same number on both platforms."""

MAP_TYPE_STRUCT_OPS: Final = 26
_U32_MAX = 0xFFFFFFFF
_LINKAGE = {0: "static", 1: "global", 2: "extern"}


def read_data_map(
    elf: ElfObject,
    datasecs: Datasecs | None,
    section: SectionSpec,
    symbols: SymbolTable,
    *,
    read_only: bool,
) -> MapDraft:
    """Return the map a section of global variables becomes."""
    if section.size > _U32_MAX:
        raise LimitError(f"{section.size} bytes of globals", where=f"section {section.name}")
    if section.type != SHT_NOBITS and section.size > limits.MAX_INITIAL_DATA_BYTES:
        raise LimitError(f"{section.size} bytes of initial data", where=f"section {section.name}")
    flags = BPF_F_RDONLY_PROG if read_only else 0
    if datasecs is not None and datasecs.exports(section.name, symbols.hidden):
        flags |= BPF_F_MMAPABLE
    return MapDraft(
        name=section.name,
        origin=MapOrigin.DATA,
        section=section.name,
        section_index=section.index,
        section_offset=0,
        size=section.size,
        number=MAP_TYPE_ARRAY,
        key_size=4,
        value_size=section.size,
        max_entries=1,
        flags=flags,
        data=None if section.type == SHT_NOBITS else elf.section_data(section),
        data_section=section.index,
    )


def read_kconfig_map(value_size: int) -> MapDraft:
    """Return the map that holds the imported kernel-configuration values."""
    return MapDraft(
        name=".kconfig",
        origin=MapOrigin.KCONFIG,
        section=".kconfig",
        section_index=-1,
        section_offset=0,
        size=value_size,
        number=MAP_TYPE_ARRAY,
        key_size=4,
        value_size=value_size,
        max_entries=1,
        # Its variables are extern, not static: map_is_mmapable() says yes.
        flags=BPF_F_RDONLY_PROG | BPF_F_MMAPABLE,
    )


def read_struct_ops_maps(
    elf: ElfObject, datasecs: Datasecs, section: SectionSpec, symbols: SymbolTable
) -> Iterator[MapDraft]:
    """Yield one map per variable of a ``.struct_ops`` section, the value its initial contents."""
    data = elf.section_data(section)
    linked = section.name.lstrip("?").startswith(".struct_ops.link")
    where = f"section {section.name}"
    btf = datasecs.btf
    for entry, variable in _iter_variables(datasecs, section.name, limits.MAX_MAPS):
        symbol = symbols.find_object(variable.name, section.index, entry)
        offset = entry if symbol is None else symbol.value
        size = btf.size_of(variable.type_id)
        kind = btf.type(btf.resolve(variable.type_id))
        yield MapDraft(
            name=variable.name,
            origin=MapOrigin.STRUCT_OPS,
            section=section.name,
            section_index=section.index,
            section_offset=offset,
            size=size,
            linkage=_LINKAGE.get(variable.linkage, "other"),
            number=MAP_TYPE_STRUCT_OPS,
            key_size=4,
            value_size=size,
            max_entries=1,
            flags=BPF_F_LINK if linked else 0,
            values_offset=0,
            value_type_id=kind.id if isinstance(kind, Struct) else 0,
            btf_id=variable.id,
            data=elf.take(data, offset, size, where),
            autocreate=not section.name.startswith("?"),
        )


class VariableReader:
    """Reads the global variables of an object's data sections, bounded over all of them.

    Attributes:
        found: the variables read so far.
    """

    def __init__(self, elf: ElfObject, symbols: SymbolTable, datasecs: Datasecs | None) -> None:
        self.found: list[VariableSpec] = []
        self._elf = elf
        self._symbols = symbols
        self._datasecs = datasecs

    def read(self, section: SectionSpec, data: bytes | None) -> None:
        """Add a section's variables: those BTF names, then those only symbols name.

        Raises:
            FormatError: a type that has no size.
            LimitError: more variables, or more bytes of them, than any honest object has.
        """
        seen: set[tuple[str, int]] = set()
        if self._datasecs is not None:
            room = limits.MAX_VARIABLES - len(self.found)
            for offset, variable in _iter_variables(self._datasecs, section.name, room):
                symbol = self._symbols.find_object(variable.name, section.index, offset)
                at = offset if symbol is None else symbol.value
                size = self._datasecs.btf.size_of(variable.type_id)
                linkage = _LINKAGE.get(variable.linkage, "other")
                if symbol is not None and symbol.linkage != "other":
                    linkage = symbol.linkage
                seen.add((variable.name, at))
                self._add(section, data, variable.name, (at, size), linkage, variable.id)
        for symbol in self._symbols.data(section.index):
            if (symbol.name, symbol.value) not in seen and symbol.size:
                place = (symbol.value, symbol.size)
                self._add(section, data, symbol.name, place, symbol.linkage, None)

    def _add(
        self,
        section: SectionSpec,
        data: bytes | None,
        name: str,
        place: tuple[int, int],
        linkage: str,
        btf_id: int | None,
    ) -> None:
        where = f"section {section.name}"
        if len(self.found) >= limits.MAX_VARIABLES:
            raise LimitError(f"more than {limits.MAX_VARIABLES} variables", where=where)
        self.found.append(
            VariableSpec.model_construct(
                name=name,
                section=section.name,
                offset=place[0],
                size=place[1],
                linkage=linkage,
                btf_id=btf_id,
                value=None if data is None else self._elf.take(data, *place, where),
            )
        )


def _iter_variables(datasecs: Datasecs, section: str, room: int) -> Iterator[tuple[int, Var]]:
    entries = datasecs.variables(section)
    if len(entries) > room:
        raise LimitError("more variables than any object has", where=f"section {section}")
    for entry in entries:
        variable = datasecs.btf.type(entry.type_id)
        if isinstance(variable, Var):
            yield entry.offset, variable
