"""Which maps a program refers to: the kernel looks at all of them before it follows the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.kernel.value_fields import find_fields
from ebpf_static.specs import CollectionSpec, FunctionSpec, MapSpec, ProgramSpec, ReferenceKind
from ebpf_static.support import MapProgramRule, Release, map_program_rules, map_rules
from ebpf_static.target import Version
from ebpf_static_rules.facts import iter_linked

_HASHES = frozenset({"HASH", "PERCPU_HASH", "HASH_OF_MAPS"})
_NO_PREALLOC = 1
_WRITABLE = "RAW_TRACEPOINT_WRITABLE"
_WRITABLE_COUNTED = Version(6, 1)
"""First release known to count such programs as tracing programs: 5.10.262 loads them."""

_KINDS = (ReferenceKind.MAP, ReferenceKind.MAP_VALUE)


class MapUse(NamedTuple):
    """A program's first reference to a map.

    Attributes:
        program: the program.
        item: the map.
        function: the function with the reference.
        insn: insn index of the reference.
    """

    program: ProgramSpec
    item: MapSpec
    function: FunctionSpec
    insn: int


def iter_uses(spec: CollectionSpec) -> Iterator[MapUse]:
    """Yield each map of each program once."""
    for program, linked in iter_linked(spec):
        seen: set[int] = set()
        for index in sorted(linked):
            function = spec.functions[index]
            for reference in function.references:
                fresh = reference.kind in _KINDS and reference.target not in seen
                if fresh and 0 <= reference.target < len(spec.maps):
                    seen.add(reference.target)
                    item = spec.maps[reference.target]
                    yield MapUse(program, item, function, reference.index)


def iter_clashes(
    spec: CollectionSpec, release: Release, *, about_fields: bool
) -> Iterator[tuple[MapUse, MapProgramRule]]:
    """Yield each use of a map that a rule of the release forbids, with the first such rule.

    Args:
        spec: the object.
        release: the kernel.
        about_fields: rules about special fields of values; otherwise those about maps.
    """
    rules = [it for it in map_program_rules(release) if (it.field is not None) == about_fields]
    fields_of: dict[str, frozenset[str]] = {}
    for use in iter_uses(spec):
        if use.program.type.name == _WRITABLE and _is_before(release, _WRITABLE_COUNTED):
            continue
        if about_fields and use.item.name not in fields_of:
            fields_of[use.item.name] = _known_fields(spec, use, release)
        fields = fields_of.get(use.item.name, frozenset())
        rule = next((it for it in rules if _applies(it, use, fields)), None)
        if rule is not None:
            yield use, rule


def _is_before(release: Release, version: Version) -> bool:
    return release.version is not None and release.version < version


def _known_fields(spec: CollectionSpec, use: MapUse, release: Release) -> frozenset[str]:
    """Return the fields the kernel sees; of others libbpf leaves the map's BTF out: VAL202."""
    rules = map_rules(use.item.type, release)
    known = frozenset() if rules is None else frozenset(rules.value_fields)
    return find_fields(use.item, spec.btf, deep=False) & known


def _applies(rule: MapProgramRule, use: MapUse, fields: frozenset[str]) -> bool:
    program, item = use.program, use.item
    loose = item.type.name in _HASHES and bool(item.flags & _NO_PREALLOC)
    return (
        (not rule.program_types or program.type.name in rule.program_types)
        and (not rule.sleepable or program.sleepable)
        and (not rule.map_types or item.type.name in rule.map_types)
        and (rule.field is None or rule.field in fields)
        and (not rule.without_prealloc or loose)
    )
