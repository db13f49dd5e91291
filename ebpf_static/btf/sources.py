"""BTF from wherever people have it: objects, raw files, kernels, modules, packages.

What a file is, is decided by its first bytes, never by its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ebpf_static.btf.elf_sections import ELF_MAGIC, find_sections
from ebpf_static.btf.header import ByteOrder
from ebpf_static.btf.kernel_image import image_of_package, iter_btf_starts, unpack_image
from ebpf_static.btf.reader import Btf
from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError, UsageError
from ebpf_static.limits import MAX_OBJECT_BYTES
from ebpf_static.packing.ar import AR_MAGIC
from ebpf_static.packing.compression import MAX_UNPACKED_BYTES, packing_of, unpack
from ebpf_static.packing.parts import FileBytes, Sliceable

_BTF_MAGICS = (b"\x9f\xeb", b"\xeb\x9f")
_MAX_NESTING = 4
_MAX_TRIES = 64
_MIN_KERNEL_TYPES = 1000
SECTION: Final = ".BTF"
BASE_SECTION: Final = ".BTF.base"


def read_btf(source: str | os.PathLike[str] | bytes, *, base: Btf | None = None) -> Btf:
    """Return the BTF of a file: raw, ELF, kernel image, or Debian kernel package; packed or not.

    Args:
        source: a path (``/sys/kernel/btf/vmlinux`` too), or the bytes of a file.
        base: the kernel's BTF when ``source`` is a module's. A module that brings a
            ``.BTF.base`` of its own is read on that: its ids are counted on it.

    Raises:
        UsageError: the file cannot be opened.
        UnsupportedObjectError: nothing in it is BTF, or an optional library is missing.
        FormatError: the BTF, or what it is packed in, is malformed.
    """
    if isinstance(source, bytes):
        return _read(source, base, SECTION, 0)
    path = Path(source)
    try:
        with path.open("rb") as file:
            return _read(FileBytes(file), base, path.name, 0)
    except OSError as err:
        raise UsageError(f"{path}: {err.strerror or err}") from None


def _read(data: Sliceable, base: Btf | None, where: str, nesting: int) -> Btf:
    start = data[0:8]
    if start[:2] in _BTF_MAGICS:
        return Btf.parse(_whole(data, MAX_OBJECT_BYTES, where), base=base, where=where)
    if start.startswith(ELF_MAGIC):
        return _read_elf(data, base, where)
    if nesting >= _MAX_NESTING:
        raise LimitError("packed in too many layers", where=where)
    if start.startswith(AR_MAGIC):
        return _read(image_of_package(data, where), base, where, nesting + 1)
    packing = packing_of(start)
    image = _whole(data, 2 * MAX_OBJECT_BYTES, where)
    if packing:
        return _read(unpack(image, packing, where), base, where, nesting + 1)
    found = unpack_image(image, where)
    if found.startswith(ELF_MAGIC):
        return _read_elf(found, base, where)
    return _search_flat(found, where)


def _whole(data: Sliceable, limit: int, where: str) -> bytes:
    if len(data) > limit:
        raise LimitError(f"{len(data)} bytes, more than {limit}", where=where)
    return data if isinstance(data, bytes) else data[0 : len(data)]


def _read_elf(data: Sliceable, base: Btf | None, where: str) -> Btf:
    sections = find_sections(data, (SECTION, BASE_SECTION), where)
    own = sections.get(SECTION)
    if own is None:
        raise UnsupportedObjectError("an ELF file without a .BTF section", where=where)
    if own.size > MAX_UNPACKED_BYTES:
        raise LimitError(f".BTF of {own.size} bytes", where=where, offset=own.offset)
    distilled = sections.get(BASE_SECTION)
    if distilled is not None:
        content = data[distilled.offset : distilled.offset + distilled.size]
        base = Btf.parse(content, where=f"{where}: {BASE_SECTION}", file_offset=distilled.offset)
    content = data[own.offset : own.offset + own.size]
    return Btf.parse(content, base=base, where=f"{where}: {SECTION}", file_offset=own.offset)


def _search_flat(image: bytes, where: str) -> Btf:
    """Return the kernel's BTF from an image without sections (arm64's ``Image``)."""
    for tries, start in enumerate(iter_btf_starts(image)):
        if tries == _MAX_TRIES:
            break
        try:
            found = _parse_prefix(image, start, where)
        except FormatError:
            continue
        if len(found) >= _MIN_KERNEL_TYPES:
            return found
    raise UnsupportedObjectError("no BTF in it", where=where)


def _parse_prefix(image: bytes, start: int, where: str) -> Btf:
    order: ByteOrder = "little" if image[start] == _BTF_MAGICS[0][0] else "big"
    words = [int.from_bytes(image[start + at : start + at + 4], order) for at in range(4, 24, 4)]
    size = words[0] + words[3] + words[4]
    return Btf.parse(image[start : start + size], where=where, file_offset=start)
