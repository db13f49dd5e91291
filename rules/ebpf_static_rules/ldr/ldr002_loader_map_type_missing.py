"""LDR002."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import loader_map_types
from ebpf_static.target import ObjectLoader, Platform


class LoaderMapTypeMissing(Rule):
    """A map has a type the library it is loaded with does not have.

    What it does
    ------------
    Judges for the loader named by `--loader`: aya 0.13 has a list of map types.

    Why it matters
    --------------
    aya creates the map and then gives up on the object: "Unsupported map type found 13". Only
    callers who say `allow_unsupported_maps()` get further.

    Example
    -------
    ::

        __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);     // with aya

    How to fix
    ----------
    Say `EbpfLoader::allow_unsupported_maps()` where only programs use the map, or use another type.

    References
    ----------
    https://github.com/aya-rs/aya/blob/main/aya/src/bpf.rs (`parse_map`)
    """

    code = "LDR002"
    name = "loader-map-type-missing"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.MAPS
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such map."""
        if context.loader == ObjectLoader():
            return
        known = loader_map_types(context.loader)
        if known is None:
            return
        for item in spec.maps:
            if item.type.number and item.type.name not in known:
                yield self.finding(
                    context,
                    f"map `{item.name}` is of type {item.type.name}, which "
                    f"{context.loader.label} does not have",
                    Locator(spec, context).map(item),
                    help="let the loader take types it does not have, or use another type",
                )
