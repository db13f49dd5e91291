"""The ELF container: header, sections, symbols and relocations, bounded and checked.

pyelftools judges the header; the tables behind it are unpacked in one go, because reading a large
object entry by entry costs twenty times as much. Sources: System V gABI chapters 4 and 5, LLVM
``docs/BPFRelocation`` for the relocation types.
"""

import io
import struct
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Final, NamedTuple

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.construct import ConstructError
from elftools.elf.structs import ELFStructs

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError
from ebpf_static.formats.sniff import EM_BPF, EM_NONE, sniff
from ebpf_static.specs.section import ByteOrder, ElfSpec, SectionSpec

SHT_NULL: Final = 0
SHT_PROGBITS: Final = 1
SHT_SYMTAB: Final = 2
SHT_STRTAB: Final = 3
SHT_RELA: Final = 4
SHT_NOBITS: Final = 8
SHT_REL: Final = 9
SHT_SYMTAB_SHNDX: Final = 18

SHN_UNDEF: Final = 0
SHN_LORESERVE: Final = 0xFF00
SHN_ABS: Final = 0xFFF1
SHN_COMMON: Final = 0xFFF2
SHN_XINDEX: Final = 0xFFFF

STT_NOTYPE: Final = 0
STT_OBJECT: Final = 1
STT_FUNC: Final = 2
STT_SECTION: Final = 3
STT_FILE: Final = 4

STB_LOCAL: Final = 0
STB_GLOBAL: Final = 1
STB_WEAK: Final = 2

R_BPF_NONE: Final = 0
R_BPF_64_64: Final = 1
R_BPF_64_ABS64: Final = 2
R_BPF_64_ABS32: Final = 3
R_BPF_64_NODYLD32: Final = 4
R_BPF_64_32: Final = 10
RELOCATION_NAMES: Final = {
    R_BPF_NONE: "R_BPF_NONE",
    R_BPF_64_64: "R_BPF_64_64",
    R_BPF_64_ABS64: "R_BPF_64_ABS64",
    R_BPF_64_ABS32: "R_BPF_64_ABS32",
    R_BPF_64_NODYLD32: "R_BPF_64_NODYLD32",
    R_BPF_64_32: "R_BPF_64_32",
}

_SECTION_BYTES = 64
_SYMBOL_BYTES = 24
_MAX_OVERLAP = 2  # honest sections and variables do not overlap at all
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
        self.spec: ElfSpec = _read_header(data)
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
        if self._copied > _MAX_OVERLAP * len(self.data) + _COPIES_FLOOR:
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
        strings = _Names(self.section_data(self.sections[table.link]), where)
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


class _Header(NamedTuple):
    """The ELF64 header's fields behind ``e_ident``."""

    type: int
    machine: int
    version: int
    entry: int
    program_table: int
    section_table: int
    flags: int
    header_size: int
    program_entry_size: int
    program_count: int
    section_entry_size: int
    section_count: int
    names_index: int


def _read_header(data: bytes) -> ElfSpec:
    order = _identify(data)
    endian = "<" if order == "little" else ">"
    header = _Header._make(struct.unpack_from(f"{endian}HHIQQQIHHHHHH", data, 16))
    if header.machine not in (EM_BPF, EM_NONE):
        raise UnsupportedObjectError(
            f"an ELF file for machine {header.machine}, not BPF ({EM_BPF})"
        )
    sections, table_end = _read_sections(data, header, endian)
    return ElfSpec.model_construct(
        byte_order=order,
        machine=header.machine,
        type=header.type,
        flags=header.flags,
        os_abi=data[7],
        file_size=len(data),
        section_table_offset=header.section_table,
        section_table_end=table_end,
        program_header_count=header.program_count,
        program_header_offset=header.program_table,
        program_header_size=header.program_entry_size,
        header_size=header.header_size,
        version=header.version,
        ident_tail=data[8:16],
        sections=sections,
    )


def _identify(data: bytes) -> ByteOrder:
    """Let pyelftools judge the header, and say what kind of no it is.

    Its ``ELFFile`` would do, but imports a DWARF reader: a third of a cold check.
    """
    if len(data) > limits.MAX_OBJECT_BYTES:
        raise LimitError(f"file is larger than {limits.MAX_OBJECT_BYTES} bytes")
    if data[:4] != b"\x7fELF":
        raise UnsupportedObjectError("not an ELF file")
    if data[4:5] != b"\2":
        raise UnsupportedObjectError("no 64-bit ELF file; BPF objects are 64-bit")
    structs = _structs(little_endian=data[5:6] == b"\1")
    try:
        header = struct_parse(structs.Elf_Ehdr, io.BytesIO(data[:64]), stream_pos=0)
    except (ELFError, ConstructError) as error:
        if sniff(data[:64]) == "bpf-elf":
            raise FormatError("the ELF header is cut off or malformed", offset=0) from error
        raise UnsupportedObjectError("an ELF file with a malformed header") from error
    orders: dict[str, ByteOrder] = {"ELFDATA2LSB": "little", "ELFDATA2MSB": "big"}
    order = orders.get(header["e_ident"]["EI_DATA"])
    if order is None:
        raise UnsupportedObjectError("an ELF file of no known byte order")
    return order


