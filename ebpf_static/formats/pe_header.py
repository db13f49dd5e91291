"""The headers of PE files, as far as telling what they are needs them.

Only the first page of a file is looked at, and nothing but the standard library imported, so this
can be asked of every file of a tree.
Source: Microsoft PE format specification, "COFF File Header" and "Section Table".
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from ebpf_static import limits

MAX_PE_SECTIONS: Final = 96
"""What the Windows loader takes (PE format, "COFF File Header")."""

SECTION_HEADER: Final = struct.Struct("<8sIIIIIIHHI")
_COFF: Final = struct.Struct("<4sHHIIIHH")
_TABLE_SECTIONS: Final = frozenset({"programs", "maps"})
"""Sections bpf2c puts its tables into."""


class Headers(NamedTuple):
    """Positions and values of the headers; offsets are bytes in the file."""

    machine: int
    section_count: int
    symbol_table: int
    symbol_count: int
    flags: int
    optional: int
    optional_size: int
    sections: int


def read_headers(data: bytes) -> Headers | None:
    """Return the COFF header's facts, None when the bytes are no PE file.

    Only the first page is needed, so this serves to recognise files too.
    """
    if data[:2] != b"MZ" or len(data) < 64:
        return None
    start = int.from_bytes(data[60:64], "little")
    if start < 4 or start + _COFF.size > len(data):
        return None
    fields = _COFF.unpack_from(data, start)
    signature, machine, sections, _time, symbols, symbol_count, optional_size, flags = fields
    if signature != b"PE\0\0":
        return None
    optional = start + _COFF.size
    table = optional + optional_size
    return Headers(machine, sections, symbols, symbol_count, flags, optional, optional_size, table)


def iter_section_names(data: bytes, headers: Headers) -> list[str]:
    """Return the names of the sections whose headers ``data`` reaches."""
    names = []
    for index in range(min(headers.section_count, MAX_PE_SECTIONS)):
        start = headers.sections + index * SECTION_HEADER.size
        raw = data[start : start + 8]
        if len(raw) == 8:
            names.append(section_name(data, headers, raw))
    return names


def is_native_image(data: bytes) -> bool:
    """Tell whether ``data``, or its first page, is a PE file with bpf2c's sections."""
    headers = read_headers(data)
    return headers is not None and bool(
        _TABLE_SECTIONS.intersection(iter_section_names(data, headers))
    )


def section_name(data: bytes, headers: Headers, raw: bytes) -> str:
    """Return the name in a section header, which may refer to the string table."""
    name = raw.rstrip(b"\0")
    if name[:1] == b"/" and name[1:].isdigit() and headers.symbol_table:
        # GNU ld and lld keep longer names in the COFF string table behind the symbols.
        start = headers.symbol_table + headers.symbol_count * 18 + int(name[1:])
        text = data[start : start + limits.MAX_NAME_BYTES]
        end = text.find(b"\0")
        if end > 0:
            name = text[:end]
    return name.decode("utf-8", "backslashreplace")
