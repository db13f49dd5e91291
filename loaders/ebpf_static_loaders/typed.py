"""Values of maps and variables through BTF: bytes to Python and back.

A struct or union is a dictionary by member name (members of anonymous members in the same
dictionary), an array a list, an array of characters bytes, a boolean a bool, an enumeration,
a pointer or an integer an int. Bytes are taken everywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ebpf_static.btf import Btf
from ebpf_static.btf.types import (
    Array,
    Datasec,
    Enum,
    Enum64,
    Float,
    Int,
    Member,
    Ptr,
    Struct,
    Union,
    Var,
)
from ebpf_static.errors import UsageError

_MAX_DEPTH: Final = 64
_FLOATS: Final = {2: "e", 4: "f", 8: "d"}


def decode(btf: Btf, type_id: int, raw: bytes) -> Any:
    """Return bytes as what their type makes of them.

    Raises:
        UsageError: there are fewer bytes than the type has, or the type has no values.
        FormatError: the type information is malformed.
    """
    return _decode(btf, type_id, raw, 0)


def encode(btf: Btf, type_id: int, value: Any) -> bytes:
    """Return the bytes of a value; what a dictionary leaves out is zero.

    Raises:
        UsageError: the value does not fit the type.
        FormatError: the type information is malformed.
    """
    return _encode(btf, type_id, value, 0)


def _under(btf: Btf, type_id: int) -> Any:
    found = btf.type(btf.resolve(type_id))
    if isinstance(found, Var):
        found = btf.type(btf.resolve(found.type_id))
    return found


def _decode(btf: Btf, type_id: int, raw: bytes, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise UsageError("the type is nested too deeply")
    found = _under(btf, type_id)
    if isinstance(found, Struct | Union):
        return _decode_members(btf, found.members, raw, depth)
    if isinstance(found, Datasec):
        return {
            btf.name(entry.type_id): _decode(
                btf, entry.type_id, raw[entry.offset : entry.offset + entry.size], depth + 1
            )
            for entry in found.vars
        }
    if isinstance(found, Array):
        return _decode_array(btf, found, raw, depth)
    size = btf.size_of(type_id)
    if len(raw) < size:
        raise UsageError(f"{len(raw)} bytes for a type of {size}")
    if isinstance(found, Float):
        return struct.unpack(_prefix(btf) + _FLOATS[size], raw[:size])[0]
    signed = isinstance(found, Int | Enum | Enum64) and _is_signed(found)
    number = int.from_bytes(raw[:size], btf.byte_order, signed=signed)
    return bool(number) if isinstance(found, Int) and found.is_bool else number


def _is_signed(found: Int | Enum | Enum64) -> bool:
    return found.is_signed if isinstance(found, Int) else found.signed


def _prefix(btf: Btf) -> str:
    return "<" if btf.byte_order == "little" else ">"


def _decode_members(
    btf: Btf, members: tuple[Member, ...], raw: bytes, depth: int
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for member in members:
        start = member.bit_offset // 8
        bits = _bits(btf, member)
        if bits:
            values[member.name] = _decode_bits(btf, member, raw, bits)
            continue
        value = _decode(btf, member.type_id, raw[start : start + _size(btf, member)], depth + 1)
        if member.name:
            values[member.name] = value
        elif isinstance(value, dict):
            values.update(value)
    return values


def _size(btf: Btf, member: Member) -> int:
    return btf.size_of(member.type_id)


def _bits(btf: Btf, member: Member) -> int:
    """Return the bits of a bitfield, 0 for what is none; old BTF has them in the type."""
    if member.bitfield_size:
        return member.bitfield_size
    found = btf.type(btf.resolve(member.type_id))
    return found.bits if isinstance(found, Int) and found.bits < 8 * found.size else 0


def _decode_bits(btf: Btf, member: Member, raw: bytes, bits: int) -> int:
    start, shift, count = _bit_place(btf, member, bits)
    number = int.from_bytes(raw[start : start + count], btf.byte_order)
    number = number >> shift & (1 << bits) - 1
    found = btf.type(btf.resolve(member.type_id))
    if isinstance(found, Int | Enum | Enum64) and _is_signed(found) and number >> (bits - 1):
        number -= 1 << bits
    return number


def _bit_place(btf: Btf, member: Member, bits: int) -> tuple[int, int, int]:
    """Return first byte, shift and number of bytes of a bitfield."""
    start = member.bit_offset // 8
    inside = member.bit_offset % 8
    count = (inside + bits + 7) // 8
    shift = inside if btf.byte_order == "little" else 8 * count - inside - bits
    return start, shift, count


def _decode_array(btf: Btf, found: Array, raw: bytes, depth: int) -> Any:
    if _is_char(btf, found.type_id):
        return raw[: found.nelems]
    size = btf.size_of(found.type_id)
    if size * found.nelems > len(raw):
        raise UsageError(f"{len(raw)} bytes for {found.nelems} elements of {size}")
    return [
        _decode(btf, found.type_id, raw[index * size : (index + 1) * size], depth + 1)
        for index in range(found.nelems)
    ]


def _is_char(btf: Btf, type_id: int) -> bool:
    found = btf.type(btf.resolve(type_id))
    return (
        isinstance(found, Int) and found.size == 1 and not found.is_bool and ("char" in found.name)
    )


def _encode(btf: Btf, type_id: int, value: Any, depth: int) -> bytes:
    if depth > _MAX_DEPTH:
        raise UsageError("the type is nested too deeply")
    size = btf.size_of(type_id)
    found = _under(btf, type_id)
    if isinstance(value, str) and isinstance(found, Array):
        value = value.encode()
    if isinstance(value, bytes | bytearray):
        if len(value) > size:
            raise UsageError(f"{len(value)} bytes for a type of {size}")
        return bytes(value).ljust(size, b"\0")
    if isinstance(found, Struct | Union):
        return _encode_members(btf, found.members, value, size, depth)
    if isinstance(found, Datasec):
        return _encode_variables(btf, found, value, size, depth)
    if isinstance(found, Array):
        return _encode_array(btf, found, value, depth)
    if isinstance(found, Float):
        return struct.pack(_prefix(btf) + _FLOATS[size], value)
    if isinstance(found, Enum | Enum64) and isinstance(value, str):
        value = _enumerator(found, value)
    if not isinstance(found, Int | Enum | Enum64 | Ptr) or not isinstance(value, int):
        raise UsageError(f"{value!r} is no value of {_describe(found)}")
    return _encode_number(btf, size, value)


def _encode_number(btf: Btf, size: int, value: int) -> bytes:
    if not -(1 << 8 * size - 1) <= value < 1 << 8 * size:
        raise UsageError(f"{value} does not fit {size} bytes")
    return (value % (1 << 8 * size)).to_bytes(size, btf.byte_order)


def _describe(found: Any) -> str:
    return f"type `{found.name}`" if found.name else "its type"


def _enumerator(found: Enum | Enum64, name: str) -> int:
    for value in found.values:
        if value.name == name:
            return value.value
    raise UsageError(f"{_describe(found)} has no enumerator `{name}`")


def _encode_array(btf: Btf, found: Array, value: Any, depth: int) -> bytes:
    size = btf.size_of(found.type_id)
    if not isinstance(value, Sequence) or len(value) > found.nelems:
        raise UsageError(f"an array of {found.nelems} takes that many values at most")
    parts = b"".join(_encode(btf, found.type_id, item, depth + 1) for item in value)
    return parts.ljust(size * found.nelems, b"\0")


def _encode_variables(btf: Btf, found: Datasec, value: Any, size: int, depth: int) -> bytes:
    if not isinstance(value, Mapping):
        raise UsageError(f"a section takes a dictionary of its variables, not {value!r}")
    places = {btf.name(entry.type_id): entry for entry in found.vars}
    out = bytearray(size)
    for name, item in value.items():
        entry = places.get(name)
        if entry is None:
            raise UsageError(f"section `{found.name}` has no variable `{name}`")
        part = _encode(btf, entry.type_id, item, depth + 1)
        out[entry.offset : entry.offset + len(part)] = part
    return bytes(out)


def _encode_members(
    btf: Btf, members: tuple[Member, ...], value: Any, size: int, depth: int
) -> bytes:
    if not isinstance(value, Mapping):
        raise UsageError(f"a struct takes a dictionary of its members, not {value!r}")
    out = bytearray(size)
    left = _write_members(btf, members, value, out, depth)
    if left:
        raise UsageError(f"the type has no member `{min(left)}`")
    return bytes(out)


def _write_members(
    btf: Btf,
    members: tuple[Member, ...],
    value: Mapping[str, Any],
    out: bytearray,
    depth: int,
    base: int = 0,
) -> set[str]:
    """Write members into ``out`` and return the names nothing was found for."""
    left = set(value)
    for member in members:
        start = base + member.bit_offset // 8
        if not member.name:
            inner = _under(btf, member.type_id)
            if isinstance(inner, Struct | Union) and depth < _MAX_DEPTH:
                nested = {name: value[name] for name in left}
                left = _write_members(btf, inner.members, nested, out, depth + 1, start)
            continue
        if member.name not in left:
            continue
        left.discard(member.name)
        bits = _bits(btf, member)
        if bits:
            _write_bits(btf, member, value[member.name], out, bits, base)
        else:
            part = _encode(btf, member.type_id, value[member.name], depth + 1)
            out[start : start + len(part)] = part
    return left


def _write_bits(btf: Btf, member: Member, value: Any, out: bytearray, bits: int, base: int) -> None:
    if not isinstance(value, int) or not -(1 << bits - 1) <= value < 1 << bits:
        raise UsageError(f"{value!r} does not fit the {bits} bits of `{member.name}`")
    start, shift, count = _bit_place(btf, member, bits)
    start += base
    mask = (1 << bits) - 1
    number = int.from_bytes(out[start : start + count], btf.byte_order)
    number = number & ~(mask << shift) | (value & mask) << shift
    out[start : start + count] = number.to_bytes(count, btf.byte_order)
