"""What map creation accepts, as numbers.

The rules are those of ``map_alloc_check`` and ``map_create`` in the kernel, and of
``ebpf_map_create`` in eBPF for Windows. Sizes are for x86-64 with 4 KiB pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ebpf_static.support.program_creation import capabilities_at
from ebpf_static.support.tables import Row, read_table
from ebpf_static.support.targets import release_of
from ebpf_static.support.versions import NEWEST, key_of, version_key
from ebpf_static.target import Platform, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ebpf_static.support.targets import Release
    from ebpf_static.uapi.constants import HelperId, MapType

PAGE_SIZE = 4096
Key = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class SizeRule:
    """What one size of a map may be.

    Attributes:
        minimum: smallest value, in bytes or entries.
        maximum: largest value; None when only memory limits it.
        one_of: the only values, when they are few.
        multiple_of: what it must be a multiple of.
        page_multiple: whether it must be a multiple of the page size of the machine.
        power_of_two: whether it must be a power of two.
        errno: the error for a value that is too large (``E2BIG``); others give ``EINVAL``.
        note: what else there is to know.
    """

    minimum: int = 0
    maximum: int | None = None
    one_of: tuple[int, ...] = ()
    multiple_of: int = 1
    page_multiple: bool = False
    power_of_two: bool = False
    errno: str | None = None
    note: str | None = None

    def allows(self, value: int, page_size: int = PAGE_SIZE) -> bool:
        """Whether ``value`` is accepted on a machine with pages of ``page_size`` bytes."""
        if self.one_of:
            return value in self.one_of
        if value < self.minimum or (self.maximum is not None and value > self.maximum):
            return False
        if self.power_of_two and (value <= 0 or value & (value - 1)):
            return False
        step = page_size if self.page_multiple else self.multiple_of
        return value % step == 0

    def __str__(self) -> str:
        """Return the rule in words."""
        if self.one_of:
            return " or ".join(str(value) for value in self.one_of)
        parts = [f"at least {self.minimum}"]
        if self.maximum is not None:
            parts = [f"{self.minimum} to {self.maximum}"]
        if self.power_of_two:
            parts.append("a power of two")
        if self.page_multiple:
            parts.append("a multiple of the page size")
        elif self.multiple_of > 1:
            parts.append(f"a multiple of {self.multiple_of}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class MapRules:
    """What creation of one map type wants on one release.

    Attributes:
        map_type: the type.
        key_size: rule for the key size in bytes; None: not checked.
        value_size: rule for the value size in bytes; None: not checked.
        max_entries: rule for the number of entries (bytes for ring buffers).
        key_plus_value: largest sum of both sizes, where that is limited.
        inner_map: whether an inner map is ``required`` or not taken (None).
        flags_required: flags that must be given.
        btf: ``optional``, ``required`` (key and value ids), ``refused`` (libbpf leaves them out),
            ``left_out`` or ``kernel_type`` (struct_ops); None on Windows.
        map_extra: whether a nonzero ``map_extra`` is taken.
        helpers: helpers bound to the type, by name.
        only_these_helpers: whether programs may use no other helper with it.
        restricted_helpers: program types that may use a helper with it, of helpers not all may;
            ``TRACING/TRACE_ITER`` is a program type with that attach type only.
        value_fields: special fields a value may have (``SPIN_LOCK``, ``TIMER`` …).
        sleepable: whether sleepable programs may use it.
        direct_value: whether ``lddw`` may point into its value (global data).
        max_entries_is_limit: on Windows, whether more entries than that are refused.
        capabilities: what the creating process needs beside the right to use ``bpf(2)``.
        key_note: what a key size that is accepted still breaks.
        source: where the rules were read.
    """

    map_type: MapType
    key_size: SizeRule | None
    value_size: SizeRule | None
    max_entries: SizeRule | None
    key_plus_value: int | None = None
    inner_map: str | None = None
    flags_required: tuple[str, ...] = ()
    btf: str | None = None
    map_extra: bool = False
    helpers: tuple[str, ...] = ()
    only_these_helpers: bool = False
    restricted_helpers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    value_fields: tuple[str, ...] = ()
    sleepable: bool = False
    direct_value: bool = False
    max_entries_is_limit: bool | None = None
    capabilities: tuple[str, ...] = ()
    key_note: str | None = None
    source: str = ""


def map_rules(map_type: MapType, where: Target | Release) -> MapRules | None:
    """Return what creation of ``map_type`` wants on ``where``, None for unknown types.

    For a target without a version the newest release is meant.

    Raises:
        UnknownTargetError: when the target is no release.
    """
    return _map_rules(map_type, release_of(where))


@lru_cache(maxsize=2048)
def _map_rules(map_type: MapType, release: Release) -> MapRules | None:
    table = read_table(map_type.platform, "map_types")
    row = table.by_name.get(map_type.name)
    if row is None or "spans" not in row:
        return None
    key = NEWEST if release.version is None else key_of(release.version)
    return MapRules(
        map_type=map_type,
        key_size=_rule(row.get("key_size"), key),
        value_size=_rule(row.get("value_size"), key),
        max_entries=_rule(row.get("max_entries"), key),
        key_plus_value=getattr(_rule(row.get("key_plus_value"), key), "maximum", None),
        inner_map=row.get("inner_map"),
        flags_required=tuple(row.get("flags_required", ())),
        btf=row.get("btf"),
        map_extra=_reached(row.get("map_extra"), key),
        helpers=tuple(name for name, since in row.get("helpers", ()) if _reached(since, key)),
        only_these_helpers=row.get("only_these_helpers", False),
        restricted_helpers=_restricted(row, release.line, key),
        value_fields=_fields(row, key),
        sleepable=_reached(row.get("sleepable"), key),
        direct_value=_reached(row.get("direct_value"), key),
        max_entries_is_limit=row.get("max_entries_is_limit"),
        capabilities=capabilities_at(table.spans(row)[0].when if row["spans"] else (), key),
        key_note=row.get("key_note"),
        source="; ".join(table.header["source"][:2]),
    )


@dataclass(frozen=True, slots=True)
class MapProgramRule:
    """What some programs may not do with some maps.

    Attributes:
        name: its name (``timer_tracing``).
        since: first release with the rule.
        until: first release without it again.
        message: what the verifier says.
        source: where it was read.
        program_types: programs it is about, ``TRACING/TRACE_RAW_TP`` with that attach type only;
            empty for every program.
        sleepable: whether it is about sleepable programs only.
        map_types: map types it is about; empty for every type.
        field: the special field the map's value must hold for the rule to apply.
        without_prealloc: whether it is about hash maps with ``BPF_F_NO_PREALLOC`` only.
    """

    name: str
    since: str
    until: str | None
    message: str
    source: str
    program_types: tuple[str, ...] = ()
    sleepable: bool = False
    map_types: tuple[str, ...] = ()
    field: str | None = None
    without_prealloc: bool = False

    def is_about(self, program_type: str, attach_type: str | None, *, sleepable: bool) -> bool:
        """Whether it is about programs of that type, by their names without prefix."""
        if self.sleepable and not sleepable:
            return False
        named = (program_type, f"{program_type}/{attach_type}")
        return not self.program_types or any(name in self.program_types for name in named)


def map_program_rules(where: Target | Release) -> tuple[MapProgramRule, ...]:
    """Return the rules of ``where`` about programs and maps; of the newest without a version.

    Raises:
        UnknownTargetError: when the target is no release.
    """
    release = release_of(where)
    if release.platform is Platform.WINDOWS:
        return ()
    key = NEWEST if release.version is None else key_of(release.version)
    return tuple(
        MapProgramRule(
            name=row["name"],
            since=row["since"],
            until=row.get("until"),
            message=row["message"],
            source=row["source"],
            program_types=tuple(row.get("program_types", ())),
            sleepable=row.get("sleepable", False),
            map_types=tuple(row.get("map_types", ())),
            field=row.get("field"),
            without_prealloc=row.get("without_prealloc", False),
        )
        for row in read_table(Platform.LINUX, "program_map_rules").rows
        if _reached(row["since"], key) and not _reached(row.get("until"), key)
    )


def helper_map_types(helper: HelperId) -> tuple[str, ...] | None:
    """Return the only map types ``helper`` may be given, None when it takes any or no map.

    Sources: ``check_map_func_compatibility`` in ``kernel/bpf/verifier.c``.
    """
    row = read_table(helper.platform, "helpers").by_name.get(helper.name, {})
    found: list[str] | None = row.get("map_types")
    return None if found is None else tuple(found)


def flag_names(flags: int) -> tuple[str, ...]:
    """Return the names of the bits set in ``flags``, ``bit 31`` for one without a name."""
    names = {
        1 << bit: name
        for name, bit in read_table(Platform.LINUX, "map_types").header["flags"].items()
    }
    bits = [1 << bit for bit in range(flags.bit_length()) if flags >> bit & 1]
    return tuple(names.get(bit, f"bit {bit.bit_length() - 1}") for bit in bits)


def _fields(row: Row, key: Key) -> tuple[str, ...]:
    fields: dict[str, str] = row.get("value_fields", {})
    return tuple(name for name, since in fields.items() if _reached(since, key))


def _restricted(row: Row, line: str, key: Key) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, rule in row.get("restricted_helpers", {}).items():
        fixed = rule.get("fixed_in", {}).get(line)
        for at, (since, types) in enumerate(rule["steps"]):
            if _reached(since, key) or (at == 0 and _reached(fixed, key)):
                found[name] = tuple(types)
    return found


def _reached(since: str | None, key: Key) -> bool:
    return since is not None and version_key(since) <= key


def _rule(rules: list[dict[str, Any]] | None, key: Key) -> SizeRule | None:
    """Return the rule that holds at ``key``; the rules of a size follow each other."""
    for rule in rules or ():
        if "since" in rule and version_key(rule["since"]) > key:
            continue
        if "until" in rule and version_key(rule["until"]) <= key:
            continue
        return _size_rule(rule)
    return None


def _size_rule(rule: dict[str, Any]) -> SizeRule:
    return SizeRule(
        minimum=rule.get("min", 0),
        maximum=rule.get("max"),
        one_of=tuple(rule.get("one_of", ())),
        multiple_of=rule.get("multiple_of", 1),
        page_multiple=rule.get("page_multiple", False),
        power_of_two=rule.get("power_of_two", False),
        errno=rule.get("errno"),
        note=rule.get("note"),
    )


def size_history(map_type: MapType, size: str) -> tuple[tuple[str | None, SizeRule], ...]:
    """Return every rule a size of ``map_type`` has had, each with its first release.

    Args:
        map_type: the map's type.
        size: ``key_size``, ``value_size`` or ``max_entries``.

    Returns:
        Rules in order; None in place of a release means from the first one with the type on.
    """
    row = read_table(map_type.platform, "map_types").by_name.get(map_type.name, {})
    return tuple((rule.get("since"), _size_rule(rule)) for rule in row.get(size, ()))
