"""When a type of the object and a type of a kernel count as the same.

Three relations, from loose to strict: fields compatible (for field accesses), types compatible
(``bpf_core_type_exists``), types match (``bpf_core_type_matches``).
Source: libbpf's src/relo_core.c, ``bpf_core_fields_are_compat``, ``__bpf_core_types_are_compat``,
``__bpf_core_types_match``.
"""

from __future__ import annotations

import re

from ebpf_static.btf.core.spec import CoreError
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    AnyEnum,
    Array,
    BtfType,
    Composite,
    Enum,
    Enum64,
    Float,
    FuncProto,
    Fwd,
    Int,
    Ptr,
    Struct,
    Union,
    Void,
)
from ebpf_static.limits import MAX_BTF_DEPTH

_FLAVOUR = re.compile(r"(.*[^_])___[^_]", re.DOTALL)
_MAX_DEPTH = 32
_FIRST_STEPS = 1 << 20
_STEPS_EACH = 1 << 12


def essential_name(name: str) -> str:
    """Return a name without its flavour, the part from the last ``___`` on."""
    match = _FLAVOUR.match(name) if "___" in name else None
    return match[1] if match else name


def same_kind(local: BtfType, target: BtfType) -> bool:
    """Whether kinds agree, ``ENUM`` and ``ENUM64`` being one."""
    if isinstance(local, (Enum, Enum64)):
        return isinstance(target, (Enum, Enum64))
    return local.kind == target.kind