@cache
def _structs(*, little_endian: bool) -> ELFStructs:
    structs = ELFStructs(little_endian=little_endian, elfclass=64)
    structs.create_basic_structs()
    return structs


def _read_sections(
    data: bytes, header: _Header, endian: str
) -> tuple[tuple[SectionSpec, ...], int]:
    """Return every section header with its name, and the byte behind the table."""
    start = header.section_table
    if start == 0:
        return (), 0
    if header.section_entry_size != _SECTION_BYTES:
        raise FormatError(
            f"section headers of {header.section_entry_size} bytes, not 64",
            where="ELF header",
            offset=58,
        )
    count, names_index = header.section_count, header.names_index
    if start + _SECTION_BYTES <= len(data):
        # Extended numbering (gABI): section 0 holds what does not fit 16 bits.
        first = struct.unpack_from(f"{endian}IIQQQQIIQQ", data, start)
        count = count or first[5]
        names_index = first[6] if names_index == SHN_XINDEX else names_index
    if count > limits.MAX_SECTIONS:
        raise LimitError(
            f"{count} sections, more than {limits.MAX_SECTIONS}", where="ELF header", offset=60
        )
    end = start + count * _SECTION_BYTES
    if end > len(data):
        raise FormatError(
            f"section header table of {count} entries at {start:#x} reaches beyond the end of "
            f"the file ({len(data)} bytes)",
            where="ELF header",
            offset=40,
        )
    rows = list(struct.iter_unpack(f"{endian}IIQQQQIIQQ", data[start:end]))
    _check_overlap(data, rows, start)
    names = _Names(_section_names(data, rows, names_index), "section names")
    return tuple(
        SectionSpec(i, names.read(row[0], start + i * _SECTION_BYTES), *row[1:])
        for i, row in enumerate(rows)
    ), end


def _check_overlap(data: bytes, rows: list[tuple[int, ...]], start: int) -> None:
    """Refuse sections that share bytes: thousands of them could each be the whole file.

    Sections beyond the end of the file do not count; reading those fails by itself.
    """
    inside = (
        size
        for _, kind, _, _, offset, size, *_ in rows
        if kind not in (SHT_NULL, SHT_NOBITS) and offset + size <= len(data)
    )
    if sum(inside) > _MAX_OVERLAP * len(data):
        raise LimitError(
            "sections overlap beyond any honest object", where="section headers", offset=start
        )


def _section_names(data: bytes, rows: list[tuple[int, ...]], names_index: int) -> bytes:
    if names_index == 0:
        return b""
    if names_index >= len(rows):
        raise FormatError(
            f"section name table index {names_index} is out of range", where="ELF header", offset=62
        )
    offset, size = rows[names_index][4:6]
    if offset + size > len(data):
        raise FormatError(
            "section name table reaches beyond the end of the file",
            where=f"section {names_index}",
            offset=offset,
        )
    return data[offset : offset + size]


class _Names:
    """The names of a string table, remembered by offset.

    Offsets may point into the middle of other names, so a small table could hold gigabytes of
    them; all together are held in proportion to the table.
    """

    def __init__(self, table: bytes, where: str) -> None:
        self.known: dict[int, str] = {}
        self._table = table
        self._where = where
        self._budget = 4 * len(table) + (1 << 20)

    def read(self, at: int, offset: int) -> str:
        """Return the NUL-terminated name at ``at``; what is no UTF-8 becomes surrogates.

        Args:
            at: offset in the table.
            offset: where in the file it is asked for, for the error.
        """
        known = self.known.get(at)
        if known is not None:
            return known
        table = self._table
        if at == 0 and not table:
            return ""
        if at >= len(table):
            raise self._error(FormatError, f"name offset {at:#x} is beyond its table", offset)
        end = table.find(b"\0", at, at + limits.MAX_NAME_BYTES + 1)
        if end < 0:
            what = f"name at {at:#x} is not terminated within {limits.MAX_NAME_BYTES} bytes"
            raise self._error(FormatError, what, offset)
        self._budget -= end - at
        if self._budget < 0:
            raise self._error(LimitError, "names overlap beyond any honest table", offset)
        name = self.known[at] = table[at:end].decode("utf-8", "surrogateescape")
        return name

    def _error(self, kind: type[FormatError], what: str, offset: int) -> FormatError:
        return kind(what, where=self._where, offset=offset)


def _relocation_bytes(table: SectionSpec) -> int:
    return 24 if table.type == SHT_RELA else 16
