"""The part of a kernel's BTF that some objects need, as a BTF of its own.

What ``bpftool gen min_core_btf`` makes (tools/bpf/bpftool/gen.c of Linux): structs keep the
members that relocations reach, with their offsets; everything else is left out. Shipped with an
object it lets libbpf relocate on kernels without BTF of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from ebpf_static.btf.core.result import CoreResult
from ebpf_static.btf.core.spec import CoreKind, CoreSpec
from ebpf_static.btf.encode import encode_btf
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    Array,
    BtfType,
    Const,
    FuncProto,
    Ptr,
    Restrict,
    Struct,
    Typedef,
    TypeTag,
    Union,
    Volatile,
)

_MODIFIERS = (Typedef, Volatile, Const, Restrict, TypeTag)


def minimal_btf(target: Btf, results: Iterable[CoreResult]) -> bytes:
    """Return a BTF with what ``results`` matched in ``target`` and nothing else.

    Args:
        target: the kernel's BTF, not a module's.
        results: of every object the BTF is for, on that target.

    Raises:
        FormatError: the target is malformed.
    """
    selection = _Selection(target)
    for result in results:
        for spec in result.matched:
            if spec.btf is target:
                selection.add(spec)
    return encode_btf(selection.types(), target.byte_order)


class _Selection:
    """Types to keep, and of structs and unions the members."""

    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._members: dict[int, set[int]] = {}

    def add(self, spec: CoreSpec) -> None:
        """Keep what a matched spec refers to."""
        if spec.kind.is_field:
            self._add_path(spec)
        elif spec.kind is CoreKind.TYPE_MATCHES:
            self._add_type(spec.root_type_id, pointers=True, members=True)
        else:
            self._add_type(spec.root_type_id, pointers=spec.kind.is_type)

    def types(self) -> list[BtfType]:
        """Return the kept types in their old order, referring to each other by new ids."""
        kept = sorted(self._members)
        ids = {old: new for new, old in enumerate(kept, 1)}
        return [self._renumbered(self._btf.type(old), ids) for old in kept]

    def _add_path(self, spec: CoreSpec) -> None:
        current = spec.root_type_id
        for step in spec.raw[1:]:
            self._keep(current)
            found = self._btf.type(self._btf.resolve(current))
            if isinstance(found, (Struct, Union)):
                self._members[found.id].add(step)
                current = found.members[step].type_id
            elif isinstance(found, Array):
                self._keep(found.index_type_id)
                current = found.type_id
        self._add_type(current)

    def _add_type(self, type_id: int, *, pointers: bool = False, members: bool = False) -> None:
        """Keep a type with what its size and compatibility hang on.

        Args:
            type_id: the type.
            pointers: whether what pointers point to counts too.
            members: whether the members of structs count too, those behind pointers excepted.
        """
        todo, seen = [(type_id, members)], set[tuple[int, bool]]()
        while todo:
            entry = todo.pop()
            if entry in seen:
                continue
            seen.add(entry)
            current, whole = entry
            if not current:
                continue
            record = self._btf.type(current)
            chosen = self._members.setdefault(current, set())
            if isinstance(record, _MODIFIERS):
                todo.append((record.type_id, whole))
            elif isinstance(record, Ptr):
                if pointers:
                    todo.append((record.type_id, False))
            elif isinstance(record, Array):
                todo += [(record.type_id, whole), (record.index_type_id, False)]
            elif isinstance(record, FuncProto):
                todo.append((record.type_id, whole))
                todo += [(param.type_id, whole) for param in record.params]
            elif isinstance(record, (Struct, Union)) and whole:
                chosen.update(range(len(record.members)))
                todo += [(member.type_id, True) for member in record.members]

    def _keep(self, type_id: int) -> None:
        """Keep a type and what typedefs and qualifiers of it lead to."""
        self._add_type(type_id)

    def _renumbered(self, record: BtfType, ids: dict[int, int]) -> BtfType:
        if isinstance(record, (Struct, Union)):
            members = tuple(
                record.members[number]._replace(type_id=ids.get(record.members[number].type_id, 0))
                for number in sorted(self._members[record.id])
            )
            return record._replace(members=members)
        if isinstance(record, FuncProto):
            params = tuple(p._replace(type_id=ids.get(p.type_id, 0)) for p in record.params)
            return record._replace(type_id=ids.get(record.type_id, 0), params=params)
        if isinstance(record, Array):
            index_type = ids.get(record.index_type_id, 0)
            return record._replace(type_id=ids.get(record.type_id, 0), index_type_id=index_type)
        if isinstance(record, (Ptr, *_MODIFIERS)):
            return record._replace(type_id=ids.get(record.type_id, 0))
        return record
