"""MAP105."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.support import loader_map_members
from ebpf_static.target import ObjectLoader, Platform
from ebpf_static_rules.map.walk import iter_definitions
from ebpf_static_rules.wording import listed, tick

# libbpf src/libbpf.c, parse_btf_map_def.
_KNOWN = frozenset(
    {
        "type",
        "max_entries",
        "map_flags",
        "numa_node",
        "key_size",
        "key",
        "value_size",
        "value",
        "values",
        "pinning",
        "map_extra",
    }
)


class MapMemberUnknown(Rule):
    """A map definition has a member libbpf does not know.

    What it does
    ------------
    Reports members of a definition in `.maps` that are none of `type`, `max_entries`,
    `map_flags`, `numa_node`, `key_size`, `key`, `value_size`, `value`, `values`, `pinning` and
    `map_extra`.

    Why it matters
    --------------
    libbpf refuses the whole object ("map 'x': unknown field 'y'") unless its caller sets
    `relaxed_maps`, which hardly anyone does: a misspelt `map_flag` would otherwise be lost.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_HASH);
                __uint(max_entry, 1024);           // max_entries
                __type(key, __u32);
                __type(value, __u64);
        } flows SEC(".maps");

    How to fix
    ----------
    Correct the spelling, or remove the member. Members of eBPF for Windows (`id`, `inner_id`)
    belong in the Windows build only.

    References
    ----------
    https://github.com/libbpf/libbpf/blob/master/src/libbpf.c
    """

    code = "MAP105"
    name = "map-member-unknown"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN_MAPS
    platforms = (Platform.LINUX,)
    refused_by_loader = "map_members"

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each definition with such members."""
        known = _known(context.loader)
        for declared, item, words in iter_definitions(spec):
            unknown = [name for name in item.declared if name not in known]
            if unknown and declared.origin is MapOrigin.BTF:
                names = listed([tick(name) for name in unknown])
                yield self.finding(
                    context,
                    f"{words} sets {names}, which {context.loader.label} does not know and refuses",
                    Locator(spec, context).map(declared),
                    help=_help(unknown, known),
                )


def _known(loader: ObjectLoader) -> frozenset[str]:
    """Return the members a loader reads; the tables are for those who name one."""
    return _KNOWN if loader == ObjectLoader() else loader_map_members(loader)


def _help(unknown: list[str], known: frozenset[str]) -> str:
    from difflib import get_close_matches

    for name in unknown[:1]:
        near = get_close_matches(name[:64], sorted(known), n=1)
        if near:
            return f"write `{near[0]}` instead of `{name}`"
    return "remove it, or keep it out of the Linux build"
