"""RPM packages: where the payload begins, and its files where the payload does not name them.

Packages that may hold files of more than 4 GiB have a payload of numbers and contents only; names
and sizes are the header's.
Sources: "RPM Package format" of rpm.org (lead, signature, header, payload; tags), rpm's lib/cpio.cc
(``07070X``) and lib/rpmfi.cc (of files linked to one another the last has the content).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.packing.cpio import CpioMember, is_regular
from ebpf_static.packing.parts import Part, read_exactly

RPM_MAGIC: Final = b"\xed\xab\xee\xdb"
STRIPPED_MAGIC: Final = b"07070X"
_LEAD_BYTES = 96
_HEADER: Final = struct.Struct(">4s4xII")
_HEADER_MAGIC = b"\x8e\xad\xe8\x01"
_ENTRY: Final = struct.Struct(">IIII")
_SIGNATURE_ALIGN = 8
_STRIPPED_BYTES, _ALIGN = 16, 4
_SYMLINK, _FILE_TYPE = 0o120000, 0o170000
_MAX_HEADER_BYTES = 32 << 20
"""Of a header that is looked into; one of 20 000 files has 3 MB."""

_STRINGS = 8
_NUMBERS = {3: "H", 4: "I", 5: "Q"}
_FILESIZES, _FILEMODES, _FILEDEVICES, _FILEINODES = 1028, 1030, 1095, 1096
_DIRINDEXES, _BASENAMES, _DIRNAMES, _LONGFILESIZES = 1116, 1117, 1118, 5008


class _File(NamedTuple):
    """A file of the header: its path, its mode, and the bytes the payload has of it."""

    path: str
    mode: int
    stored: int


class RpmHeader:
    """The header of a package: entries that lead into a store, read when asked for."""

    def __init__(self, entries: bytes, store: bytes) -> None:
        self._store = store
        self._entries = {tag: rest for tag, *rest in _ENTRY.iter_unpack(entries)}

    def files(self) -> list[_File]:
        """Return the files in the header's order.

        Raises:
            FormatError: an entry is missing or damaged.
        """
        names, folders = self._strings(_BASENAMES), self._strings(_DIRNAMES)
        modes, places = self._numbers(_FILEMODES), self._numbers(_DIRINDEXES)
        sizes = self._numbers(_LONGFILESIZES if _LONGFILESIZES in self._entries else _FILESIZES)
        nodes = list(zip(self._numbers(_FILEDEVICES), self._numbers(_FILEINODES), strict=False))
        count = len(names)
        whole = all(len(column) == count for column in (modes, places, sizes, nodes))
        if not whole or max(places, default=0) >= len(folders):
            raise FormatError("damaged file list in an RPM header")
        last = {node: index for index, node in enumerate(nodes) if is_regular(modes[index])}
        found = []
        for index, name in enumerate(names):
            mode = modes[index]
            has_content = mode & _FILE_TYPE == _SYMLINK or last.get(nodes[index]) == index
            path = (folders[places[index]] + name).decode("utf-8", "surrogateescape")
            found.append(_File(path, mode, sizes[index] if has_content else 0))
        return found

    def _strings(self, tag: int) -> list[bytes]:
        kind, start, count = self._entries.get(tag, (0, 0, 0))
        parts = self._store[start:].split(b"\0", count)
        if kind != _STRINGS or len(parts) <= count:
            raise FormatError(f"damaged strings {tag} in an RPM header")
        return parts[:count]

    def _numbers(self, tag: int) -> tuple[int, ...]:
        kind, start, count = self._entries.get(tag, (0, 0, 0))
        form = f">{count}{_NUMBERS.get(kind, 'x')}"
        if kind not in _NUMBERS or start + struct.calcsize(form) > len(self._store):
            raise FormatError(f"damaged numbers {tag} in an RPM header")
        return struct.unpack_from(form, self._store, start)


def read_header(package: Part) -> RpmHeader | None:
    """Move from the start of a package to its payload, a cpio archive that is usually packed.

    Returns:
        The header, or None when it is larger than what is looked into.

    Raises:
        FormatError: a header is damaged, or the package ends before its payload.
    """
    package.skip(_LEAD_BYTES)
    entries, data_bytes = _read_intro(package)
    package.skip(entries + data_bytes)
    package.skip(-(entries + data_bytes) % _SIGNATURE_ALIGN)
    entries, data_bytes = _read_intro(package)
    if entries + data_bytes > _MAX_HEADER_BYTES:
        package.skip(entries + data_bytes)
        return None
    return RpmHeader(read_exactly(package, entries), read_exactly(package, data_bytes))


def _read_intro(package: Part) -> tuple[int, int]:
    """Return how many bytes the entries and the store of a header take."""
    at = package.position
    magic, entries, data_bytes = _HEADER.unpack(read_exactly(package, _HEADER.size))
    if magic != _HEADER_MAGIC:
        raise FormatError("damaged RPM header", offset=at)
    return entries * _ENTRY.size, data_bytes


def iter_stripped(payload: Part, header: RpmHeader | None) -> Iterator[CpioMember]:
    """Yield the files of a payload without names, up to its end mark.

    Raises:
        FormatError: payload or header are damaged.
        LimitError: the header is larger than what is looked into.
    """
    if header is None:
        raise LimitError(f"RPM header larger than {_MAX_HEADER_BYTES >> 20} MiB")
    files = header.files()
    while payload.head(len(STRIPPED_MAGIC)) == STRIPPED_MAGIC:
        at = payload.position
        digits = read_exactly(payload, _STRIPPED_BYTES)[6:14]
        try:
            file = files[int(digits, 16)]
        except (ValueError, IndexError):
            raise FormatError("damaged entry in an RPM payload", offset=at) from None
        content = payload.take(file.stored)
        if is_regular(file.mode):
            yield CpioMember(file.path, content)
        read_exactly(payload, -file.stored % _ALIGN)
