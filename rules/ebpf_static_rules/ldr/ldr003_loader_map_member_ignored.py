"""LDR003."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin
from ebpf_static.support import loader_answer, loader_map_members
from ebpf_static.target import ObjectLoader, Platform
from ebpf_static_rules.wording import listed, tick


class LoaderMapMemberIgnored(Rule):
    """A map sets something the library it is loaded with passes over.

    What it does
    ------------
    Judges for the loader named by `--loader`: aya 0.13 reads types, sizes, flags and pinning of a
    map in `.maps`, and passes over everything else.

    Why it matters
    --------------
    The map exists without it: a program array is empty, a bloom filter has the default number of
    hashes. A map of maps without its inner map is refused by the kernel (MAP203).

    Example
    -------
    ::

        __array(values, int (void *));               // with aya: the tail calls go nowhere

    How to fix
    ----------
    Set it in the loading program.

    References
    ----------
    https://github.com/aya-rs/aya/blob/main/aya-obj/src/obj.rs (`parse_btf_map_def`)
    """

    code = "LDR003"
    name = "loader-map-member-ignored"
    severity = Severity.WARNING
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each map that sets such a member."""
        loader = context.loader
        if loader == ObjectLoader() or loader_answer("map_members", loader) != "takes":
            return
        read = loader_map_members(loader)
        for item in spec.maps:
            ignored = [tick(name) for name in item.declared if name not in read]
            if item.origin is MapOrigin.BTF and ignored:
                yield self.finding(
                    context,
                    f"map `{item.name}` sets {listed(ignored)}, which {loader.label} passes over",
                    Locator(spec, context).map(item),
                    help="set it in the program that loads the object",
                )
