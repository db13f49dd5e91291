"""The ELF container: sections, symbols and relocations, bounded and checked.

Tables are unpacked in one go, because reading a large object entry by entry costs twenty times as
much. Source: System V gABI chapters 4 and 5.
"""

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.elf_constants import (
    SHN_UNDEF,
    SHN_XINDEX,
    SHT_NOBITS,
    SHT_REL,
    SHT_RELA,
    SHT_SYMTAB,
    SHT_SYMTAB_SHNDX,
    STB_GLOBAL,
    STB_LOCAL,
    STB_WEAK,
)
from ebpf_static.formats.elf_header import MAX_OVERLAP, read_header
from ebpf_static.formats.elf_names import Names
from ebpf_static.specs.section import ByteOrder, ElfSpec, SectionSpec

_SYMBOL_BYTES = 24
_COPIES_FLOOR = 1 << 20
_LINKAGE = {STB_LOCAL: "static", STB_GLOBAL: "global", STB_WEAK: "weak"}


class Symbol(NamedTuple):
    """One symbol; ``section`` is resolved through ``SHT_SYMTAB_SHNDX`` where needed."""

    index: int  # type: ignore[assignment]
    name: str
    value: int
    size: int
    type: int
    bind: int
    visibility: int
    section: int

    @property
    def linkage(self) -> str:
        """``static``, ``global``, ``weak``, or ``other`` for a reserved binding."""
        return _LINKAGE.get(self.bind, "other")

    @property
    def is_hidden(self) -> bool:
        """Visibility internal or hidden."""
        return self.visibility in (1, 2)

    @property
    def is_undefined(self) -> bool:
        """The loader has to find it."""
        return self.section == SHN_UNDEF


class Relocation(NamedTuple):
    """One relocation entry; ``offset`` counts bytes in the section it applies to."""

    offset: int
    symbol: int
    type: int
    addend: int
    file_offset: int


class ElfObject:
    """A parsed container. Everything but the section table is read on first use.

    Raises:
        UnsupportedObjectError: the bytes are no 64-bit BPF ELF.
        FormatError: they are, but malformed; the message has the byte offset.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.spec: ElfSpec = read_header(data)
        self.byte_order: ByteOrder = self.spec.byte_order
        self._endian = "<" if self.byte_order == "little" else ">"
        self._copied = 0

    @property
    def sections(self) -> tuple[SectionSpec, ...]:
        """Every section header, the null section included."""
        return self.spec.sections

    def section_data(self, section: SectionSpec) -> bytes:
        """Return a section's bytes; empty for NOBITS.

        Raises:
            FormatError: the section reaches outside the file.
        """
        if section.type == SHT_NOBITS or section.size == 0:
            return b""
        end = section.offset + section.size
        if end > len(self.data):
            raise FormatError(
                f"section of {section.size} bytes at {section.offset:#x} reaches beyond the end "
                f"of the file ({len(self.data)} bytes)",
                where=f"section {section.name}",
                offset=section.offset,
            )
        return self.data[section.offset : end]

    def take(self, data: bytes, start: int, size: int, where: str) -> bytes:
        """Return ``size`` bytes at ``start`` of a section's data, fewer where it ends before.

        What symbols or types cut out of sections may overlap; all of it together is held in
        proportion to the file.

        Raises:
            LimitError: it is out of proportion.
        """
        part = data[start : start + size]
        self._copied += len(part)
        if self._copied > MAX_OVERLAP * len(self.data) + _COPIES_FLOOR:
            raise LimitError("variables overlap beyond any honest object", where=where)
        return part

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every symbol of the symbol table in order; empty without one."""
        table = next((s for s in self.sections if s.type == SHT_SYMTAB), None)
        return () if table is None else tuple(self._iter_symbols(table))

    def _iter_symbols(self, table: SectionSpec) -> Iterator[Symbol]:
        raw = self.section_data(table)
        where = f"section {table.name}"
        if len(raw) % _SYMBOL_BYTES or table.entry_size not in (0, _SYMBOL_BYTES):
            raise FormatError(
                "symbol table is not a whole number of 24-byte entries",
                where=where,
                offset=table.offset,
            )
        if len(raw) // _SYMBOL_BYTES > limits.MAX_SYMBOLS:
            raise LimitError(f"more than {limits.MAX_SYMBOLS} symbols", where=where)
        if table.link >= len(self.sections):
            raise FormatError(f"string table index {table.link} is out of range", where=where)
        strings = Names(self.section_data(self.sections[table.link]), where)
        names = strings.known
        extended = self._extended_indices(table)
        rows = struct.iter_unpack(f"{self._endian}IBBHQQ", raw)
        for index, (name_at, info, other, section, value, size) in enumerate(rows):
            name = names.get(name_at)
            if name is None:
                name = strings.read(name_at, table.offset + _SYMBOL_BYTES * index)
            if section == SHN_XINDEX and index < len(extended):
                section = extended[index]  # noqa: PLW2901 - the real index stands elsewhere
            yield Symbol(index, name, value, size, info & 15, info >> 4, other & 3, section)

    def _extended_indices(self, table: SectionSpec) -> tuple[int, ...]:
        for section in self.sections:
            if section.type == SHT_SYMTAB_SHNDX and section.link == table.index:
                raw = self.section_data(section)
                return struct.unpack(f"{self._endian}{len(raw) // 4}I", raw[: len(raw) // 4 * 4])
        return ()

    @cached_property
    def relocation_sections(self) -> dict[int, tuple[SectionSpec, ...]]:
        """REL and RELA sections by the index of the section they apply to."""
        found: dict[int, list[SectionSpec]] = {}
        for section in self.sections:
            if section.type in (SHT_REL, SHT_RELA):
                found.setdefault(section.info, []).append(section)
        return {target: tuple(tables) for target, tables in found.items()}

    def relocations(self, target: SectionSpec) -> tuple[Relocation, ...]:
        """Return the relocations that apply to ``target``, in file order.

        Raises:
            FormatError: an entry is cut off or names a symbol that does not exist.
            LimitError: there are more than any object has.
        """
        tables = self.relocation_sections.get(target.index, ())
        if sum(t.size // _relocation_bytes(t) for t in tables) > limits.MAX_RELOCATIONS:
            raise LimitError(
                f"more than {limits.MAX_RELOCATIONS} relocations", where=f"section {target.name}"
            )
        found: list[Relocation] = []
        for table in tables:
            found.extend(self._iter_relocations(table))
        return tuple(found)

    def _iter_relocations(self, table: SectionSpec) -> Iterator[Relocation]:
        raw = self.section_data(table)
        where = f"section {table.name}"
        rela = table.type == SHT_RELA
        size = _relocation_bytes(table)
        if len(raw) % size:
            raise FormatError(
                f"relocation table is not a whole number of {size}-byte entries",
                where=where,
                offset=table.offset,
            )
        count = len(self.symbols)
        rows = struct.iter_unpack(f"{self._endian}QQq" if rela else f"{self._endian}QQ", raw)
        for index, row in enumerate(rows):
            at = table.offset + index * size
            symbol = row[1] >> 32
            if symbol >= count:
                raise FormatError(
                    f"relocation {index} names symbol {symbol} of {count}", where=where, offset=at
                )
            yield Relocation(row[0], symbol, row[1] & 0xFFFFFFFF, row[2] if rela else 0, at)

    def find_section(self, name: str) -> SectionSpec | None:
        """Return the first section called ``name``."""
        return self.spec.find_section(name)


def _relocation_bytes(table: SectionSpec) -> int:
    return 24 if table.type == SHT_RELA else 16
