"""MAP203."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import MapRules, Release, flag_names, map_rules, map_type
from ebpf_static_rules.map.creation import Creation, iter_created
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.wording import capped, tick

_BUILD_ID = "BPF_F_STACK_BUILD_ID"
_BUILD_ID_BYTES = 32
_BUILD_ID_MAXIMUM = 127 * 32
_NUMA = "BPF_F_NUMA_NODE"
_ACCESS = {"BPF_F_RDONLY_PROG", "BPF_F_WRONLY_PROG"}


class MapDefinitionRefused(ReleaseRule):
    """The kernel refuses to create a map of this definition.

    What it does
    ------------
    Holds each map against what the release wants of its type: key size, value size, number of
    entries, flags that must be there, an inner map, types of key and value in BTF, `map_extra`.
    Sizes are taken as libbpf passes them on: it rounds ring buffers up to whole pages and gives
    perf event arrays an entry for each processor.

    Unless the object is judged exactly as it is, maps without `max_entries` are assumed to be
    given some by the program that loads them.

    Why it matters
    --------------
    Creating the map fails (`-EINVAL`, or `-E2BIG`), and no program of the object loads.

    Example
    -------
    ::

        struct {
                __uint(type, BPF_MAP_TYPE_LPM_TRIE);       // needs BPF_F_NO_PREALLOC
                __type(key, struct ipv4_key);
                __type(value, __u64);
                __uint(max_entries, 256);
        } routes SEC(".maps");

    How to fix
    ----------
    Change what the message names, in the definition or from the loader before it loads.

    References
    ----------
    https://docs.kernel.org/bpf/maps.html
    """

    code = "MAP203"
    name = "map-definition-refused"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.MAPS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each map the kernel refuses."""
        locate = Locator(spec, context)
        for created in iter_created(spec, context, release):
            type_ = created.definition.type
            rules = map_rules(type_, release) if type_.known else None
            if rules is None or not map_type(type_, release).available:
                continue
            wrong = list(_wrong(created, rules, spec))
            if wrong:
                yield self.finding(
                    context,
                    f"{created.words} of type {type_.name} {wrong[0]} (target {release.label})",
                    locate.map(created.declared),
                    help="change the definition, or set it right before loading",
                    related=capped(wrong[1:], len(wrong) - 1),
                    targeted=True,
                )
            elif created.definition.numa_node and _NUMA in flag_names(created.definition.flags):
                yield self.finding(
                    context,
                    f"{created.words} is to live on NUMA node {created.definition.numa_node}, "
                    "which not every machine has",
                    locate.map(created.declared),
                    help="set the node before loading (`bpf_map__set_numa_node`)",
                    severity=Severity.NOTE,
                    confidence=Confidence.LOW,
                    targeted=True,
                    undecided=True,
                )


def _wrong(created: Creation, rules: MapRules, spec: CollectionSpec) -> Iterator[str]:
    """Yield what is wrong with a definition, in words."""
    flags = flag_names(created.definition.flags)
    yield from _wrong_sizes(created, rules, flags)
    item = created.definition
    for flag in rules.flags_required:
        if flag not in flags:
            yield f"lacks the flag {tick(flag)}"
    if set(flags) >= _ACCESS:
        yield "is read-only and write-only to programs at once"
    if rules.inner_map == "required" and item.inner is None and item.inner_name is None:
        yield "has no inner map"
    if rules.btf == "required" and not (spec.btf and item.key_type_id and item.value_type_id):
        yield "gives no types of key and value, which this type of map needs in BTF"
    if item.map_extra and not rules.map_extra:
        yield f"sets `map_extra` to {item.map_extra}, which this type of map does not take"


def _wrong_sizes(created: Creation, rules: MapRules, flags: tuple[str, ...]) -> Iterator[str]:
    item = created.definition
    if item.type.name == "STRUCT_OPS":
        return  # sized by the kernel's own type
    key, value, entries = item.key_size, created.value_size, created.max_entries
    if rules.key_size is not None and not rules.key_size.allows(key):
        yield f"has keys of {key} bytes, and must have {rules.key_size}"
    if item.type.name == "STACK_TRACE" and _BUILD_ID in flags:
        if value % _BUILD_ID_BYTES or not 0 < value <= _BUILD_ID_MAXIMUM:
            yield f"has values of {value} bytes, and must have a multiple of {_BUILD_ID_BYTES}"
    elif rules.value_size is not None and not rules.value_size.allows(value):
        yield f"has values of {value} bytes, and must have {rules.value_size}"
    if rules.max_entries is not None and not rules.max_entries.allows(entries, created.page_size):
        yield f"has `max_entries` {entries}, and must have {rules.max_entries}"
    if rules.key_plus_value is not None and key + value > rules.key_plus_value:
        yield f"has keys and values of {key + value} bytes, of at most {rules.key_plus_value}"
