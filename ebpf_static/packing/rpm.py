"""The payload of RPM packages, found behind the headers in front of it.

Source: "RPM Package format" of rpm.org (V3 and V4 packages: lead, signature, header, payload).
"""

from __future__ import annotations

import struct
from typing import Final

from ebpf_static.errors import FormatError
from ebpf_static.packing.parts import Part, read_exactly

RPM_MAGIC: Final = b"\xed\xab\xee\xdb"
_LEAD_BYTES = 96
_HEADER: Final = struct.Struct(">4s4xII")
_HEADER_MAGIC = b"\x8e\xad\xe8\x01"
_INDEX_ENTRY_BYTES = 16
_SIGNATURE_ALIGN = 8


def skip_headers(package: Part) -> None:
    """Move from the start of a package to its payload, a cpio archive that is usually packed.

    Raises:
        FormatError: a header is damaged, or the package ends before its payload.
    """
    package.skip(_LEAD_BYTES)
    size = _skip_header(package)
    package.skip(-size % _SIGNATURE_ALIGN)
    _skip_header(package)


def _skip_header(package: Part) -> int:
    """Skip one header structure and return its size."""
    at = package.position
    magic, entries, data_bytes = _HEADER.unpack(read_exactly(package, _HEADER.size))
    if magic != _HEADER_MAGIC:
        raise FormatError("damaged RPM header", offset=at)
    size: int = entries * _INDEX_ENTRY_BYTES + data_bytes
    package.skip(size)
    return size
