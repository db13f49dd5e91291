"""WIN018."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.wording import listed, tick

_READ = frozenset(
    {"type", "max_entries", "key", "key_size", "value", "value_size", "values", "pinning"}
)
_OF_WIN011 = frozenset({"map_flags", "numa_node", "map_extra"})


class MapMembersIgnored(WindowsRule):
    """A map definition has members that Windows does not read.

    What it does
    ------------
    Warns about members of a BTF map definition other than `type`, `max_entries`, `key`,
    `key_size`, `value`, `value_size`, `values` and `pinning`; `map_flags`, `numa_node` and
    `map_extra` are WIN011's.

    Why it matters
    --------------
    What is not read has no effect and gives no warning: a misspelt member is lost silently, where
    libbpf would refuse the map.

    Example
    -------
    ::

        __uint(inner_map_idx, 1);        // a member of legacy records, not of BTF maps

    How to fix
    ----------
    Use the members that are read; name an inner map with `values`.

    References
    ----------
    Alan-Jowett/libbtf: libbtf/btf_map.cpp
    """

    code = "WIN018"
    name = "map-members-ignored"
    severity = Severity.WARNING
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each map with such members."""
        for item in spec.maps:
            if item.origin is not MapOrigin.BTF or not item.declared:
                continue
            ignored = [tick(it) for it in item.declared if it not in _READ | _OF_WIN011]
            if ignored:
                yield self.finding(
                    context,
                    f"map `{item.name}` sets {listed(ignored)}, which eBPF for Windows does not "
                    "read",
                    locate.map(item),
                    help="use the members that are read",
                )
