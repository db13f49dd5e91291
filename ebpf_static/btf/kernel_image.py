"""The vmlinux inside a kernel image, and the kernel image inside a Debian package.

Sources: Documentation/arch/x86/boot.rst (the header of a bzImage),
drivers/firmware/efi/libstub/zboot-header.S (the EFI zboot header), deb(5), tar's ustar header.
Images of other forms are searched for packed data, or for a BTF itself.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from ebpf_static.btf.compression import MAGICS, iter_unpacked, packing_of, unpack
from ebpf_static.btf.elf_sections import ELF_MAGIC, Sliceable
from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError
from ebpf_static.limits import MAX_OBJECT_BYTES

AR_MAGIC: Final = b"!<arch>\n"
BTF_START: Final = re.compile(rb"\x9f\xeb\x01\x00[\x18\x20]\0\0\0|\xeb\x9f\x01\x00\0\0\0[\x18\x20]")

_MAX_IMAGE_BYTES = 2 * MAX_OBJECT_BYTES
_MAX_PACKAGE_BYTES = 1 << 30
_AR_HEADER_BYTES = 60
_TAR_BLOCK = 512
_CHUNK = 1 << 20
_MAX_TRIES = 16
_KERNEL_FILES = ("boot/vmlinuz-", "boot/vmlinux-", "usr/lib/debug/boot/vmlinux-", "vmlinuz")
_PACKED = re.compile(b"|".join(re.escape(magic) for magic in MAGICS if len(magic) >= 3))


def unpack_image(image: bytes, where: str) -> bytes:
    """Return the vmlinux (ELF, or a flat image holding a BTF) of a kernel image.

    Raises:
        UnsupportedObjectError: nothing in it is a kernel with BTF, or a library is missing.
        FormatError: it is a kernel image, but damaged.
    """
    payload = _bzimage_payload(image) or _zboot_payload(image)
    if payload is not None:
        packing = packing_of(payload)
        if packing is None:
            return payload
        return unpack(payload, packing, f"{where}: kernel payload")
    if BTF_START.search(image):
        return image
    return _search_packed(image, where)


def iter_btf_starts(image: bytes) -> Iterator[int]:
    """Yield every offset at which a BTF header may start in a flat image."""
    for match in BTF_START.finditer(image):
        yield match.start()


def image_of_package(data: Sliceable, where: str) -> bytes:
    """Return the kernel image a ``.deb`` installs under ``/boot``.

    Raises:
        UnsupportedObjectError: the package has none.
        FormatError: the package is damaged.
    """
    for name, start, size in _iter_ar(data, where):
        if name.startswith("data.tar"):
            chunks = (data[at : min(at + _CHUNK, start + size)]
                      for at in range(start, start + size, _CHUNK))  # fmt: skip
            packing = packing_of(data[start : start + 8])
            stream = iter_unpacked(chunks, packing, where) if packing else chunks
            return _image_of_tar(_Reader(iter(stream), where), where)
    raise UnsupportedObjectError("an archive without data.tar: not a Debian package", where=where)


def _bzimage_payload(image: bytes) -> bytes | None:
    if image[0x202:0x206] != b"HdrS" or len(image) < 0x250:
        return None
    (version,) = struct.unpack_from("<H", image, 0x206)
    if version < 0x208:
        return None
    setup = (image[0x1F1] or 4) + 1
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = setup * 512 + offset
    return image[start : start + length]


def _zboot_payload(image: bytes) -> bytes | None:
    if image[:2] != b"MZ" or image[4:8] != b"zimg" or len(image) < 16:
        return None
    offset, length = struct.unpack_from("<II", image, 8)
    return image[offset : offset + length]


def _search_packed(image: bytes, where: str) -> bytes:
    for tries, match in enumerate(_PACKED.finditer(image)):
        if tries == _MAX_TRIES:
            break
        part = image[match.start() :]
        try:
            found = unpack(part, packing_of(part) or "", where)
        except FormatError:
            continue
        if found.startswith(ELF_MAGIC) or BTF_START.search(found):
            return found
    raise UnsupportedObjectError("no BTF, and no packed kernel with BTF, in it", where=where)


def _iter_ar(data: Sliceable, where: str) -> Iterator[tuple[str, int, int]]:
    """Yield name, offset and size of each member of an ``ar`` archive."""
    at = len(AR_MAGIC)
    while at + _AR_HEADER_BYTES <= len(data):
        header = data[at : at + _AR_HEADER_BYTES]
        at += _AR_HEADER_BYTES
        size = _number(header[48:58], 10)
        if header[58:60] != b"`\n" or size is None or at + size > len(data):
            raise FormatError("damaged archive member", where=where, offset=at)
        yield header[:16].decode("latin-1").rstrip(" /"), at, size
        at += size + size % 2


def _number(digits: bytes, base: int) -> int | None:
    text = digits.strip(b" \0")
    return int(text, base) if text.isdigit() else None


class _Reader:
    """Reads exact counts from a stream of pieces, of which only so many bytes may come."""

    def __init__(self, pieces: Iterator[bytes], where: str) -> None:
        self._pieces = pieces
        self._where = where
        self._rest = b""
        self._left = _MAX_PACKAGE_BYTES

    def read(self, count: int) -> bytes:
        parts = [self._rest]
        have = len(self._rest)
        while have < count:
            piece = self._next()
            if not piece:
                break
            parts.append(piece)
            have += len(piece)
        whole = b"".join(parts)
        self._rest = whole[count:]
        return whole[:count]

    def skip(self, count: int) -> None:
        while count > len(self._rest):
            count -= len(self._rest)
            self._rest = self._next()
            if not self._rest:
                return
        self._rest = self._rest[count:]

    def _next(self) -> bytes:
        piece = next(self._pieces, b"")
        self._left -= len(piece)
        if self._left < 0:
            raise LimitError("package unpacks to more than 1 GiB", where=self._where)
        return piece


def _image_of_tar(reader: _Reader, where: str) -> bytes:
    while len(header := reader.read(_TAR_BLOCK)) == _TAR_BLOCK and header.strip(b"\0"):
        size = _number(header[124:136], 8)
        if size is None:
            raise FormatError("damaged tar header", where=where)
        path = header[:100].split(b"\0", 1)[0].decode("latin-1").removeprefix("./")
        if header[156:157] in (b"0", b"\0") and path.startswith(_KERNEL_FILES):
            if size > _MAX_IMAGE_BYTES:
                raise LimitError(f"{path} is {size} bytes large", where=where)
            return reader.read(size)
        reader.skip(-(-size // _TAR_BLOCK) * _TAR_BLOCK)
    raise UnsupportedObjectError("a Debian package without a kernel under /boot", where=where)
