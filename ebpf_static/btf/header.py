"""The BTF header and its layout section: where types and strings are, and how long kinds are.

Source: include/uapi/linux/btf.h of Linux; the layout section is Linux 7.1's. What libbpf reads is
read; what only the kernel refuses (non-zero flags, gaps between sections) stays visible in
:class:`Header` for rules to judge.
"""

import struct
from typing import Final, Literal, NamedTuple, TypeAlias

from ebpf_static.errors import FormatError

ByteOrder: TypeAlias = Literal["little", "big"]

MAGIC = 0xEB9F
VERSION = 1
MIN_HEADER_BYTES = 24
LAYOUT_HEADER_BYTES = 32
RECORD_BYTES = 12

EXTRA_BYTES = {1: 4, 3: 12, 14: 4, 17: 4}
"""Bytes after the record of a kind that always has them."""

ELEMENT_BYTES = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
"""Bytes after the record for each of its ``vlen`` members, values, parameters or variables."""

LAST_KNOWN_KIND = 19

NO_EMPTY_STRING: Final = "string section does not start with a zero byte"
"""What is wrong with the BTF of a module that is read without the kernel's."""


class Header(NamedTuple):
    """The header's fields in host order; offsets count from the end of the header.

    ``layout_off`` and ``layout_len`` are 0 in the 24-byte headers before Linux 7.1.
    """

    byte_order: ByteOrder
    version: int
    flags: int
    header_len: int
    type_off: int
    type_len: int
    str_off: int
    str_len: int
    layout_off: int
    layout_len: int


class KindLayout(NamedTuple):
    """Entry of the layout section: bytes after a kind's record, and for each of its elements."""

    info_bytes: int
    element_bytes: int
    flags: int


def detect_byte_order(data: bytes | memoryview, where: str, file_offset: int) -> ByteOrder:
    """Return the byte order the magic is written in.

    Raises:
        FormatError: the data does not start with the magic of BTF or ``.BTF.ext``.
    """
    start = bytes(data[:2])
    if start == b"\x9f\xeb":
        return "little"
    if start == b"\xeb\x9f":
        return "big"
    raise FormatError("no BTF magic 0xeb9f at its start", where=where, offset=file_offset)


def read_header(
    data: bytes, byte_order: ByteOrder | None, where: str, file_offset: int, *, split: bool
) -> Header:
    """Return the checked header of ``.BTF`` data.

    Args:
        data: the whole section or file.
        byte_order: the order to insist on, or None to take the magic's.
        where: name of the data for messages.
        file_offset: offset of ``data`` in its file, for messages.
        split: whether there is a base BTF; only then may the string section be empty.

    Raises:
        FormatError: what is missing, out of bounds or overlapping.
    """
    detected = detect_byte_order(data, where, file_offset)
    if byte_order not in (None, detected):
        what = f"BTF is {detected}-endian, expected {byte_order}-endian"
        raise FormatError(what, where=where, offset=file_offset)
    if len(data) < MIN_HEADER_BYTES:
        what = f"BTF header cut off: {len(data)} of {MIN_HEADER_BYTES} bytes"
        raise FormatError(what, where=where, offset=file_offset)
    prefix = "<" if detected == "little" else ">"
    version, flags, header_len, type_off, type_len, str_off, str_len = struct.unpack_from(
        prefix + "BBIIIII", data, 2
    )
    layout_off = layout_len = 0
    if LAYOUT_HEADER_BYTES <= header_len <= len(data):
        layout_off, layout_len = struct.unpack_from(prefix + "II", data, MIN_HEADER_BYTES)
    header = Header(
        detected, version, flags, header_len, type_off, type_len, str_off, str_len,
        layout_off, layout_len,
    )  # fmt: skip
    problem = _problem(header, data, split=split)
    if problem:
        raise FormatError(problem, where=where, offset=file_offset)
    return header


def read_layout(data: bytes, header: Header) -> dict[int, KindLayout]:
    """Return the layout section's entries by kind number; empty when there is none."""
    start = header.header_len + header.layout_off
    prefix = "<" if header.byte_order == "little" else ">"
    section = data[start : start + header.layout_len // 4 * 4]
    entries = struct.iter_unpack(prefix + "BBH", section)
    return {kind: KindLayout(*entry) for kind, entry in enumerate(entries)}


def _problem(header: Header, data: bytes, *, split: bool) -> str | None:
    body = len(data) - header.header_len
    if header.version != VERSION:
        return f"BTF version {header.version} is unknown"
    if header.header_len < MIN_HEADER_BYTES or body < 0:
        return f"BTF header length {header.header_len} is out of range"
    if header.type_off % 4 or header.type_len % 4:
        return "type section is not aligned to 4 bytes"
    if header.type_off + header.type_len > header.str_off:
        return "type section overlaps the string section"
    for name, start, length in (
        ("string", header.str_off, header.str_len),
        ("layout", header.layout_off, header.layout_len),
    ):
        if start + length > body:
            return f"{name} section ends {start + length - body} bytes after the data"
    return _string_problem(header, data, split=split)


def _string_problem(header: Header, data: bytes, *, split: bool) -> str | None:
    start = header.header_len + header.str_off
    if not header.str_len:
        return None if split else "string section is empty"
    if data[start + header.str_len - 1]:
        return "string section does not end with a zero byte"
    if not split and data[start]:
        return NO_EMPTY_STRING
    return None
