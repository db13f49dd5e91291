"""The values of a relocation in the object and in a target.

Source: libbpf's src/relo_core.c, ``bpf_core_calc_relo`` and the functions it calls.
"""

from __future__ import annotations

from typing import NamedTuple

from ebpf_static.btf.core.result import CoreResult
from ebpf_static.btf.core.spec import U32, CoreError, CoreKind, CoreSpec, enumerator_value
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    INT_SIGNED,
    Array,
    BtfType,
    Enum,
    Enum64,
    Int,
    Member,
    Ptr,
    Struct,
    Union,
)

U64 = (1 << 64) - 1
_MAX_LOAD_BYTES = 8


class _Value(NamedTuple):
    """One side of a relocation.

    ``size`` and ``type`` are those of the field a load or store may be adjusted to.
    """

    value: int
    validate: bool = True
    size: int = 0
    type: BtfType | None = None


class _Extent(NamedTuple):
    """The bytes to load for a field, and the bits of it in them."""

    byte_offset: int
    byte_size: int
    bit_offset: int
    bit_size: int
    is_bitfield: bool


def calculate(spec: CoreSpec, matched: CoreSpec | None) -> CoreResult:
    """Return what a relocation comes to when the target has ``matched`` for it.

    Args:
        spec: what it refers to in the object.
        matched: what that is in the target, or None when the target has nothing.

    Raises:
        CoreError: libbpf refuses the object.
        FormatError: the BTF is malformed.
    """
    result = CoreResult(spec.kind, spec)
    old = _value(spec.kind, spec)
    new = _value(spec.kind, matched)
    if old is None or new is None:
        return result._replace(poison=True)
    return result._replace(
        original=old.value & U64,
        value=new.value & U64,
        validate=old.validate,
        original_size=old.size,
        size=new.size,
        refuse_resize=old.size != new.size and not _resizable(old.type, new.type),
    )


def _value(kind: CoreKind, spec: CoreSpec | None) -> _Value | None:
    """Return the value on one side; None means the instruction is to be poisoned."""
    if kind in (CoreKind.FIELD_EXISTS, CoreKind.ENUMVAL_EXISTS):
        return _Value(int(spec is not None))
    if spec is None:
        return _Value(0) if kind.is_type else None
    if kind.is_type:
        return _type_value(kind, spec)
    if kind.is_enum:
        return _Value(_sign_extended(spec))
    if spec.accessors[-1].name is None:
        return _element_value(kind, spec)
    return _field_value(kind, spec)


def _type_value(kind: CoreKind, spec: CoreSpec) -> _Value:
    if kind is CoreKind.TYPE_ID_TARGET:
        return _Value(spec.root_type_id, validate=False)
    if kind is CoreKind.TYPE_SIZE:
        return _Value(spec.btf.size_of(spec.root_type_id))
    return _Value(1)


def _sign_extended(spec: CoreSpec) -> int:
    """Return an enumerator's value; those of 32 bits count as signed even in unsigned enums."""
    value = enumerator_value(spec)
    narrow = isinstance(spec.btf.type(spec.accessors[0].type_id), Enum)
    return value - (1 << 32) if narrow and value >= 1 << 31 else value


def _element_value(kind: CoreKind, spec: CoreSpec) -> _Value:
    type_id = spec.accessors[-1].type_id
    if kind is CoreKind.FIELD_BYTE_OFFSET:
        size = _load_size(spec.btf, type_id)
        return _Value(spec.bit_offset // 8, size=size, type=spec.btf.type(type_id))
    if kind is CoreKind.FIELD_BYTE_SIZE:
        return _Value(spec.btf.size_of(type_id))
    raise CoreError(f"a {kind.label} relocation cannot be applied to an array element")


def _field_value(kind: CoreKind, spec: CoreSpec) -> _Value:
    btf, accessor = spec.btf, spec.accessors[-1]
    composite = btf.type(accessor.type_id)
    if not isinstance(composite, (Struct, Union)):
        raise CoreError("a member access into what has no members")
    member = composite.members[accessor.position]
    type_id = btf.resolve(member.type_id)
    found = btf.type(type_id)
    extent = _extent(spec, member, type_id, found)
    validate = not extent.is_bitfield
    if kind is CoreKind.FIELD_BYTE_OFFSET:
        if extent.is_bitfield:
            return _Value(extent.byte_offset, validate)
        return _Value(extent.byte_offset, validate, _load_size(btf, type_id), found)
    if kind is CoreKind.FIELD_BYTE_SIZE:
        return _Value(extent.byte_size, validate)
    if kind is CoreKind.FIELD_SIGNED:
        return _Value(int(_is_signed(found)))
    if kind is CoreKind.FIELD_LSHIFT_U64:
        return _Value(_left_shift(extent, btf), validate)
    return _Value(64 - extent.bit_size)


def _extent(spec: CoreSpec, member: Member, type_id: int, found: BtfType) -> _Extent:
    """Return the smallest aligned load that holds the field."""
    start, width = spec.bit_offset, member.bitfield_size
    if not width:
        size = spec.btf.size_of(type_id)
        return _Extent(start // 8, size, start, 8 * size, is_bitfield=False)
    size = getattr(found, "size", 0)
    if not size:
        raise CoreError("a bitfield of a type without size")
    offset = start // 8 // size * size
    while start + width > 8 * (offset + size):
        if size >= _MAX_LOAD_BYTES:
            raise CoreError("bitfield cannot be read with one 64-bit load")
        size *= 2
        offset = start // 8 // size * size
    return _Extent(offset, size, start, width, is_bitfield=True)


def _left_shift(extent: _Extent, btf: Btf) -> int:
    into = extent.bit_offset - 8 * extent.byte_offset
    if btf.byte_order == "little":
        return 64 - (into + extent.bit_size) & U32
    return 8 * (8 - extent.byte_size) + into & U32


def _load_size(btf: Btf, type_id: int) -> int:
    """Return the bytes one load reads of a field: an element of an array, however nested."""
    current = btf.resolve(type_id)
    for _ in range(64):
        found = btf.type(current)
        if not isinstance(found, Array):
            return btf.size_of(current)
        current = btf.resolve(found.type_id)
    raise CoreError("arrays nest too deeply")


def _is_signed(found: BtfType) -> bool:
    if isinstance(found, (Enum, Enum64)):
        return found.signed
    return isinstance(found, Int) and bool(found.encoding & INT_SIGNED)


def _resizable(old: BtfType | None, new: BtfType | None) -> bool:
    """Whether loading the other size gives the same number: pointers and unsigned integers."""
    if isinstance(old, Ptr) and isinstance(new, Ptr):
        return True
    if isinstance(old, Int) and isinstance(new, Int):
        return INT_SIGNED not in (old.encoding, new.encoding)
    return False
