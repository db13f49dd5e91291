"""Finding the elements of a table in its PE section.

Drivers keep a table and nothing else in its section, so its elements fill it. A debug DLL puts
string literals into the same section, before, between or behind the elements, and a linker may
pad; then elements are looked for word by word. A section with bytes that are neither part of an
element, nor of a text an element refers to, nor printable, nor zero is refused: they may be an
element somebody damaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_layouts import HEADER_BYTES, Struct
from ebpf_static.specs.native import PeSection

MAX_TABLE_BYTES: Final = 1 << 20
"""Size of a section searched word by word; 1 000 programs of efW 1.5 take 160 000 bytes."""

MAX_TOTAL_SIZE: Final = 4096
"""Largest entry a version header may announce (the largest known has 160 bytes)."""

_TEXT: Final = re.compile(rb"[\x20-\x7e]{4,}")
"""Text nobody refers to; shorter runs may as well be numbers."""

T = TypeVar("T")


class EntryHeader(NamedTuple):
    """``ebpf_native_module_header_t``: version, bytes used, bytes to the next element."""

    version: int
    size: int
    total_size: int


class Table(NamedTuple, Generic[T]):
    """The elements found in a section.

    Attributes:
        entries: elements in order.
        stride: bytes from one element to the next.
        filled: they fill the section: nothing but padding zeros is left.
        padding: zero bytes behind the last element, when filled.
    """

    entries: tuple[T, ...]
    stride: int
    filled: bool
    padding: int = 0


def read_header(raw: bytes, start: int) -> EntryHeader | None:
    """Return the version header at ``start``, None when these bytes cannot be one."""
    head = raw[start : start + HEADER_BYTES]
    if len(head) < HEADER_BYTES:
        return None
    version = int.from_bytes(head[:2], "little")
    size, total = int.from_bytes(head[8:16], "little"), int.from_bytes(head[16:24], "little")
    plausible = (
        0 < version < 256
        and not any(head[2:8])
        and HEADER_BYTES < size <= total <= MAX_TOTAL_SIZE
        and total % 8 == 0
    )
    return EntryHeader(version, size, total) if plausible else None


def find_header(raw: bytes, layout: Struct) -> tuple[int, EntryHeader] | None:
    """Return where the first versioned element of ``raw`` starts, and its header."""
    if layout.header is None:
        return None
    for start in range(0, len(raw) - layout.header - HEADER_BYTES + 1, 8):
        if any(raw[start : start + layout.header]):
            continue
        header = read_header(raw, start + layout.header)
        if header is not None:
            return start, header
    return None


def bounded_contents(pe: PeFile, section: PeSection) -> bytes:
    """Return the section's contents.

    Raises:
        LimitError: it is larger than any table we search.
    """
    if section.virtual_size > MAX_TABLE_BYTES:
        raise LimitError(
            f"table section has {section.virtual_size} bytes",
            where=section.name,
            offset=section.offset,
        )
    return pe.contents(section)


def read_filled(
    pe: PeFile,
    section: PeSection,
    stride: int,
    decode: Callable[[int], T],
) -> Table[T]:
    """Read elements back to back from the start of ``section``.

    Args:
        pe: the image.
        section: section that holds the table.
        stride: bytes from one element to the next.
        decode: reads the element at an RVA.

    Raises:
        FormatError: an element does not decode, or something other than zeros is left over.
    """
    raw = bounded_contents(pe, section)
    used = len(raw.rstrip(b"\0"))
    count = -(-used // stride)
    if count > limits.MAX_FUNCTIONS:
        raise LimitError(f"{count} entries", where=section.name, offset=section.offset)
    if count * stride > section.virtual_size:
        raise FormatError(
            f"{section.virtual_size} bytes are no multiple of the entry size {stride}",
            where=section.name,
            offset=section.offset,
        )
    entries = tuple(decode(section.address + index * stride) for index in range(count))
    return Table(entries, stride, filled=True, padding=section.virtual_size - count * stride)


def read_among_text(
    pe: PeFile,
    section: PeSection,
    stride: int,
    decode: Callable[[int], T],
    starts: Callable[[bytes, int], bool],
    *,
    strict: bool,
) -> Table[T]:
    """Look for one run of elements, with text before and behind it.

    Args:
        pe: the image.
        section: section that holds the table.
        stride: bytes from one element to the next.
        decode: reads the element at an RVA.
        starts: tells cheaply whether an element may start at an offset of the contents.
        strict: what starts like an element must be one; else it may be text.

    Raises:
        FormatError: bytes are left that nothing explains, or a strict element does not decode.
    """
    raw = bounded_contents(pe, section)

    def attempt(start: int) -> tuple[T, ...]:
        if start + stride > section.virtual_size or not starts(raw, start):
            return ()
        try:
            return (decode(section.address + start),)
        except FormatError:
            if strict:
                raise
            return ()

    entries: list[T] = []
    end = 0
    for start in range(0, len(raw), 8):
        found = attempt(start)
        entries.extend(found)
        end = start
        while found and len(entries) <= limits.MAX_FUNCTIONS:
            end += stride
            found = attempt(end)
            entries.extend(found)
        if entries:
            break
    first = end - len(entries) * stride
    free = bytearray(raw)
    free[first:end] = bytes(len(free[first:end]))
    _require_explained(pe, section, free)
    return Table(tuple(entries), stride, filled=False)


def _require_explained(pe: PeFile, section: PeSection, free: bytearray) -> None:
    for rva, size in pe.strings.items():
        start = rva - section.address
        if 0 <= start < len(free):
            free[start : start + size] = bytes(len(free[start : start + size]))
    blank = _TEXT.sub(lambda run: bytes(len(run[0])), bytes(free))
    left = len(blank) - len(blank.lstrip(b"\0"))
    if left < len(blank):
        raise FormatError(
            "bytes that are neither an entry nor text",
            where=section.name,
            offset=section.offset + left,
        )
