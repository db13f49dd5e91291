"""MAP109."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.evidence import is_read_with_linux_numbers
from ebpf_static_rules.map.walk import iter_definitions


class MapTypeMeansOther(Rule):
    """A map's type number is another type on the platform it is checked for.

    What it does
    ------------
    When an object made for one platform is checked for the other, warns about each map whose
    type number exists on both and means different things.

    Why it matters
    --------------
    The map is created without complaint, as something else: map type 13 is a hash of maps on
    Linux and a ring buffer on Windows, type 4 a perf event array here and a per-CPU hash there.

    Example
    -------
    ::

        ebpf-static check --platform windows execsnoop.bpf.o     # events: type 4

    How to fix
    ----------
    Compile the source with the headers of the platform it is to run on.

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/ebpf_structs.h
    """

    code = "MAP109"
    name = "map-type-means-other"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield a finding for each map that would become something else."""
        made_for, platform = spec.platform, context.judged_platform(spec)
        if made_for in (platform, Platform.UNKNOWN):
            return
        if is_read_with_linux_numbers(spec, platform):
            return
        for declared, item, words in iter_definitions(spec):
            meant = MapType.of(made_for, item.type.number)
            becomes = MapType.of(platform, item.type.number)
            both = meant.known and becomes.known and declared.origin is not MapOrigin.DATA
            if both and meant.on(platform) != becomes:
                yield self.finding(
                    context,
                    f"{words} has type {meant.number}: {meant.name} on {made_for.label}, "
                    f"{becomes.name} on {platform.label}",
                    Locator(spec, context).map(declared),
                    help=f"compile it with the headers of {platform.label}",
                )
