"""Members of structs and unions against their types: ``check_member`` of the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    AnyEnum,
    BtfType,
    Composite,
    Enum,
    Enum64,
    Float,
    Int,
    Kind,
    Member,
)
from ebpf_static.btf.verify.kinds import MAX_BITS

_ENUM_BITS: Final = 32
_REGULAR_BYTES: Final = (1, 2, 4, 8, 16)
_PLAIN: Final = frozenset({Kind.PTR, Kind.ARRAY, Kind.STRUCT, Kind.UNION})


def is_regular(record: BtfType) -> bool:
    """Tell whether a type is an integer of a whole, usual number of bytes."""
    if not isinstance(record, Int) or record.offset:
        return False
    return record.bits % 8 == 0 and record.bits // 8 in _REGULAR_BYTES


def find_bad_member(
    btf: Btf,
    record: Composite,
    find_concrete: Callable[[int], int],
    size_of: Callable[[int], int],
) -> str | None:
    """Return what is wrong with the first member that does not fit.

    Args:
        btf: the types.
        record: the struct or union.
        find_concrete: from a type to what its modifiers lead to.
        size_of: bytes of a type.
    """
    for number, member in enumerate(record.members):
        target = btf.type(find_concrete(member.type_id))
        what = _problem(record, member, target, size_of)
        if what is not None:
            return f"member {number} {what}"
    return None


def _problem(
    record: Composite, member: Member, target: BtfType, size_of: Callable[[int], int]
) -> str | None:
    if isinstance(target, Int):
        return _int_problem(record, member, target)
    if isinstance(target, Enum | Enum64):
        return _enum_problem(record, member, target)
    if member.bitfield_size:
        return "is a bitfield of what has no bits"
    if isinstance(target, Float):
        align = 8 * min(8, target.size)
        if member.bit_offset % align:
            return "is not aligned"
        return _outside(record, member.bit_offset // 8 + target.size)
    if target.kind not in _PLAIN:
        return "is of a type that has no members' place"
    if member.bit_offset % 8:
        return "does not start with a byte"
    return _outside(record, member.bit_offset // 8 + size_of(target.id))


def _int_problem(record: Composite, member: Member, target: Int) -> str | None:
    start, bits = member.bit_offset, target.bits
    if record.kflag:
        if not is_regular(target):
            return "is of an integer of odd width"
        if not member.bitfield_size and start % 8:
            return "does not start with a byte"
        if member.bitfield_size > bits:
            return f"has {member.bitfield_size} bits of a type of {bits}"
        bits = member.bitfield_size or bits
    else:
        start += target.offset
    if start % 8 + bits > MAX_BITS:
        return f"touches more than {MAX_BITS} bits"
    return _outside(record, start // 8 + (start % 8 + bits + 7) // 8)


def _enum_problem(record: Composite, member: Member, target: AnyEnum) -> str | None:
    start = member.bit_offset
    if not record.kflag or not member.bitfield_size:
        if start % 8:
            return "does not start with a byte"
        if not record.kflag:
            return _outside(record, start // 8 + target.size)
    if member.bitfield_size > _ENUM_BITS:
        return f"has {member.bitfield_size} bits of an enum"
    bits = member.bitfield_size or _ENUM_BITS
    return _outside(record, (start + bits + 7) // 8)


def _outside(record: Composite, end: int) -> str | None:
    return f"ends behind its {record.size} bytes" if end > record.size else None