class Compat:
    """The relations between the types of one object and one target.

    The members compared are counted over all relocations, so that hostile types end.
    """

    def __init__(self, local: Btf, target: Btf) -> None:
        self.local = local
        self.target = target
        self._steps_left = _FIRST_STEPS

    def refill(self) -> None:
        """Allow what one more relocation of an honest object needs."""
        self._steps_left += _STEPS_EACH

    def spend(self) -> None:
        """Count one comparison.

        Raises:
            CoreError: there were more than honest types need.
        """
        self._steps_left -= 1
        if self._steps_left < 0:
            raise CoreError("matching takes more steps than honest types need")

    def _pair(self, local_id: int, target_id: int) -> tuple[BtfType, BtfType]:
        local, target = self.local, self.target
        return local.type(local.resolve(local_id)), target.type(target.resolve(target_id))

    def fields(self, local_id: int, target_id: int) -> bool:
        """Whether a field of one type can stand for a field of the other."""
        for _ in range(MAX_BTF_DEPTH):
            local, target = self._pair(local_id, target_id)
            if isinstance(local, (Struct, Union)) and isinstance(target, (Struct, Union)):
                return True
            if not same_kind(local, target):
                return False
            if not (isinstance(local, Array) and isinstance(target, Array)):
                return _leaf_fields(local, target)
            local_id, target_id = local.type_id, target.type_id
        raise CoreError("arrays nest too deeply")

    def types(self, local_id: int, target_id: int, level: int = _MAX_DEPTH) -> bool:
        """Whether two types of the same essential name count as the same type."""
        self.spend()
        if not same_kind(self.local.type(local_id), self.target.type(target_id)):
            return False
        for _ in range(_MAX_DEPTH):
            local, target = self._pair(local_id, target_id)
            if not same_kind(local, target):
                return False
            if isinstance(local, FuncProto) and isinstance(target, FuncProto):
                if not self._params_compatible(local, target, level):
                    return False
                local_id = self.local.resolve(local.type_id)
                target_id = self.target.resolve(target.type_id)
            elif isinstance(local, (Ptr, Array)) and isinstance(target, (Ptr, Array)):
                local_id, target_id = local.type_id, target.type_id
            else:
                return _leaf_types(local, target)
        raise CoreError("types nest too deeply")

    def _params_compatible(self, local: FuncProto, target: FuncProto, level: int) -> bool:
        if len(local.params) != len(target.params):
            return False
        for one, other in zip(local.params, target.params, strict=True):
            if level <= 0:
                raise CoreError("function prototypes nest too deeply")
            local_id = self.local.resolve(one.type_id)
            target_id = self.target.resolve(other.type_id)
            if not self.types(local_id, target_id, level - 1):
                return False
        return True

    def match(
        self, local_id: int, target_id: int, *, level: int = _MAX_DEPTH, behind_ptr: bool = False
    ) -> bool:
        """Whether everything the object's type says also holds of the target's."""
        if level <= 0:
            raise CoreError("types nest too deeply")
        for _ in range(_MAX_DEPTH):
            self.spend()
            local, target = self._pair(local_id, target_id)
            if essential_name(local.name) != essential_name(target.name):
                return False
            if isinstance(local, Ptr) and isinstance(target, Ptr):
                behind_ptr = True
            elif isinstance(local, Array) and isinstance(target, Array):
                if local.nelems != target.nelems:
                    return False
            elif isinstance(local, FuncProto) and isinstance(target, FuncProto):
                if not self._params_match(local, target, level, behind_ptr=behind_ptr):
                    return False
            else:
                return self._leaf_match(local, target, level, behind_ptr=behind_ptr)
            local_id, target_id = local.type_id, target.type_id
        raise CoreError("types nest too deeply")

    def _params_match(
        self, local: FuncProto, target: FuncProto, level: int, *, behind_ptr: bool
    ) -> bool:
        if len(local.params) != len(target.params):
            return False
        return all(
            self.match(one.type_id, other.type_id, level=level - 1, behind_ptr=behind_ptr)
            for one, other in zip(local.params, target.params, strict=True)
        )

    def _leaf_match(self, local: BtfType, target: BtfType, level: int, *, behind_ptr: bool) -> bool:
        if isinstance(local, (Enum, Enum64)):
            return isinstance(target, (Enum, Enum64)) and self._enums_match(local, target)
        if isinstance(local, Int) and isinstance(target, Int):
            return local.size == target.size and local.is_signed == target.is_signed
        if isinstance(local, (Struct, Union, Fwd)) and isinstance(target, (Struct, Union, Fwd)):
            if behind_ptr:
                return _is_union(local) == _is_union(target)
            if local.kind != target.kind:
                return False
            if isinstance(local, (Struct, Union)) and isinstance(target, (Struct, Union)):
                return self._members_match(local, target, level)
            return _is_union(local) == _is_union(target)
        return isinstance(local, Void) and isinstance(target, Void)

    def _enums_match(self, local: AnyEnum, target: AnyEnum) -> bool:
        if local.size != target.size or len(local.values) > len(target.values):
            return False
        names = {essential_name(value.name) for value in target.values}
        return all(essential_name(value.name) in names for value in local.values)

    def _members_match(self, local: Composite, target: Composite, level: int) -> bool:
        if len(local.members) > len(target.members):
            return False
        by_name: dict[str, list[int]] = {}
        for other in target.members:
            by_name.setdefault(essential_name(other.name), []).append(other.type_id)
        return all(
            any(
                self.match(one.type_id, type_id, level=level - 1)
                for type_id in by_name.get(essential_name(one.name), ())
            )
            for one in local.members
        )


def _leaf_fields(local: BtfType, target: BtfType) -> bool:
    if isinstance(local, (Ptr, Float)):
        return True
    if isinstance(local, Int) and isinstance(target, Int):
        return local.offset == 0 and target.offset == 0
    if isinstance(local, (Fwd, Enum, Enum64)):
        names = essential_name(local.name), essential_name(target.name)
        return not all(names) or names[0] == names[1]
    return False


def _leaf_types(local: BtfType, target: BtfType) -> bool:
    if isinstance(local, Int) and isinstance(target, Int):
        return local.offset == 0 and target.offset == 0
    return isinstance(local, (Void, Struct, Union, Enum, Enum64, Fwd))


def _is_union(record: Composite | Fwd) -> bool:
    return record.is_union if isinstance(record, Fwd) else isinstance(record, Union)
