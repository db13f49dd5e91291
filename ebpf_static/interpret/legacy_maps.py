"""Record layouts of legacy maps, and which one a record has.

A record does not say who wrote it; its size and the platform do. Sources: libbpf v0.8
``struct bpf_map_def`` (20 bytes), Linux ``samples/bpf/bpf_load.h`` ``struct bpf_load_map_def``
(28), iproute2 ``include/bpf_elf.h`` ``struct bpf_elf_map`` (36), aya and the gobpf family (longer),
efW ``include/ebpf_structs.h`` ``ebpf_map_definition_in_file_t`` (32; 36 before v0.2.0).
"""

import struct
from typing import Final, NamedTuple

from ebpf_static.specs.section import ByteOrder
from ebpf_static.target import Platform


class Layout(NamedTuple):
    """A record layout: its name and its u32 fields in order; ``_`` is a field not kept."""

    name: str
    fields: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return 4 * len(self.fields)


_BASE = ("number", "key_size", "value_size", "max_entries")
LIBBPF: Final = Layout("libbpf", (*_BASE, "flags"))
IPROUTE2: Final = Layout(
    "iproute2", (*_BASE, "flags", "legacy_id", "pinning", "legacy_inner_id", "legacy_inner_index")
)
SAMPLES: Final = Layout("samples", (*_BASE, "flags", "legacy_inner_index", "numa_node"))
EFW: Final = Layout(
    "efw", (*_BASE, "legacy_inner_index", "pinning", "legacy_id", "legacy_inner_id")
)
EFW_OLD: Final = Layout("efw-0.1", ("_", *EFW.fields))
_UNKNOWN = "unknown"


def find_layout(record: bytes, platform: Platform, byte_order: ByteOrder) -> Layout:
    """Return the layout of a record on a platform, the longest known one that fits.

    A libbpf record may be followed by more bytes as long as they are zero (libbpf v0.8); a record
    that matches nothing keeps the four fields all layouts share.
    """
    size = len(record)
    if platform is Platform.WINDOWS:
        old = size == EFW_OLD.size and int.from_bytes(record[:4], byte_order) == size
        return EFW_OLD if old else EFW
    for layout in (LIBBPF, SAMPLES, IPROUTE2):
        if size == layout.size:
            return layout
    if size > LIBBPF.size and not any(record[LIBBPF.size :]):
        return LIBBPF
    return Layout(_UNKNOWN if size > LIBBPF.size else LIBBPF.name, LIBBPF.fields)


def parse_record(record: bytes, layout: Layout, byte_order: ByteOrder) -> dict[str, int]:
    """Return a record's fields by name; what a short record lacks is zero."""
    padded = record[: layout.size].ljust(layout.size, b"\0")
    endian = "<" if byte_order == "little" else ">"
    values = struct.unpack(f"{endian}{len(layout.fields)}I", padded)
    return {name: value for name, value in zip(layout.fields, values, strict=True) if name != "_"}
