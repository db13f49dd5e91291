"""WIN001."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.win.base import WindowsRule

_NO_KEY = ("RINGBUF", "QUEUE", "STACK")
_OF_MAPS = ("HASH_OF_MAPS", "ARRAY_OF_MAPS")
_DECLARED = (MapOrigin.BTF, MapOrigin.LEGACY)


class MapTypeOfOtherPlatform(WindowsRule):
    """A map's type number means another type on the other platform.

    What it does
    ------------
    In a Linux object judged for Windows, reports every map whose number Windows reads as another
    type (MAP101 reports numbers it does not know). In an object read with Windows numbers, reports
    a map whose sizes Windows refuses for its type while they fit what the number means on Linux.

    Why it matters
    --------------
    Map types 4 to 14 and 16 differ: 13 is RINGBUF on Windows and HASH_OF_MAPS on Linux, 4 is
    PERCPU_HASH and PERF_EVENT_ARRAY. Nothing in the object says whose number it is, so the map is
    created as something else, or creation fails without a hint.

    Example
    -------
    ::

        // compiled with <linux/bpf.h>: 5, which is PERCPU_ARRAY on Windows
        __uint(type, BPF_MAP_TYPE_PERCPU_HASH);

    How to fix
    ----------
    Compile with the headers of eBPF for Windows (`bpf_helpers.h`), which have the Windows numbers.

    References
    ----------
    microsoft/ebpf-for-windows: include/ebpf_structs.h; linux: include/uapi/linux/bpf.h
    """

    code = "WIN001"
    name = "map-type-of-other-platform"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each map that is another one on the other platform."""
        for item in spec.maps:
            message = _linux(item) if spec.numbering is Platform.LINUX else _windows(item)
            if message is not None:
                yield self.finding(
                    context,
                    message,
                    locate.map(item),
                    help="compile with the headers of eBPF for Windows",
                )


def _linux(item: MapSpec) -> str | None:
    if item.origin not in _DECLARED or not item.type.known:
        return None
    twin = item.type.on(Platform.WINDOWS)
    read = MapType.of(Platform.WINDOWS, item.type.number)
    if not read.known or read == twin:
        return None
    wanted = "has no such type" if twin is None else f"has {twin.name} as {twin.number}"
    return (
        f"map `{item.name}` is {item.type.name} by Linux number {item.type.number}, which eBPF for "
        f"Windows reads as {read.name}; it {wanted}"
    )


def _windows(item: MapSpec) -> str | None:
    if item.origin not in _DECLARED:
        return None
    refused = _refused(item)
    linux = MapType.of(Platform.LINUX, item.type.number)
    if refused is None or not linux.known or not _fits_linux(item, linux.name):
        return None
    return (
        f"map `{item.name}` of type {item.type.number} is {item.type.name} on eBPF for Windows, "
        f"which {refused}; on Linux {linux.number} is {linux.name}, which fits"
    )


def _refused(item: MapSpec) -> str | None:
    """Return why Windows cannot create the map as the type its number means there."""
    name = item.type.name
    if name in _NO_KEY and item.key_size:
        return f"takes no key, and the map's has {item.key_size} bytes"
    if name in _OF_MAPS and item.value_size != 4:
        return f"takes values of 4 bytes, and the map's have {item.value_size}"
    return None


def _fits_linux(item: MapSpec, name: str) -> bool:
    """Tell whether the sizes are what the Linux type wants (kernel/bpf/*map*.c, alloc_check)."""
    if name in _OF_MAPS:
        return item.inner is not None and item.value_size == 4
    if name in ("PERCPU_ARRAY", "STACK_TRACE"):
        return item.key_size == 4 and item.value_size > 0
    return item.key_size > 0 and item.value_size > 0
