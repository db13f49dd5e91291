"""What the tables know about each thing: one function a kind, each returning a fact or None.

The facts are for ``explain``, ``history`` and ``lowest_version``; whether something is there on a
target is for :mod:`ebpf_static.support.lookups`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ebpf_static.support.facts import Fact, Span
from ebpf_static.support.tables import read_table
from ebpf_static.support.versions import version_key
from ebpf_static.target import Platform

if TYPE_CHECKING:
    from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType

BACK_ENDS = ("native", "jit", "verifier")
"""What eBPF for Windows has that takes instructions: bpf2c, uBPF, and the verifier of both."""


@lru_cache(maxsize=256)
def map_type_fact(map_type: MapType) -> Fact | None:
    """Return where ``map_type`` exists."""
    return _fact(map_type.platform, "map_types", "map type", map_type.name)


@lru_cache(maxsize=256)
def program_type_fact(program_type: ProgramType) -> Fact | None:
    """Return where ``program_type`` exists."""
    return _fact(program_type.platform, "program_types", "program type", program_type.name)


@lru_cache(maxsize=256)
def attach_type_fact(attach_type: AttachType) -> Fact | None:
    """Return where ``attach_type`` exists."""
    return _fact(attach_type.platform, "attach_types", "attach type", attach_type.name)


@lru_cache(maxsize=8192)
def helper_fact(helper: HelperId, program_type: ProgramType | None = None) -> Fact | None:
    """Return where ``helper`` may be called from programs of ``program_type``.

    Args:
        helper: the helper.
        program_type: the caller's type; without one, where the helper exists at all.

    Returns:
        None for helpers no table knows. A fact without spans when the tables know the helper and
        no release lets this program type call it.
    """
    table = read_table(helper.platform, "helpers")
    row = table.by_name.get(_helper_key(helper))
    if row is None:
        return None
    if program_type is None:
        return table.fact("helper", row)
    if helper.platform is Platform.WINDOWS:
        types = [row["scope"]] if "scope" in row else row.get("program_types")
        allowed = types is None or program_type.name in types
        return table.fact("helper", row, None if allowed else ())
    spans: tuple[Span, ...] = ()
    for names, group in row.get("program_types", ()):
        if program_type.name in names.split():
            spans = table.read_spans(group)
    backports = [it for it in row.get("backports", ()) if it["program_type"] == program_type.name]
    return table.fact("helper", row, spans, backports)


def _helper_key(helper: HelperId) -> str:
    return f"{helper.scope.name}.{helper.name}" if helper.scope is not None else helper.name


@lru_cache(maxsize=2048)
def kfunc_fact(name: str, program_type: ProgramType | None = None) -> Fact | None:
    """Return where the kernel function ``name`` may be called from programs of a type.

    Args:
        name: as the object has it; a ``___flavour`` is dropped as loaders do.
        program_type: the caller's type; without one, where the kfunc exists at all.

    Returns:
        None for names no table knows: those of other modules, and kfuncs of tests.
    """
    table = read_table(Platform.LINUX, "kfuncs")
    row = table.by_name.get(name.partition("___")[0])
    if row is None:
        return None
    spans = table.spans(row)
    if program_type is not None:
        types: dict[str, str | list[str]] = row["program_types"]
        since = types.get("*", types.get(program_type.name))
        spans = () if since is None else _from(spans, since)
    return table.fact("kernel function", row, spans)


def _from(spans: tuple[Span, ...], since: str | list[str]) -> tuple[Span, ...]:
    """Return what is left of ``spans`` from ``since`` on.

    Args:
        spans: where the function exists.
        since: the first release, or the earliest possible one and the first that was read.
    """
    first, seen = (since, None) if isinstance(since, str) else (since[0], since[1])
    start = version_key(first)
    left = []
    for span in spans:
        if span.until is not None and version_key(span.until) <= start:
            continue
        begins = version_key(span.since)
        if begins < start or (begins == start and seen is not None):
            left.append(replace(span, since=first, seen=seen, bound=seen is not None))
        else:
            left.append(span)
    return tuple(left)


def kfunc_flags(name: str, line: str) -> tuple[str, ...] | None:
    """Return the ``KF_*`` flags of a kfunc in a line (``6.1``), without prefix.

    ``TRUSTED_ARGS`` is the default from 7.0 and no longer named there.

    Returns:
        None for unknown kfuncs and for lines before it.
    """
    row = read_table(Platform.LINUX, "kfuncs").by_name.get(name.partition("___")[0])
    if row is None or version_key(line) < version_key(row["spans"][0]["since"]):
        return None
    flags = ""
    for since, text in row.get("flags", ()):
        if version_key(since) <= version_key(line):
            flags = text
    return tuple(flags.split())


@lru_cache(maxsize=1024)
def instruction_fact(
    operation: str, platform: Platform = Platform.LINUX, back_end: str = "native"
) -> Fact | None:
    """Return where the operation ``operation`` of :mod:`ebpf_static.isa` is taken.

    Args:
        operation: name of the operation (``gotol``, ``cmpxchg_64``).
        platform: whose releases.
        back_end: on Windows one of :data:`BACK_ENDS`; Linux has one verifier.
    """
    table = read_table(platform, "instructions")
    row = table.by_name.get(operation)
    if row is None:
        return None
    if table.platform is Platform.WINDOWS:
        return table.fact("instruction", row, table.spans(row, back_end))
    return table.fact("instruction", row, backports=row.get("backports", ()))


def btf_kind_fact(kind: str) -> Fact | None:
    """Return where the kernel takes BTF kind ``kind`` (``FLOAT``) from a program."""
    return _fact(Platform.LINUX, "btf_kinds", "BTF kind", kind)


def feature_fact(name: str, platform: Platform = Platform.LINUX) -> Fact | None:
    """Return where the feature ``name`` (``bounded_loops``) exists."""
    return _fact(platform, "features", "feature", name)


def named_fact(table: str, kind: str, name: str) -> Fact | None:
    """Return what the Linux table ``table`` tells of ``name``."""
    return _fact(Platform.LINUX, table, kind, name)


def map_flag_fact(map_type: MapType, flag: str) -> Fact:
    """Return where maps of ``map_type`` may be created with ``flag`` (``BPF_F_MMAPABLE``)."""
    table = read_table(map_type.platform, "map_types")
    row = table.by_name.get(map_type.name, {})
    found = [Span(since) for name, since in row.get("flags", ()) if name == flag]
    return Fact(
        kind="map flag",
        name=f"{flag} of {map_type.name}",
        platform=map_type.platform,
        spans=tuple(found[:1]),
        source=table.header["source"][1],
    )


def _fact(platform: Platform, table_name: str, kind: str, name: str) -> Fact | None:
    table = read_table(platform, table_name)
    row = table.by_name.get(name)
    return None if row is None else table.fact(kind, row, backports=row.get("backports", ()))
