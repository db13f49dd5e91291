"""WIN032."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.win.base import WindowsRule, map_type
from ebpf_static_rules.win.releases import find_gap
from ebpf_static_rules.wording import listed, tick

_SINCE = "1.0.0-rc1"


class LateProceduresNeeded(WindowsRule):
    """User space needs procedures of `ebpfapi.dll` that older releases do not export.

    What it does
    ------------
    Notes ring buffer maps and maps pinned by name when a release judged for is older than
    1.0.0-rc1: mapping a ring (`ebpf_ring_buffer_map_map_buffer` and its counterpart), waiting for
    it (`ebpf_map_set_wait_handle`) and walking pin paths (`ebpf_canonicalize_pin_path`) came then.

    Why it matters
    --------------
    cilium/ebpf looks these procedures up when they are first needed: the collection loads, and
    reading the ring fails.

    Example
    -------
    ::

        __uint(type, BPF_MAP_TYPE_RINGBUF);    // --target windows:0.21

    How to fix
    ----------
    Require 1.0 in the installer, or read the ring with `ring_buffer__new` of efW.

    References
    ----------
    microsoft/ebpf-for-windows: ebpfapi/Source.def; cilium/ebpf: internal/efw
    """

    code = "WIN032"
    name = "late-procedures-needed"
    severity = Severity.NOTE
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a note for rings, and one for pinned maps."""
        gap = find_gap(context, _SINCE)
        if gap is None:
            return
        types = {id(item): map_type(item) for item in spec.maps}
        rings = [it for it in spec.maps if (t := types[id(it)]) and t.name == "RINGBUF"]
        pinned = [it for it in spec.maps if it.pinning == 1]
        for items, purpose in ((rings, "reading"), (pinned, "walking the pin path of")):
            if items:
                names = listed([tick(it.name) for it in items])
                yield self.finding(
                    context,
                    f"{purpose} {names} with cilium/ebpf needs procedures {gap.words}",
                    locate.map(items[0]),
                    help="require eBPF for Windows 1.0 where the object is used",
                    targeted=True,
                )
