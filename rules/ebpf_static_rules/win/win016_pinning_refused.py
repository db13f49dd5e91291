"""WIN016."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapSpec
from ebpf_static.target import Platform
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.releases import find_gap

_LIBBPF_VALUES = (0, 1)
_OLD_VALUES = {2: "PIN_GLOBAL_NS", 3: "PIN_CUSTOM_NS"}
_LIBBPF_SINCE = "0.12.0"


class PinningRefused(WindowsRule):
    """A map asks for a kind of pinning Windows does not know.

    What it does
    ------------
    Reports maps whose `pinning` is neither 0 (none) nor 1 (by name). 2 and 3 were values of
    headers before 0.12.

    Why it matters
    --------------
    Releases from 0.12 on refuse the map. Objects compiled against an old header carry 2.

    Example
    -------
    ::

        __uint(pinning, 2);              // PIN_GLOBAL_NS until 0.11

    How to fix
    ----------
    Use `LIBBPF_PIN_BY_NAME`, and set the path when loading.

    References
    ----------
    microsoft/ebpf-for-windows: include/ebpf_structs.h, docs/PinPaths.md
    """

    code = "WIN016"
    name = "pinning-refused"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each map with such a value."""
        for item in spec.maps:
            value = _pinning(item, spec)
            if value in _LIBBPF_VALUES:
                continue
            old = _OLD_VALUES.get(value)
            gap = find_gap(context, None, _LIBBPF_SINCE) if old else None
            if old and gap is None:
                continue
            words = f"{old}, {gap.words}" if gap else "which no release of eBPF for Windows has"
            yield self.finding(
                context,
                f"map `{item.name}` sets pinning {value}, {words}",
                locate.map(item),
                help="use LIBBPF_PIN_BY_NAME (1)",
                severity=gap.severity if gap else Severity.ERROR,
                targeted=True,
            )


def _pinning(item: MapSpec, spec: CollectionSpec) -> int:
    """Return the value Windows reads: a Linux record has other fields at that offset."""
    if item.record is None or spec.numbering is Platform.WINDOWS:
        return item.pinning
    return int.from_bytes(item.record[20:24], spec.byte_order)
