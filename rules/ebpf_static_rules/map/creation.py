"""Which maps a loader creates, and with which sizes and flags.

Source: libbpf ``src/libbpf.c``: ``bpf_object__create_maps``, ``bpf_object__create_map``,
``map_set_def_max_entries``, ``adjust_ringbuf_sz``, ``bpf_object__sanitize_maps``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec
from ebpf_static.support import Release, feature, loader_answer
from ebpf_static.support.architectures import page_size_of
from ebpf_static.target import Library, ObjectLoader, Platform
from ebpf_static_rules.map.walk import iter_definitions

RINGS: Final = frozenset({"RINGBUF", "USER_RINGBUF"})
PAGE_BYTES: Final = 4096

_SIZED_ELSEWHERE: Final = frozenset(
    {
        "CGROUP_STORAGE",
        "PERCPU_CGROUP_STORAGE",
        "SK_STORAGE",
        "INODE_STORAGE",
        "TASK_STORAGE",
        "CGRP_STORAGE",
        "STRUCT_OPS",
        "PERF_EVENT_ARRAY",
    }
)
_RING_BYTES: Final = 262_144
_ENTRIES: Final = 1024
_STACK_TRACE_BYTES: Final = 127 * 8
_PROCESSORS: Final = 1
_UINT_MAX: Final = 0xFFFFFFFF


class Creation(NamedTuple):
    """A map as the kernel is asked to create it.

    Attributes:
        declared: the map it belongs to: itself, or the one it is the inner map of.
        definition: its definition.
        words: what messages call it.
        value_size: bytes.
        max_entries: elements, or bytes of a ring buffer.
        page_size: bytes of a page of the machine.
    """

    declared: MapSpec
    definition: MapSpec
    words: str
    value_size: int
    max_entries: int
    page_size: int = PAGE_BYTES


def iter_created(
    spec: CollectionSpec, context: RuleContext, release: Release
) -> Iterator[Creation]:
    """Yield every map a loader creates before it loads a program, inner ones included."""
    global_data = feature("global_data", release).available
    page = page_size_of(context.target)
    legacy = loader_answer("legacy_maps", context.loader) == "takes"
    for declared, item, words in iter_definitions(spec):
        if not declared.autocreate or item.type.number == 0:
            continue
        if declared.origin in (MapOrigin.DATA, MapOrigin.KCONFIG) and not global_data:
            continue  # left out; who refers to it is INS208's to tell
        if item.type.platform is not Platform.LINUX:
            continue
        if declared.origin is MapOrigin.LEGACY and not legacy:
            continue  # refused when the object is opened
        # Loaders size the maps they list; the template inside a map of maps is none of them.
        setup = context.assume_setup and item is declared
        sizes = _sizes(item, context.loader, page, assume_setup=setup)
        yield Creation(declared, item, words, *sizes, page)


def _sizes(
    item: MapSpec, loader: ObjectLoader, page: int, *, assume_setup: bool
) -> tuple[int, int]:
    """Return value size and entries as the loader asks for them."""
    name = item.type.name
    value, entries = item.value_size, item.max_entries
    if entries == 0 and assume_setup and name not in _SIZED_ELSEWHERE:
        entries = _RING_BYTES if name in RINGS else _ENTRIES
        # Callers of aya can set the number of entries and nothing else.
        if name == "STACK_TRACE" and value == 0 and loader.library is not Library.AYA:
            value = _STACK_TRACE_BYTES
    if entries == 0 and name == "PERF_EVENT_ARRAY":
        entries = _PROCESSORS
    if name == "CPUMAP" and loader_answer("processors_counted", loader) == "takes":
        entries = _PROCESSORS
    if name in RINGS and loader_answer("ring_size_rounded", loader) == "takes":
        entries = ring_bytes(entries, page)
    return value, entries


def ring_bytes(size: int, page: int = PAGE_BYTES) -> int:
    """Return the size a ring buffer gets: the next power of two of whole pages, 0 for 0."""
    pages, rest = divmod(size, page)
    if size == 0 or (rest == 0 and pages & (pages - 1) == 0):
        return size
    rounded = page
    while rounded <= size and rounded <= _UINT_MAX // 2:
        rounded <<= 1
    return max(size, rounded)
