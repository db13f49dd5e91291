"""MAP111."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.map.walk import iter_definitions

_TAKE_VALUES = frozenset({"HASH_OF_MAPS", "ARRAY_OF_MAPS", "PROG_ARRAY"})


class MapValuesMisplaced(Rule):
    """A map has a `values` member, and its type holds neither maps nor programs.

    What it does
    ------------
    Reports `__array(values, …)` in maps that are no HASH_OF_MAPS, ARRAY_OF_MAPS or PROG_ARRAY,
    in inner maps, and where it is not the last member.

    Why it matters
    --------------
    libbpf refuses the whole object ("should be map-in-map or prog-array", "multi-level inner maps
    not supported", "member should be last"). Often `value` was meant, or the type number is one of
    the other platform.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_ARRAY);
                __uint(max_entries, 4);
                __type(key, __u32);
                __array(values, struct inner);
        } tables SEC(".maps");

    How to fix
    ----------
    Make it a map of maps or a program array with `values` last, or write `__type(value, …)`.

    References
    ----------
    https://docs.kernel.org/bpf/map_of_maps.html
    """

    code = "MAP111"
    name = "map-values-misplaced"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN_MAPS
    platforms = (Platform.LINUX,)
    refused_by_loader = "map_values_misplaced"

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such definition."""
        loader = context.loader.label
        for declared, item, words in iter_definitions(spec):
            type_ = MapType.of(Platform.LINUX, item.type.number)
            if declared.origin is not MapOrigin.BTF or "values" not in item.declared:
                continue
            if item is not declared:
                yield self.finding(
                    context,
                    f"{words} has `values` of its own, and {loader} takes one level only",
                    Locator(spec, context).map(declared),
                    help="remove `values` from the inner definition",
                )
                continue
            if type_.known and type_.number and type_.name not in _TAKE_VALUES:
                yield self.finding(
                    context,
                    f"{words} is of type {type_.name} and has `values`, which {loader} takes in "
                    "maps of maps and program arrays only",
                    Locator(spec, context).map(declared),
                    help="write `__type(value, …)`, or correct the map's type",
                )
            elif item.declared[-1] != "values":
                yield self.finding(
                    context,
                    f"{words} has members behind `values`, which {loader} takes as the last only",
                    Locator(spec, context).map(declared),
                    help="move `__array(values, …)` to the end of the definition",
                )
