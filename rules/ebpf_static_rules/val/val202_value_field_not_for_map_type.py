"""VAL202."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.value_fields import find_fields
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, map_rules
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.release import ReleaseRule

_BROADEST = "HASH"
_ELSEWHERE = {"UPTR": "TASK_STORAGE"}


class ValueFieldNotForMapType(ReleaseRule):
    """The values of a map hold a field that the kernel does not support in maps of its type.

    What it does
    ------------
    Looks for special fields (`struct bpf_spin_lock`, `struct bpf_timer`, pointers tagged `kptr` …)
    in value types, and reports those the target supports, but not in this type of map.

    Why it matters
    --------------
    The kernel refuses to create the map with its type information; libbpf then creates it
    without, so that the field is plain memory, and programs that use it as what it is called are
    refused: "map 'x' has to have BTF in order to use bpf_spin_lock".

    Example
    -------
    ::

        struct value { struct bpf_spin_lock lock; int count; };
        struct {
            __uint(type, BPF_MAP_TYPE_LRU_HASH);
            __type(value, struct value); …
        } counts SEC(".maps");

    How to fix
    ----------
    Use a hash or array map, which take all fields but user pointers.

    References
    ----------
    Linux: kernel/bpf/syscall.c (`map_check_btf`); libbpf: src/libbpf.c
    (`bpf_object__create_map`)
    """

    code = "VAL202"
    name = "value-field-not-for-map-type"
    severity = Severity.WARNING
    stage = Stage.OBJECT
    step = Step.MAPS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each map with such a field."""
        for item in spec.maps:
            fields = find_fields(item, spec.btf, deep=False)
            rules = map_rules(item.type, release) if fields else None
            if rules is None:
                continue
            wrong = sorted(
                it for it in fields - set(rules.value_fields) if _is_supported(it, release)
            )
            if wrong:
                yield self.finding(
                    context,
                    f"the values of map `{item.name}` hold {', '.join(wrong)}, which "
                    f"{item.type.name} maps do not support",
                    Locator(spec, context).map(item),
                    help="use a HASH or ARRAY map",
                    targeted=True,
                )


def _is_supported(field: str, release: Release) -> bool:
    """Tell whether the release knows a field at all."""
    name = _ELSEWHERE.get(field, _BROADEST)
    rules = map_rules(MapType.named(Platform.LINUX, name), release)
    return rules is not None and field in rules.value_fields
