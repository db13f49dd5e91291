"""Specs made of instructions, for tests of the analysis."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.specs import (
    ByName,
    CollectionSpec,
    ExternSpec,
    FunctionSpec,
    MapOrigin,
    MapSpec,
    ProgramSpec,
    Reference,
    ReferenceKind,
)
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType, ProgramType

Ref = tuple[int, ReferenceKind, int, int]
"""Insn index, kind, target, offset."""


def program(code: bytes, references: Sequence[Ref] = (), name: str = "main") -> ProgramSpec:
    """Return an entry program."""
    return ProgramSpec(
        name=name,
        section="xdp",
        section_index=3,
        section_offset=0,
        linkage="global",
        byte_order="little",
        code=code,
        references=_references(references),
        type=ProgramType.named(Platform.LINUX, "XDP"),
    )


def function(code: bytes, name: str, references: Sequence[Ref] = ()) -> FunctionSpec:
    """Return a subprogram."""
    return FunctionSpec(
        name=name,
        section=".text",
        section_index=2,
        section_offset=0,
        linkage="static",
        byte_order="little",
        code=code,
        references=_references(references),
    )


def data_map(name: str, data: bytes, *, read_only: bool = True) -> MapSpec:
    """Return the map of a data section."""
    return MapSpec(
        name=name,
        type=MapType.named(Platform.LINUX, "ARRAY"),
        key_size=4,
        value_size=len(data),
        max_entries=1,
        flags=1 << 7 if read_only else 0,
        origin=MapOrigin.KCONFIG if name == ".kconfig" else MapOrigin.DATA,
        section=name,
        data=None if name == ".kconfig" else data,
    )


def collection(
    functions: Sequence[FunctionSpec],
    maps: Sequence[MapSpec] = (),
    externs: Sequence[ExternSpec] = (),
) -> CollectionSpec:
    """Return an object of these parts."""
    return CollectionSpec(
        platform=Platform.LINUX,
        numbering=Platform.LINUX,
        byte_order="little",
        functions=ByName(functions),
        maps=ByName(maps),
        externs=ByName(externs),
    )


def _references(rows: Sequence[Ref]) -> tuple[Reference, ...]:
    return tuple(
        Reference(index, kind, "symbol", target, offset, 1) for index, kind, target, offset in rows
    )
