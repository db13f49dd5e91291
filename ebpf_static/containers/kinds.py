"""What may hold objects, told from its first bytes.

Sources: the formats' own headers; each reader of this package names its own.
"""

from __future__ import annotations

from typing import Final, Literal

from ebpf_static.errors import UnsupportedObjectError
from ebpf_static.formats.pe_header import is_native_image
from ebpf_static.formats.sniff import EM_BPF, SNIFF_BYTES, sniff
from ebpf_static.packing.ar import THIN_MAGIC
from ebpf_static.packing.compression import packing_of
from ebpf_static.packing.cpio import CPIO_MAGICS
from ebpf_static.packing.rpm import RPM_MAGIC
from ebpf_static.packing.tar import BLOCK_BYTES, is_tar_header

HEAD_BYTES: Final = 4096
"""First bytes looked at inside containers: a page, for the section names of PE files."""

Kind = Literal[
    "object",
    "maybe-object",
    "host",
    "ar",
    "thin-ar",
    "tar",
    "zip",
    "cpio",
    "rpm",
    "packed",
    "other",
]

_MACH_O_MAGIC = b"\xcf\xfa\xed\xfe"  # 64-bit, little-endian: what macOS has run since 10.7
_ZIP_MAGICS = (b"PK\3\4", b"PK\5\6", b"PK\7\x08")
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
_UNKNOWN_SIZE = b"\xff" * 8


def kind_of(head: bytes) -> Kind:
    """Return what starts with ``head``, the first :data:`HEAD_BYTES` of a file or all of it.

    ``host`` is a program or library, ``other`` whatever is not known; both may have objects in
    them. A ``maybe-object`` is an ELF file for no machine: its sections tell.
    """
    claimed = sniff(head[:SNIFF_BYTES])
    if claimed == "bpf-elf":
        order: Literal["little", "big"] = "big" if head[5] == 2 else "little"
        return "object" if int.from_bytes(head[18:20], order) == EM_BPF else "maybe-object"
    if claimed == "elf" or head.startswith(_MACH_O_MAGIC):
        return "host"
    if claimed == "pe":
        return "object" if is_native_image(head) else "host"
    if claimed == "archive":
        return "thin-ar" if head.startswith(THIN_MAGIC) else "ar"
    if head.startswith(_ZIP_MAGICS):
        return "zip"
    if head.startswith(CPIO_MAGICS):
        return "cpio"
    if head.startswith(RPM_MAGIC):
        return "rpm"
    if packing_at(head) is not None:
        return "packed"
    return "tar" if is_tar_header(head[:BLOCK_BYTES]) else "other"


def packing_at(head: bytes) -> str | None:
    """Return how a file is packed; unlike its magic alone, this can be asked of any file."""
    try:
        packing = packing_of(head)
    except UnsupportedObjectError:
        return "lzo"
    if packing == "bzip2" and not (head[3:4].isdigit() and head[4:10] in _BZIP2_BLOCKS):
        return None
    if packing == "lzma":
        size = head[5:13]
        plausible = size == _UNKNOWN_SIZE or int.from_bytes(size, "little") < 1 << 40
        return packing if len(size) == 8 and plausible else None
    return packing
