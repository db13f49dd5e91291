"""MAP103."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.target import Platform


class MapUnnamed(Rule):
    """A map has no name.

    What it does
    ------------
    Reports maps whose symbol or BTF variable has an empty name. It is an error for maps of
    `.maps` on Linux, a warning elsewhere.

    Why it matters
    --------------
    libbpf refuses the object ("map #0: empty name"). On Windows the map exists, but neither the
    program that loads it nor bpftool can find it.

    Example
    -------
    An object whose string table was stripped or overwritten after compiling.

    How to fix
    ----------
    Build the object again, and strip with `llvm-strip -g`.

    References
    ----------
    https://docs.kernel.org/bpf/maps.html
    """

    code = "MAP103"
    name = "map-unnamed"
    severity = Severity.ERROR
    refused_by_loader = "unnamed_maps"
    stage = Stage.OPEN
    step = Step.OPEN_MAPS

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each map without a name."""
        linux = context.judged_platform(spec) is Platform.LINUX
        for index, item in enumerate(spec.maps):
            if item.name:
                continue
            refused = linux and item.origin is MapOrigin.BTF
            yield self.finding(
                context,
                f"map {index} of the object, in section `{item.section}`, has no name",
                Locator(spec, context).map(item),
                help="build the object again, and strip with `llvm-strip -g`",
                severity=Severity.ERROR if refused else Severity.WARNING,
            )
