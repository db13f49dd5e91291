"""Objects inside other files: every ELF image for BPF, cut out exactly.

Skeletons, ``bpf2go`` and ``include_bytes!`` put whole objects into the data of programs, so a
search for ELF headers finds them; the section headers behind each header tell an object from bytes
that only start like one, and say where it ends.
Source: System V gABI chapter 4.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ebpf_static.errors import ObjectError
from ebpf_static.formats.elf_constants import SHN_XINDEX, SHT_NOBITS, SHT_NULL, SHT_STRTAB
from ebpf_static.formats.sniff import EM_BPF
from ebpf_static.limits import MAX_OBJECT_BYTES, MAX_SECTIONS

_HEADER: Final = re.compile(
    rb"\x7fELF\x02(?:\x01\x01.{11}(?:\xf7\0|\0\0)|\x02\x01.{11}(?:\0\xf7|\0\0))", re.DOTALL
)
"""``e_ident`` and ``e_machine`` of a 64-bit ELF whose machine is BPF or none, in either order."""
_MATCH_BYTES = 20
_HEADER_BYTES = _SECTION_BYTES = 64
_TYPES = (1, 2, 3)
"""Relocatable, and the executable and shared forms some loaders for BPF outside kernels use."""
_BPF_ONLY = ("license", "version", "maps", "legacy_maps")
"""Kinds of sections that tell an object from other images for no machine."""
_HEADER_COST, _TABLE_COST, _SECTIONS_COST = 2048, 8, 1 << 16
"""What costs more time than bytes, in bytes searched: looking at a header, at a byte of a section
table, and at the sections of an image for no machine."""


class Embedded(NamedTuple):
    """An object and its byte offset in the file around it."""

    offset: int
    data: bytes


class _Row(NamedTuple):
    """A section header."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int


class _Window:
    """The part of a file being searched, grown forwards and cut behind."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.base = 0
        self.data = b""

    @property
    def end(self) -> int:
        return self.base + len(self.data)

    def advance(self, keep_from: int) -> bool:
        """Forget what is before an offset and add a piece; False at the end of the file."""
        piece = next(self._pieces, b"")
        kept = self.data[keep_from - self.base :]
        self.data, self.base = kept + piece, self.end - len(kept)
        return bool(piece)

    def get(self, start: int, size: int) -> bytes:
        """Return bytes at an offset not yet forgotten, fewer at the end of the file."""
        if start + size > self.end:
            parts = [self.data]
            have = self.end
            while have < start + size and (piece := next(self._pieces, b"")):
                parts.append(piece)
                have += len(piece)
            self.data = b"".join(parts)
        return self.data[start - self.base : start - self.base + size]


def iter_embedded(pieces: Iterator[bytes], charge: Callable[[int], None]) -> Iterator[Embedded]:
    """Yield the objects in a file given in pieces, in order of their first bytes.

    Args:
        pieces: the file's bytes.
        charge: told the cost of headers looked at and objects found, in bytes.
    """
    window = _Window(pieces)
    at = 0
    while True:
        match = _HEADER.search(window.data, max(at - window.base, 0))
        if match is None:
            at = max(at, window.end - _MATCH_BYTES + 1)
            if not window.advance(min(at, window.end)):
                return
            continue
        start = window.base + match.start()
        at = start + 1  # not behind the object: a made-up size could hide others
        found = _cut_out(window, start, charge)
        if found is not None:
            charge(len(found))
            yield Embedded(start, found)


def _cut_out(window: _Window, start: int, charge: Callable[[int], None]) -> bytes | None:
    """Return the object at ``start``, None when nothing but its first bytes is an object's."""
    charge(_HEADER_COST)
    header = window.get(start, _HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        return None
    endian = "<" if header[5] == 1 else ">"
    kind, machine, version = struct.unpack_from(f"{endian}HHI", header, 16)
    table, _, header_size, _, _, entry_size, count, names = struct.unpack_from(
        f"{endian}QIHHHHHH", header, 40
    )
    whole = (kind in _TYPES, version == 1, header_size == _HEADER_BYTES, table >= _HEADER_BYTES)
    if not all(whole) or entry_size != _SECTION_BYTES or table > MAX_OBJECT_BYTES:
        return None
    first = _row(window, start + table, endian)
    if first is None or first.type != SHT_NULL or first.name:
        return None
    count = count or first.size
    names = first.link if names == SHN_XINDEX else names
    if not names < count <= MAX_SECTIONS:
        return None
    strings = _row(window, start + table + names * _SECTION_BYTES, endian)
    if strings is None or strings.type != SHT_STRTAB:
        return None
    charge(_TABLE_COST * count * _SECTION_BYTES)
    size = _object_size(window, start, table, count, endian)
    data = window.get(start, size) if size else b""
    if not size or len(data) < size:
        return None
    if machine == EM_BPF:
        return data
    charge(_SECTIONS_COST)
    return data if has_bpf_section(data) else None


def _row(window: _Window, at: int, endian: str) -> _Row | None:
    data = window.get(at, _SECTION_BYTES)
    return _Row(*struct.unpack(f"{endian}IIQQQQIIQQ", data)) if len(data) == 64 else None


def _object_size(window: _Window, start: int, table: int, count: int, endian: str) -> int | None:
    """Return where the section header table or the last section ends, None beyond any object."""
    end = table + count * _SECTION_BYTES
    if end > MAX_OBJECT_BYTES:
        return None
    rows = window.get(start + table, count * _SECTION_BYTES)
    if len(rows) < count * _SECTION_BYTES:
        return None
    for fields in struct.iter_unpack(f"{endian}IIQQQQIIQQ", rows):
        row = _Row(*fields)
        if row.type not in (SHT_NULL, SHT_NOBITS):
            end = max(end, row.offset + row.size)
    return end if end <= MAX_OBJECT_BYTES else None


def has_bpf_section(data: bytes) -> bool:
    """Tell whether an ELF image for no machine has a section only loaders of BPF know.

    LLVM before 4.0 wrote no machine into objects for BPF.
    """
    # Imported where used: few files have such images, and the rest of the search needs no library.
    from ebpf_static.formats.elf_header import read_header
    from ebpf_static.uapi.sections import data_section_kind

    try:
        sections = read_header(data).sections
    except ObjectError:
        return False
    return any(data_section_kind(section.name) in _BPF_ONLY for section in sections)
