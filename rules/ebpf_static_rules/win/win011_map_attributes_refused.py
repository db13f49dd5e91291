"""WIN011."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec
from ebpf_static_rules.win.base import WindowsRule, map_type
from ebpf_static_rules.wording import listed

_BPF_F_NO_PREALLOC = 1
_MADE_BY_LOADERS = (MapOrigin.DATA, MapOrigin.KCONFIG, MapOrigin.STRUCT_OPS, MapOrigin.IMAGE)


class MapAttributesRefused(WindowsRule):
    """A map sets `map_flags` or `numa_node`, which must be zero on Windows.

    What it does
    ------------
    Reports maps whose BTF definition gives `map_flags`, `numa_node` or `map_extra` a value other
    than zero. (`map_ifindex`, the third attribute that must be zero, is not in an object.)

    Why it matters
    --------------
    Loaders that create maps through `bpf()`, cilium/ebpf among them, pass the values on and get
    EINVAL. efW's own loaders do not read these members at all, so the map silently lacks what the
    flags ask for. That includes BPF_F_NO_PREALLOC, which Linux requires for LPM_TRIE.

    Example
    -------
    ::

        __uint(type, BPF_MAP_TYPE_LPM_TRIE);
        __uint(map_flags, BPF_F_NO_PREALLOC);

    How to fix
    ----------
    Leave the members out of the Windows build.

    References
    ----------
    microsoft/ebpf-for-windows: libs/api/bpf_syscall.cpp
    """

    code = "WIN011"
    name = "map-attributes-refused"
    severity = Severity.WARNING

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each map with such a value."""
        for item in spec.maps:
            # A legacy record has no such fields on Windows: WIN015 says what is read instead.
            if item.origin in _MADE_BY_LOADERS or item.record is not None:
                continue
            values = {"map_flags": item.flags, "numa_node": item.numa_node}
            values["map_extra"] = item.map_extra
            wrong = [f"{name} {value:#x}" for name, value in values.items() if value]
            if wrong:
                yield self.finding(
                    context,
                    f"map `{item.name}` sets {listed(wrong)}, which `bpf()` refuses and efW's own "
                    "loaders ignore",
                    locate.map(item),
                    help=_advice(item),
                )


def _advice(item: MapSpec) -> str:
    type_ = map_type(item)
    if type_ is not None and type_.name == "LPM_TRIE" and item.flags == _BPF_F_NO_PREALLOC:
        return "keep BPF_F_NO_PREALLOC, which Linux requires here, out of the Windows build"
    return "leave the members out of the Windows build"
