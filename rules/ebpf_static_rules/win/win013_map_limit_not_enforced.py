"""WIN013."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.win.base import WindowsRule, map_type
from ebpf_static_rules.win.releases import find_gap
from ebpf_static_rules.win.tables import map_operations
from ebpf_static_rules.wording import listed, tick

_UNBOUNDED_SINCE = "0.17.0"


class MapLimitNotEnforced(WindowsRule):
    """A map may grow beyond `max_entries`: Windows does not enforce the limit for its type.

    What it does
    ------------
    Notes, once per object, the HASH, PERCPU_HASH, LPM_TRIE and HASH_OF_MAPS maps: since 0.17 their
    `max_entries` only sizes the table. LRU maps, arrays, queues and stacks keep to it.

    Why it matters
    --------------
    Where Linux returns E2BIG, an insert succeeds and takes kernel memory. A program that relies on
    the limit to bound what a peer can make it store has no bound on Windows.

    Example
    -------
    ::

        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, 1024);        // the 1025th insert succeeds

    How to fix
    ----------
    Use LRU_HASH where the number of entries must be bounded.

    References
    ----------
    microsoft/ebpf-for-windows: libs/execution_context/ebpf_maps.c (pull request 3348)
    """

    code = "WIN013"
    name = "map-limit-not-enforced"
    severity = Severity.NOTE
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield one note for all maps whose limit is not kept."""
        gap = find_gap(context, _UNBOUNDED_SINCE)
        if gap is not None and gap.severity is Severity.ERROR:
            return
        found = []
        for item in spec.maps:
            type_ = map_type(item)
            operations = None if type_ is None else map_operations(type_)
            if operations is not None and operations.limit_enforced is False:
                found.append(item)
        if found:
            names = listed([tick(item.name) for item in found])
            verb = "is of a type" if len(found) == 1 else "are of types"
            yield self.finding(
                context,
                f"{names} {verb} whose `max_entries` eBPF for Windows does not enforce since "
                f"{_UNBOUNDED_SINCE}",
                locate.map(found[0]),
                help="use LRU_HASH where the number of entries must be bounded",
                targeted=True,
            )
