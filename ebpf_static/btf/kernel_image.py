"""The vmlinux inside a kernel image, and the kernel image inside a Debian package.

Sources: Documentation/arch/x86/boot.rst (the header of a bzImage),
drivers/firmware/efi/libstub/zboot-header.S (the EFI zboot header), deb(5).
Images of other forms are searched for packed data, or for a BTF itself.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from ebpf_static.btf.elf_sections import ELF_MAGIC
from ebpf_static.errors import FormatError, LimitError, ObjectError, UnsupportedObjectError
from ebpf_static.limits import MAX_OBJECT_BYTES
from ebpf_static.packing.ar import iter_ar
from ebpf_static.packing.compression import MAGICS, iter_unpacked, packing_of, unpack
from ebpf_static.packing.parts import Part, Region, Sliceable, Stream
from ebpf_static.packing.tar import iter_tar

BTF_START: Final = re.compile(rb"\x9f\xeb\x01\x00[\x18\x20]\0\0\0|\xeb\x9f\x01\x00\0\0\0[\x18\x20]")

_MAX_IMAGE_BYTES = 2 * MAX_OBJECT_BYTES
_MAX_PACKAGE_BYTES = 1 << 30
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
    try:
        for name, content in iter_ar(Region(data)):
            if name.startswith("data.tar"):
                packing = packing_of(content.head(8))
                return _image_of_tar(_unpacked(content, packing, where), where)
    except ObjectError as error:
        error.where = error.where or where
        raise
    raise UnsupportedObjectError("an archive without data.tar: not a Debian package", where=where)


def _unpacked(content: Part, packing: str | None, where: str) -> Part:
    if packing is None:
        return content
    return Stream(_bounded(iter_unpacked(content.chunks(), packing, where), where))


def _bounded(pieces: Iterator[bytes], where: str) -> Iterator[bytes]:
    left = _MAX_PACKAGE_BYTES
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise LimitError("package unpacks to more than 1 GiB", where=where)
        yield piece


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


def _image_of_tar(archive: Part, where: str) -> bytes:
    for member in iter_tar(archive):
        path = member.name.removeprefix("./")
        if member.content is not None and path.startswith(_KERNEL_FILES):
            if member.size > _MAX_IMAGE_BYTES:
                raise LimitError(f"{path} is {member.size} bytes large", where=where)
            return member.content.read(member.size)
    raise UnsupportedObjectError("a Debian package without a kernel under /boot", where=where)
