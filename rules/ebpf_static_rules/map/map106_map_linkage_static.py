"""MAP106."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.support import loader_answer
from ebpf_static.target import Platform


class MapLinkageStatic(Rule):
    """A map in `.maps` is a static variable.

    What it does
    ------------
    Reports maps of `.maps` that are declared `static` or `extern`.

    Why it matters
    --------------
    libbpf takes global variables only and refuses the object otherwise ("unsupported map linkage
    static").

    Example
    -------
    ::

        static struct {
                __uint(type, BPF_MAP_TYPE_ARRAY);
                __uint(max_entries, 1);
                __type(key, __u32);
                __type(value, __u64);
        } packets SEC(".maps");

    How to fix
    ----------
    Remove `static`; to keep the map out of other objects when linking, add `__hidden`.

    References
    ----------
    https://github.com/libbpf/libbpf/wiki/Libbpf-1.0-migration-guide
    """

    code = "MAP106"
    name = "map-linkage-static"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN_MAPS
    platforms = (Platform.LINUX,)
    refused_by_loader = "static_maps"

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such map."""
        for item in spec.maps:
            refused = item.origin is MapOrigin.BTF or (
                item.origin is MapOrigin.LEGACY
                and loader_answer("legacy_maps", context.loader) == "takes"
            )
            if refused and item.linkage not in ("global", "weak"):
                yield self.finding(
                    context,
                    f"map `{item.name}` is {item.linkage}, and {context.loader.label} takes "
                    "global maps only",
                    Locator(spec, context).map(item),
                    help="remove `static` from its declaration",
                )
