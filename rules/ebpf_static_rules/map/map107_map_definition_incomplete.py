"""MAP107."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, MapOrigin, MapSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_rules.evidence import is_foreign
from ebpf_static_rules.map.walk import iter_definitions
from ebpf_static_rules.wording import listed, tick


class _Absent(NamedTuple):
    # Map types for which zero is right, by what is zero.
    key_size: frozenset[str]
    value_size: frozenset[str]
    max_entries: frozenset[str]


_RINGS = frozenset({"RINGBUF", "USER_RINGBUF", "ARENA"})
_STORAGES = frozenset(
    {
        "CGROUP_STORAGE",
        "PERCPU_CGROUP_STORAGE",
        "SK_STORAGE",
        "INODE_STORAGE",
        "TASK_STORAGE",
        "CGRP_STORAGE",
    }
)
_MAY_BE_ZERO = {
    # Linux kernel/bpf: *_map_alloc_check of each type. libbpf and cilium/ebpf fill in the number
    # of processors for a PERF_EVENT_ARRAY without max_entries.
    Platform.LINUX: _Absent(
        key_size=_RINGS | {"QUEUE", "STACK", "BLOOM_FILTER"},
        value_size=_RINGS,
        max_entries=_STORAGES | {"PERF_EVENT_ARRAY", "STRUCT_OPS"},
    ),
    # efW libs/execution_context/ebpf_maps.c: ebpf_map_create and the types' own checks.
    Platform.WINDOWS: _Absent(
        key_size=frozenset({"QUEUE", "STACK", "RINGBUF", "PERF_EVENT_ARRAY"}),
        value_size=frozenset({"RINGBUF", "PERF_EVENT_ARRAY"}),
        max_entries=frozenset(),
    ),
}


class MapDefinitionIncomplete(Rule):
    """A map lacks its type, or a size its type needs.

    What it does
    ------------
    Reports maps without a type, and points out maps whose key size, value size or number of
    entries is zero although their type needs one. A loader may set sizes before it creates the
    map, so those are no errors: a key size hardly anyone sets, which makes it a warning; the
    other two are notes on Linux.

    Why it matters
    --------------
    libbpf refuses an object with a map without type. A map created with a size of zero is
    refused by the kernel (`-EINVAL`), and no program of the object loads.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_HASH);
                __type(key, __u32);
                __type(value, __u64);
        } flows SEC(".maps");                      // max_entries?

    How to fix
    ----------
    Add the member, or make sure that the loader sets it (`bpf_map__set_max_entries` and its
    siblings) before it loads the object.

    References
    ----------
    https://docs.kernel.org/bpf/maps.html
    """

    code = "MAP107"
    name = "map-definition-incomplete"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN_MAPS

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each incomplete definition."""
        platform = context.judged_platform(spec)
        if is_foreign(spec, platform):
            return
        for declared, item, words in iter_definitions(spec):
            # Records in `.maps` are maps whose BTF is gone, which BTF003 reports.
            legacy = declared.origin is MapOrigin.LEGACY and not declared.section.startswith(
                ".maps"
            )
            if declared.origin is not MapOrigin.BTF and not legacy:
                continue
            type_ = MapType.of(platform, item.type.number)
            place = Locator(spec, context).map(declared)
            if type_.number == 0:
                yield self.finding(
                    context, f"{words} has no type", place, help="add `__uint(type, …)`"
                )
                continue
            missing = _missing(item, type_)
            if missing:
                names = listed([tick(name) for name in missing])
                yield self.finding(
                    context,
                    f"{words} is of type {type_.name} and leaves {names} zero",
                    place,
                    help=f"set {names} in the definition, or before loading",
                    severity=_severity(missing, platform),
                )


def _missing(item: MapSpec, type_: MapType) -> list[str]:
    if not type_.known:
        return []
    may_be_zero = _MAY_BE_ZERO[type_.platform]
    return [
        name
        for name in _Absent._fields
        if getattr(item, name) == 0 and type_.name not in getattr(may_be_zero, name)
    ]


def _severity(missing: list[str], platform: Platform) -> Severity:
    if platform is Platform.WINDOWS or "key_size" in missing:
        return Severity.WARNING
    return Severity.NOTE
