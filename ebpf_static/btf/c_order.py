"""The order C needs definitions in."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.btf.c_names import is_c_float, is_c_int
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    Array,
    BtfType,
    Const,
    Enum,
    Enum64,
    Float,
    Func,
    FuncProto,
    Fwd,
    Int,
    Ptr,
    Restrict,
    Struct,
    Typedef,
    TypeTag,
    Union,
    Var,
    Volatile,
)

_FOLLOWED = (Ptr, Const, Volatile, Restrict, TypeTag, Func, Var)


class CPlan:
    """Which types a header defines, and in which order.

    Attributes:
        enums: ids of the enums, which come first.
        forwards: ids of the structs, unions and forward declarations to declare.
        units: ids of structs, unions, typedefs and unusual numbers, each after its needs.
    """

    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._seen: set[int] = set()
        self.enums: dict[int, None] = {}
        self.forwards: dict[int, None] = {}
        self.units: list[int] = []

    def add(self, type_id: int) -> None:
        """Plan a type with all it needs; anonymous structs have no place of their own.

        Raises:
            FormatError: an id or name out of bounds.
        """
        for unit in self._needs([(type_id, True)]):
            self._add_unit(unit)

    def add_all(self) -> None:
        """Plan every type, and every anonymous enum that nothing else would print."""
        referenced = self._referenced()
        for record in self._btf.iter_types():
            if isinstance(record, (Enum, Enum64)) and not record.name:
                if record.id not in referenced:
                    self.enums[record.id] = None
            elif not isinstance(record, (Struct, Union)) or record.name:
                self.add(record.id)

    def _add_unit(self, first: int) -> None:
        if first in self._seen:
            return
        self._seen.add(first)
        stack = [(first, iter(self._needs(self._contents(first))))]
        while stack:
            unit, needs = stack[-1]
            for need in needs:
                # One in progress is a cycle by value: the printer reports it.
                if need not in self._seen:
                    self._seen.add(need)
                    stack.append((need, iter(self._needs(self._contents(need)))))
                    break
            else:
                stack.pop()
                self.units.append(unit)

    def _contents(self, unit: int) -> list[tuple[int, bool]]:
        """Return the types a definition mentions, and whether they must be complete."""
        record = self._btf.type(unit)
        if isinstance(record, (Struct, Union)):
            return [(member.type_id, True) for member in record.members]
        return [(record.type_id, False)] if isinstance(record, Typedef) else []

    def _needs(self, mentions: list[tuple[int, bool]]) -> list[int]:
        """Return the units to come before something that mentions these types."""
        todo, seen = mentions[::-1], set[tuple[int, bool]]()
        units: list[int] = []
        while todo:
            mention = todo.pop()
            if mention in seen:
                continue
            seen.add(mention)
            record, complete = self._btf.type(mention[0]), mention[1]
            if self._is_unit(record, complete=complete):
                units.append(record.id)
            todo.extend(reversed(list(_next(record, complete=complete))))
        return units

    def _is_unit(self, record: BtfType, *, complete: bool) -> bool:
        """Whether a mentioned type must be defined before; notes enums and forwards."""
        if isinstance(record, (Enum, Enum64)) and record.name:
            self.enums[record.id] = None
        if isinstance(record, Fwd) or (isinstance(record, (Struct, Union)) and record.name):
            self.forwards[record.id] = None
            return complete and not isinstance(record, Fwd)
        if isinstance(record, Typedef):
            return True
        if isinstance(record, Int):
            return not is_c_int(record.name)
        return isinstance(record, Float) and not is_c_float(record.name)

    def _referenced(self) -> set[int]:
        """Return the ids that members, parameters and references of any type name."""
        ids: set[int] = set()
        for record in self._btf.iter_types():
            if isinstance(record, (Struct, Union)):
                ids.update(member.type_id for member in record.members)
            elif isinstance(record, FuncProto):
                ids.update(param.type_id for param in record.params)
                ids.add(record.type_id)
            elif isinstance(record, (*_FOLLOWED, Typedef, Array)):
                ids.add(record.type_id)
        return ids


def _next(record: BtfType, *, complete: bool) -> Iterator[tuple[int, bool]]:
    """Yield the types that mentioning ``record`` mentions, and whether completely."""
    if isinstance(record, Typedef):
        if complete:
            yield record.type_id, True
    elif isinstance(record, _FOLLOWED):
        through = isinstance(record, (Const, Volatile, Restrict, TypeTag))
        yield record.type_id, complete and through
    elif isinstance(record, Array):
        yield record.type_id, True
    elif isinstance(record, FuncProto):
        yield record.type_id, False
        for param in record.params:
            yield param.type_id, False
    elif isinstance(record, (Struct, Union)) and not record.name:
        for member in record.members:
            yield member.type_id, True
