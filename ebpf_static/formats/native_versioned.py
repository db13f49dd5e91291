"""Entries with version headers, from 0.21 on: each names its size itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_entries import (
    Table,
    bounded_contents,
    find_header,
    read_among_text,
    read_filled,
    read_header,
)
from ebpf_static.formats.native_layouts import Struct, layouts
from ebpf_static.formats.native_records import Ledger
from ebpf_static.formats.native_rows import (
    NO_MAPS,
    NO_PROGRAMS,
    T,
    Tables,
    arithmetic,
    header_words,
    read_row,
)
from ebpf_static.formats.native_tables import TableReader
from ebpf_static.specs.native import PeSection

FIRST_VERSIONED: Final = "0.21"


def read_versioned(pe: PeFile, programs: PeSection | None, maps: PeSection | None) -> Tables:
    """Read maps and programs that have version headers.

    Raises:
        FormatError: one of the tables has none, or an entry does not hold.
    """
    reader = TableReader(pe, layouts().get(FIRST_VERSIONED), Ledger())
    tables = Tables(reader, NO_MAPS, NO_PROGRAMS)
    if maps:
        tables.maps = _read_versioned_table(pe, maps, reader.generation.map, reader.read_map)
    if programs:
        layout = reader.generation.program
        tables.programs = _read_versioned_table(pe, programs, layout, reader.read_program)
    for name, table in (("program", tables.programs), ("map", tables.maps)):
        if table.entries:
            header = table.entries[0].header
            tables.established.append(
                f"{name} entries have the version header {header_words(header)}"
            )
    tables.established += arithmetic(tables)
    tables.helpers = [reader.read_helpers(*entry.helpers) for entry in tables.programs.entries]
    return tables


def _read_versioned_table(
    pe: PeFile, section: PeSection, layout: Struct, decode: Callable[[int], T]
) -> Table[T]:
    raw = bounded_contents(pe, section)
    found = find_header(raw, layout)
    if found is None:
        raise FormatError(
            "entries have no version header, those of the other table do",
            where=section.name,
            offset=section.offset,
        )
    start, header = found
    stride = header.total_size
    if start:
        table = _search_versioned(pe, section, layout, stride, decode)
    else:
        table = read_row(
            lambda: read_filled(pe, section, stride, decode),
            lambda: _search_versioned(pe, section, layout, stride, decode),
        )
    for entry in table.entries:
        if entry.header is None or entry.header.total_size != stride:
            raise FormatError(
                f"an entry has {header_words(entry.header)}, the first has {stride} bytes",
                where=section.name,
                offset=pe.file_offset(entry.rva),
            )
    return table


def _search_versioned(
    pe: PeFile, section: PeSection, layout: Struct, stride: int, decode: Callable[[int], T]
) -> Table[T]:
    position = layout.header or 0

    def starts(raw: bytes, start: int) -> bool:
        marked = not any(raw[start : start + position])
        return marked and read_header(raw, start + position) is not None

    return read_among_text(pe, section, stride, decode, starts, strict=True)
