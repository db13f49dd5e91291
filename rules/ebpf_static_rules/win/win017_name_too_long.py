"""WIN017."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ebpf_static.findings import Finding, Location, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.wording import listed, tick

_MAX = 63
_BPF = 15
"""What `bpf()` carries: BPF_OBJ_NAME_LEN without the NUL."""

_OWN = (MapOrigin.BTF, MapOrigin.LEGACY, MapOrigin.IMAGE)


class NameTooLong(WindowsRule):
    """A map, program or section has a name Windows cannot carry.

    What it does
    ------------
    Reports names of maps, programs and their sections that are longer than 63 bytes, and programs
    without a name. Warns about map names that are equal in their first 15 bytes.

    Why it matters
    --------------
    The runtime refuses longer names. Maps created through `bpf()`, as cilium/ebpf does it, keep 15
    bytes of their name, so two of them become one name.

    Example
    -------
    ::

        } connection_table_v4 SEC(".maps");
        } connection_table_v6 SEC(".maps");    // both `connection_tabl` through bpf()

    How to fix
    ----------
    Shorten the names, or make them differ early.

    References
    ----------
    microsoft/ebpf-for-windows: libs/execution_context/ebpf_core.c, libs/api/bpf_syscall.cpp
    """

    code = "WIN017"
    name = "name-too-long"
    severity = Severity.ERROR
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each name."""
        for item in spec.maps:
            if item.origin in _OWN and _size(item.name) > _MAX:
                yield self._long(
                    context, f"map name {tick(item.name)}", item.name, locate.map(item)
                )
        seen: set[str] = set()
        for program in spec.programs:
            place = locate.function(program)
            if _size(program.name) > _MAX:
                yield self._long(context, f"program name {tick(program.name)}", program.name, place)
            if _size(program.section) > _MAX and program.section not in seen:
                seen.add(program.section)
                name = f"section name {tick(program.section)}"
                yield self._long(context, name, program.section, place)
        # A native image's maps are created by their whole names.
        names = [it.name for it in spec.maps if it.origin in _OWN and it.origin != MapOrigin.IMAGE]
        for group in _alike(names):
            yield self.finding(
                context,
                f"maps {listed([tick(name) for name in group])} are one name in the {_BPF} bytes "
                "that `bpf()` carries",
                locate.map(spec.maps[group[0]]),
                help="make the names differ in their first 15 bytes",
                severity=Severity.WARNING,
            )

    def _long(self, context: RuleContext, what: str, name: str, place: Location) -> Finding:
        return self.finding(
            context,
            f"{what} has {_size(name)} bytes; eBPF for Windows takes {_MAX}",
            place,
            help="shorten the name",
        )


def _size(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))


def _alike(names: Sequence[str]) -> list[list[str]]:
    groups: dict[bytes, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(name.encode("utf-8", "surrogateescape")[:_BPF], []).append(name)
    return [group for start, group in groups.items() if len(group) > 1 and len(start) == _BPF]
