"""MAP110."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.evidence import is_foreign

_OUTER = frozenset({"HASH_OF_MAPS", "ARRAY_OF_MAPS"})


class InnerMapMissing(Rule):
    """A map of maps does not say what its inner maps look like.

    What it does
    ------------
    Warns about HASH_OF_MAPS and ARRAY_OF_MAPS maps without the definition of an inner map. The
    loader may set one (`bpf_map__set_inner_map_fd`), so it is no error.

    Why it matters
    --------------
    Both platforms create a map of maps from a template and refuse to without
    (`-EBADF`, `-EINVAL`, `EBPF_INVALID_FD`).

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
                __uint(max_entries, 8);
                __uint(key_size, 4);
                __uint(value_size, 4);
        } tables SEC(".maps");

    How to fix
    ----------
    Declare the inner map with `__array(values, struct inner)`, or have the loader set it.

    References
    ----------
    https://docs.kernel.org/bpf/map_of_maps.html
    """

    code = "MAP110"
    name = "inner-map-missing"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each map of maps without a template."""
        platform = context.judged_platform(spec)
        if is_foreign(spec, platform):
            return
        for item in spec.maps:
            type_ = MapType.of(platform, item.type.number)
            declared = item.origin in (MapOrigin.BTF, MapOrigin.LEGACY)
            if declared and type_.name in _OUTER and item.inner is None:
                yield self.finding(
                    context,
                    f"map `{item.name}` is of type {type_.name} and declares no inner map",
                    Locator(spec, context).map(item),
                    help="declare the inner map with `__array(values, struct …)`",
                )
