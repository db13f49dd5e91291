"""WIN012."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.win.base import WindowsRule, map_type

_PAGE = 4096
_RINGS = ("RINGBUF", "PERF_EVENT_ARRAY")


class RingSizeRefused(WindowsRule):
    """A ring buffer's size is one Windows does not take.

    What it does
    ------------
    Reports RINGBUF and PERF_EVENT_ARRAY maps whose `max_entries` is not a power of two and a
    multiple of 4096.

    Why it matters
    --------------
    For both types `max_entries` is a size in bytes, for PERF_EVENT_ARRAY of each processor's ring.
    On Linux a perf event array counts processors instead, so a Linux definition (0, or the number
    of CPUs) cannot be created on Windows.

    Example
    -------
    ::

        __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
        __uint(max_entries, 8);          // processors, on Linux

    How to fix
    ----------
    Set a size in bytes: 4096, 8192, 16384 and so on.

    References
    ----------
    microsoft/ebpf-for-windows: libs/runtime/ebpf_ring_buffer.c, docs/PerfEventArray.md
    """

    code = "WIN012"
    name = "ring-size-refused"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each ring of such a size."""
        for item in spec.maps:
            type_ = map_type(item)
            if type_ is None or type_.name not in _RINGS or not _is_wrong(item.max_entries):
                continue
            unit = " on each processor" if type_.name == "PERF_EVENT_ARRAY" else ""
            yield self.finding(
                context,
                f"map `{item.name}` is a {type_.name} of {item.max_entries} bytes{unit}; eBPF for "
                f"Windows takes powers of two that are multiples of {_PAGE}",
                locate.map(item),
                help="set `max_entries` to a size in bytes such as 65536",
            )


def _is_wrong(size: int) -> bool:
    return size < _PAGE or size % _PAGE != 0 or size & (size - 1) != 0
