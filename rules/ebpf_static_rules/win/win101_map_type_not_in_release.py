"""WIN101."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import lookups
from ebpf_static_rules.win.base import WindowsRule, map_type
from ebpf_static_rules.win.releases import gap_of, judged_release


class MapTypeNotInRelease(WindowsRule):
    """A map has a type that releases of efW do not have.

    What it does
    ------------
    Reports maps whose type the release judged for does not have. Without a release: a warning for
    types some supported releases lack, naming the first with them.

    Why it matters
    --------------
    PERF_EVENT_ARRAY came with 0.21, SAMPLE_HASH_MAP with 1.1, XSKMAP with 1.2.1. An older runtime
    refuses the map, and with it the object.

    Example
    -------
    ::

        __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);    // --target windows:0.20

    How to fix
    ----------
    Use RINGBUF, which every release has, or require a newer release.

    References
    ----------
    microsoft/ebpf-for-windows: include/ebpf_structs.h (at every tag)
    """

    code = "WIN101"
    name = "map-type-not-in-release"
    severity = Severity.ERROR
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each map of such a type."""
        release = judged_release(context)
        for item in spec.maps:
            type_ = map_type(item)
            if type_ is None or not type_.number:
                continue
            gap = gap_of(lookups.map_type(type_, release), context)
            if gap is not None:
                yield self.finding(
                    context,
                    f"map `{item.name}` is a {type_.name}, {gap.words}",
                    locate.map(item),
                    help="use another type, or require a newer release",
                    severity=gap.severity,
                    targeted=True,
                )
