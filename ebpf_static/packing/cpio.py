"""Members of cpio archives in their ASCII forms: ``newc`` with and without checksums, and ``odc``.

Sources: cpio(5) of FreeBSD; Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.packing.parts import Part, read_exactly

CPIO_MAGICS: Final = (b"070701", b"070702", b"070707")
_ODC = b"070707"
_END_NAME = b"TRAILER!!!"
_MAX_NAME_BYTES = 1 << 16
_FILE_TYPE, _REGULAR = 0o170000, 0o100000
_HEAD_BYTES = 4096


class CpioMember(NamedTuple):
    """A member that is a file; its content is to be read before the next one is asked for."""

    name: str
    content: Part


class _Header(NamedTuple):
    mode: int
    size: int
    name_bytes: int
    length: int
    align: int


def iter_cpio(archive: Part) -> Iterator[CpioMember]:
    """Yield the files of an archive that starts at the cursor, which ends up behind its end mark.

    Raises:
        FormatError: a header is damaged, or the archive ends without its end mark.
    """
    while True:
        header = _read_header(archive)
        if header.name_bytes > _MAX_NAME_BYTES:
            raise LimitError(f"member name of {header.name_bytes} bytes", offset=archive.position)
        name = read_exactly(archive, header.name_bytes).rstrip(b"\0")
        read_exactly(archive, -(header.length + header.name_bytes) % header.align)
        if name == _END_NAME:
            return
        content = archive.take(header.size)
        if is_regular(header.mode):
            yield CpioMember(name.decode("utf-8", "surrogateescape"), content)
        read_exactly(archive, -header.size % header.align)


def is_regular(mode: int) -> bool:
    """Tell whether a file of this mode is neither a folder, a link nor a device."""
    return mode & _FILE_TYPE == _REGULAR


def skip_zeros(archive: Part) -> None:
    """Move to the next byte that is not zero: archives are padded behind their end mark."""
    while head := archive.head(_HEAD_BYTES):
        rest = head.lstrip(b"\0")
        archive.skip(len(head) - len(rest))
        if rest:
            return


def _read_header(archive: Part) -> _Header:
    at = archive.position
    magic = read_exactly(archive, 6)
    try:
        if magic == _ODC:
            text = read_exactly(archive, 70)
            if not text.isdigit():
                raise FormatError("damaged cpio header", offset=at)
            mode, name_bytes, size = (int(text[a:b], 8) for a, b in ((12, 18), (53, 59), (59, 70)))
            return _Header(mode, size, name_bytes, 76, 1)
        if magic in CPIO_MAGICS:
            fields = bytes.fromhex(read_exactly(archive, 104).decode("ascii"))
            words = [int.from_bytes(fields[i : i + 4], "big") for i in range(0, 52, 4)]
            return _Header(words[1], words[6], words[11], 110, 4)
    except ValueError:
        pass
    raise FormatError("damaged cpio header", offset=at)
