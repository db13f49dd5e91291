"""Members of zip archives: wheels, jars, packages of Android and NuGet, plain zips.

:mod:`zipfile` reads the directory. The members are unpacked here, because it hands the packed bytes
of bzip2 and LZMA members to their decompressors without a bound on what comes out.
Source: APPNOTE.TXT of PKWARE, 4.3.7 (local headers), 4.4.5 (methods), 5.8 (LZMA).
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator
from typing import Final, NamedTuple

from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError
from ebpf_static.packing.compression import iter_unpacked
from ebpf_static.packing.parts import Part, Region, Stream

_LOCAL: Final = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\3\4"
_MAX_DIRECTORY_BYTES = 16 << 20
"""About 150 000 members; zipfile takes ten times the memory for what it makes of them."""

_ENCRYPTED, _END_MARKER = 1 << 0, 1 << 1
_STORED, _LZMA = 0, 14
_METHODS = {8: "deflate", 12: "bzip2", _LZMA: "lzma", 93: "zstd"}


class ZipMember(NamedTuple):
    """A member that is a file; its data is not yet looked at."""

    name: str
    info: zipfile.ZipInfo


class _File:
    """A region as the file zipfile wants; its largest read is that of the directory."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._at = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._region)}[whence]
        if start + offset < 0:
            raise OSError("seek before the start")
        self._at = start + offset
        return self._at

    def read(self, count: int = -1) -> bytes:
        count = max(0, len(self._region) - self._at) if count < 0 else count
        if count > _MAX_DIRECTORY_BYTES:
            raise LimitError(f"zip directory of {count} bytes")
        found = self._region[self._at : self._at + count]
        self._at += len(found)
        return found


def iter_zip(archive: Region) -> Iterator[ZipMember]:
    """Yield the files an archive lists, in its order.

    Raises:
        FormatError: there is no directory, or it is damaged.
    """
    try:
        with zipfile.ZipFile(_File(archive)) as directory:
            infos = directory.infolist()
    except (
        zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error, OSError,
        IndexError,
    ) as error:  # fmt: skip
        raise FormatError(f"damaged zip archive: {error}") from None
    for info in infos:
        if not info.filename.endswith("/"):  # is_dir() fails for an empty name before 3.12
            yield ZipMember(info.filename, info)


def open_member(archive: Region, info: zipfile.ZipInfo) -> Part:
    """Return a member's content.

    Raises:
        UnsupportedObjectError: it is encrypted, or packed in an unusual way.
        FormatError: it is not where the directory says.
    """
    if info.flag_bits & _ENCRYPTED:
        raise UnsupportedObjectError("encrypted")
    local = archive[info.header_offset : info.header_offset + _LOCAL.size]
    if info.header_offset < 0 or len(local) < _LOCAL.size or not local.startswith(_LOCAL_MAGIC):
        raise FormatError("no member where the zip directory says", offset=info.header_offset)
    _, name_bytes, extra_bytes = _LOCAL.unpack(local)
    start = info.header_offset + _LOCAL.size + name_bytes + extra_bytes
    if start + info.compress_size > len(archive):
        raise FormatError("zip member cut off", offset=info.header_offset)
    archive.position = start
    packed = archive.take(info.compress_size)
    if info.compress_type == _STORED:
        return packed
    packing = _METHODS.get(info.compress_type)
    if packing is None:
        raise UnsupportedObjectError(f"packed with zip method {info.compress_type}")
    chunks = packed.chunks() if packing != "lzma" else _as_lzma_file(packed, info)
    return Stream(iter_unpacked(chunks, packing, None))


def _as_lzma_file(packed: Region, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield zip's form of LZMA data under the header of an ``.lzma`` file."""
    header = packed.read(9)
    unknown = info.flag_bits & _END_MARKER
    size = (1 << 64) - 1 if unknown else info.file_size
    yield header[4:] + size.to_bytes(8, "little")
    yield from packed.chunks()
