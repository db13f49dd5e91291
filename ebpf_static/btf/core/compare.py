"""What of the types some objects use differs between two kernels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ebpf_static.btf.c_decl import CPrinter
from ebpf_static.btf.c_names import CNames
from ebpf_static.btf.core.relocator import CoreRelocator
from ebpf_static.btf.core.result import CoreResult
from ebpf_static.btf.core.spec import CoreKind, CoreSpec, enumerator_value
from ebpf_static.btf.ext import CoreRelocation
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import Kind, Struct, Union
from ebpf_static.errors import FormatError

MISSING = "missing"
"""What :class:`TypeChange` says of a kernel that has no such thing."""


class TypeChange(NamedTuple):
    """Something that is not the same in both kernels.

    Attributes:
        what: the type, field or enumerator as the object names it: ``struct sock.sk_family``.
        before: what the first kernel has, in words; :data:`MISSING`.
        after: what the second one has.
    """

    what: str
    before: str
    after: str


class _Side:
    """One kernel, asked about relocations of one object."""

    def __init__(self, local: Btf, targets: Sequence[Btf]) -> None:
        self._relocator = CoreRelocator(local, targets)
        self._printers: dict[int, CPrinter] = {}

    def describe(self, relocation: CoreRelocation) -> tuple[CoreResult, str]:
        """Return a relocation's result, and in words what it leads to."""
        result = self._relocator.relocate(relocation)
        if result.error is not None:
            return result, f"refused: {result.error}"
        if not result.matched:
            return result, MISSING
        try:
            return result, self._words(result.matched[0])
        except FormatError as error:
            return result, f"malformed: {error.detail}"

    def _words(self, found: CoreSpec) -> str:
        btf = found.btf
        if found.kind.is_enum:
            return f"value {enumerator_value(found)}"
        if found.kind.is_type:
            kind = Kind(btf.kind(btf.resolve(found.root_type_id)))
            sized = kind not in (Kind.VOID, Kind.FUNC, Kind.FUNC_PROTO, Kind.FWD)
            return f"{btf.size_of(found.root_type_id)} bytes" if sized else "there"
        type_id, width = _reached(found)
        byte, bit = divmod(found.bit_offset, 8)
        size = f"{width} bits" if width else f"{btf.size_of(type_id)} bytes"
        place = f"offset {byte}{f' bit {bit}' if width else ''}"
        return f"{place}, {size}, {self._printer(btf).declare(type_id, '')}"

    def _printer(self, btf: Btf) -> CPrinter:
        if id(btf) not in self._printers:
            self._printers[id(btf)] = CPrinter(btf, CNames(btf))
        return self._printers[id(btf)]


def iter_changes(
    local: Btf,
    relocations: Iterable[CoreRelocation],
    before: Sequence[Btf],
    after: Sequence[Btf],
) -> Iterator[TypeChange]:
    """Yield what differs, each thing once, in the order of the relocations.

    Args:
        local: the object's BTF.
        relocations: its relocations.
        before: BTF of the first kernel, then of its modules.
        after: the same of the second one.
    """
    sides = _Side(local, before), _Side(local, after)
    seen: set[str] = set()
    for relocation in relocations:
        (result, old), (_, new) = (side.describe(relocation) for side in sides)
        what = _name(result.spec)
        if what is None or what in seen:
            continue
        seen.add(what)
        if old != new:
            yield TypeChange(what, old, new)


def _name(spec: CoreSpec | None) -> str | None:
    if spec is None or spec.kind is CoreKind.TYPE_ID_LOCAL:
        return None
    name = spec.btf.name(spec.root_type_id) or "(anonymous)"
    keyword = Kind(spec.btf.kind(spec.root_type_id)).name.lower()
    if spec.kind.is_enum:
        return f"{keyword.removesuffix('64')} {name}::{spec.accessors[0].name}"
    return f"{keyword} {name}{'' if spec.kind.is_type else spec.path}"


def _reached(spec: CoreSpec) -> tuple[int, int]:
    """Return the type of the field a spec leads to, and its width when it is a bitfield."""
    last = spec.accessors[-1]
    if last.name is None:
        return last.type_id, 0
    composite = spec.btf.type(last.type_id)
    if not isinstance(composite, Struct | Union):
        raise FormatError("a member of what has none", where=f"type {last.type_id}")
    member = composite.members[last.position]
    return member.type_id, member.bitfield_size
