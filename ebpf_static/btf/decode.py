"""Type records from 32-bit words: the index over the type section and one decoder per kind.

Source: Documentation/bpf/btf.rst. ``info`` is read in its widest form (Linux 7.2: vlen in bits
0-23, kind in bits 24-30, kflag in bit 31). That decides nothing wrongly: earlier kernels refuse a
record with one of the added bits set, so in any BTF that was valid before 7.2 they are zero and
both forms read the same.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ebpf_static.btf.header import (
    ELEMENT_BYTES,
    EXTRA_BYTES,
    LAST_KNOWN_KIND,
    RECORD_BYTES,
    ByteOrder,
    KindLayout,
)
from ebpf_static.btf.types import (
    Array,
    BtfType,
    Const,
    Datasec,
    DeclTag,
    Enum,
    Enum64,
    EnumValue,
    Float,
    Func,
    FuncProto,
    Fwd,
    Int,
    Member,
    Param,
    Ptr,
    Restrict,
    SectionVar,
    Struct,
    Typedef,
    TypeTag,
    Union,
    Unknown,
    Var,
    Volatile,
)

Words: TypeAlias = "array[int]"
GetString: TypeAlias = Callable[[int], str]

KIND_MASK = 0x7F
VLEN_MASK = 0xFFFFFF
RECORD_WORDS = RECORD_BYTES // 4
_SIGN = 1 << 31


class BadRecordError(ValueError):
    """A record the index cannot step over; ``args`` are what is wrong and its word offset."""


def words_of(data: bytes, byte_order: ByteOrder) -> Words:
    """Return ``data``, a multiple of 4 bytes long, as 32-bit words in host order."""
    words = array("I")
    words.frombytes(data)
    if byte_order != sys.byteorder:
        words.byteswap()
    return words


class _Steps(dict[int, int]):
    """Words a record takes, by its ``info`` word without kflag; filled as infos are met."""

    def __init__(self, layout: Mapping[int, KindLayout]) -> None:
        self._layout = layout

    def __missing__(self, info: int) -> int:
        kind, vlen = (info >> 24) & KIND_MASK, info & VLEN_MASK
        if kind <= LAST_KNOWN_KIND:
            extra = EXTRA_BYTES.get(kind, 0) + ELEMENT_BYTES.get(kind, 0) * vlen
        else:
            entry = self._layout.get(kind)
            if entry is None:
                raise BadRecordError(f"kind {kind} is unknown and no layout section tells its size")
            extra = entry.info_bytes + entry.element_bytes * vlen
        if kind == 0 or extra % 4:
            raise BadRecordError(f"record of kind {kind} with {extra} more bytes")
        step = self[info] = RECORD_WORDS + extra // 4
        return step


def index_types(words: Words, layout: Mapping[int, KindLayout], limit: int) -> Words:
    """Return the word offset of every type in order; the first is the lowest id.

    Raises:
        BadRecordError: an unknown kind, a record cut off, or more than ``limit`` types.
    """
    offsets = array("I")
    append = offsets.append
    steps = _Steps(layout)
    position, end = 0, len(words)
    try:
        while position < end:
            append(position)
            position += steps[words[position + 1]]
    except IndexError:
        raise BadRecordError("type record cut off", position) from None
    except BadRecordError as err:
        raise BadRecordError(err.args[0], position) from None
    if position > end:
        raise BadRecordError("type record cut off", offsets[-1])
    if len(offsets) > limit:
        raise BadRecordError(f"more than {limit} types", offsets[limit])
    return offsets


def decode_type(words: Words, at: int, type_id: int, string: GetString) -> BtfType:
    """Return the record at word offset ``at`` of an indexed type section."""
    info = words[at + 1]
    kind = (info >> 24) & KIND_MASK
    name = string(words[at])
    decoder = _DECODERS.get(kind)
    if decoder is not None:
        return decoder(words, at, type_id, name, string)
    reference = _REFERENCES.get(kind)
    if reference is not None:
        return reference(type_id, name, words[at + 2])
    return Unknown(type_id, name, kind, info, words[at + 2])


def _int(words: Words, at: int, type_id: int, name: str, _: GetString) -> BtfType:
    data = words[at + 3]
    return Int(type_id, name, words[at + 2], (data >> 24) & 0xF, (data >> 16) & 0xFF, data & 0xFF)


def _array(words: Words, at: int, type_id: int, name: str, _: GetString) -> BtfType:
    return Array(type_id, name, words[at + 3], words[at + 4], words[at + 5])


def _members(words: Words, at: int, string: GetString) -> tuple[Member, ...]:
    info = words[at + 1]
    first = at + RECORD_WORDS
    rows = range(first, first + (info & VLEN_MASK) * 3, 3)
    if info & _SIGN:
        return tuple(
            Member(string(words[i]), words[i + 1], words[i + 2] & 0xFFFFFF, words[i + 2] >> 24)
            for i in rows
        )
    return tuple(Member(string(words[i]), words[i + 1], words[i + 2], 0) for i in rows)


def _struct(words: Words, at: int, type_id: int, name: str, string: GetString) -> BtfType:
    members = _members(words, at, string)
    return Struct(type_id, name, words[at + 2], members, bool(words[at + 1] & _SIGN))


def _union(words: Words, at: int, type_id: int, name: str, string: GetString) -> BtfType:
    members = _members(words, at, string)
    return Union(type_id, name, words[at + 2], members, bool(words[at + 1] & _SIGN))


def _enum(words: Words, at: int, type_id: int, name: str, string: GetString) -> BtfType:
    info = words[at + 1]
    signed = bool(info & _SIGN)
    first = at + RECORD_WORDS
    rows = range(first, first + (info & VLEN_MASK) * 2, 2)
    values = tuple(
        EnumValue(string(words[i]), _signed(words[i + 1], _SIGN) if signed else words[i + 1])
        for i in rows
    )
    return Enum(type_id, name, words[at + 2], signed, values)


def _enum64(words: Words, at: int, type_id: int, name: str, string: GetString) -> BtfType:
    info = words[at + 1]
    signed = bool(info & _SIGN)
    first = at + RECORD_WORDS
    values = []
    for i in range(first, first + (info & VLEN_MASK) * 3, 3):
        value = words[i + 1] | words[i + 2] << 32
        values.append(EnumValue(string(words[i]), _signed(value, 1 << 63) if signed else value))
    return Enum64(type_id, name, words[at + 2], signed, tuple(values))


def _signed(value: int, sign: int) -> int:
    return value - 2 * sign if value & sign else value


def _fwd(words: Words, at: int, type_id: int, name: str, _: GetString) -> BtfType:
    return Fwd(type_id, name, bool(words[at + 1] & _SIGN))


def _func(words: Words, at: int, type_id: int, name: str, _: GetString) -> BtfType:
    return Func(type_id, name, words[at + 2], words[at + 1] & VLEN_MASK)


def _func_proto(words: Words, at: int, type_id: int, name: str, string: GetString) -> BtfType:
    first = at + RECORD_WORDS
    rows = range(first, first + (words[at + 1] & VLEN_MASK) * 2, 2)
    params = tuple(Param(string(words[i]), words[i + 1]) for i in rows)
    return FuncProto(type_id, name, words[at + 2], params)


def _var(words: Words, at: int, type_id: int, name: str, _: GetString) -> BtfType:
    return Var(type_id, name, words[at + 2], words[at + 3])


def _datasec(words: Words, at: int, type_id: int, name: str, _: GetString) -> BtfType:
    first = at + RECORD_WORDS
    rows = range(first, first + (words[at + 1] & VLEN_MASK) * 3, 3)
    variables = tuple(SectionVar(words[i], words[i + 1], words[i + 2]) for i in rows)
    return Datasec(type_id, name, words[at + 2], variables)


def _decl_tag(words: Words, at: int, type_id: int, name: str, _: GetString) -> BtfType:
    component = _signed(words[at + 3], _SIGN)
    return DeclTag(type_id, name, words[at + 2], component, bool(words[at + 1] & _SIGN))


def _type_tag(words: Words, at: int, type_id: int, name: str, _: GetString) -> BtfType:
    return TypeTag(type_id, name, words[at + 2], bool(words[at + 1] & _SIGN))


_Decoder: TypeAlias = Callable[[Words, int, int, str, GetString], BtfType]
_DECODERS: dict[int, _Decoder] = {
    1: _int, 3: _array, 4: _struct, 5: _union, 6: _enum, 7: _fwd, 12: _func, 13: _func_proto,
    14: _var, 15: _datasec, 17: _decl_tag, 18: _type_tag, 19: _enum64,
}  # fmt: skip
_REFERENCES: dict[int, Callable[[int, str, int], BtfType]] = {
    2: Ptr, 8: Typedef, 9: Volatile, 10: Const, 11: Restrict, 16: Float,
}  # fmt: skip
