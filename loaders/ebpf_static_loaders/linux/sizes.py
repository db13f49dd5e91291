"""How big a map is to be: what the object says, what the user says, what its type makes of it."""

from __future__ import annotations

import mmap
from typing import Final

from ebpf_static.errors import UsageError
from ebpf_static.loading import LoadOptions
from ebpf_static.specs import MapSpec

RINGS: Final = frozenset({"RINGBUF", "USER_RINGBUF"})
_DEFAULT_RING: Final = 256 << 10
_STACK_VALUE: Final = 127 * 8
_U32_MAX: Final = 0xFFFFFFFF
# Their size is no business of a user, zero included.
_UNSIZED: Final = frozenset(
    {
        "SK_STORAGE", "INODE_STORAGE", "TASK_STORAGE", "CGRP_STORAGE", "CGROUP_STORAGE",
        "PERCPU_CGROUP_STORAGE", "STRUCT_OPS", "PERF_EVENT_ARRAY",
    }
)  # fmt: skip


def sized(item: MapSpec, options: LoadOptions, cpus: int) -> MapSpec:
    """Return a map with the sizes it is to be created with.

    Raises:
        UsageError: the user gave a size no map can have.
    """
    kind = item.type.name
    entries = options.max_entries.get(item.name, item.max_entries)
    key_size, value_size = item.key_size, item.value_size
    if not 0 <= entries <= _U32_MAX:
        raise UsageError(f"map `{item.name}` cannot have {entries} entries")
    if options.default_max_entries is not None:
        if kind == "STACK_TRACE":
            key_size, value_size = key_size or 4, value_size or _STACK_VALUE
        if not entries and kind not in _UNSIZED:
            entries = _DEFAULT_RING if kind in RINGS else options.default_max_entries
    if kind == "PERF_EVENT_ARRAY" and not entries:
        entries = cpus
    if kind in RINGS:
        entries = round_ring(entries)
    changes = {"max_entries": entries, "key_size": key_size, "value_size": value_size}
    return item.model_copy(update=changes)


def round_ring(size: int) -> int:
    """Return the size of a ring buffer that can be: a power of two, whole pages.

    Source: libbpf ``src/libbpf.c`` ``adjust_ringbuf_sz``.
    """
    page = mmap.PAGESIZE
    if not size:
        return 0
    rounded = page
    while rounded < size and rounded <= _U32_MAX // 2:
        rounded *= 2
    return max(rounded, size)
