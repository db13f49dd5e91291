"""Type records back to bytes: the inverse of :mod:`ebpf_static.btf.decode`.

Source: Documentation/bpf/btf.rst. The header is the 24-byte one every kernel and libbpf read.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ebpf_static.btf.decode import VLEN_MASK
from ebpf_static.btf.header import MAGIC, MIN_HEADER_BYTES, VERSION, ByteOrder
from ebpf_static.btf.types import (
    AnyEnum,
    Array,
    BtfType,
    Composite,
    Const,
    Datasec,
    DeclTag,
    Enum,
    Enum64,
    Float,
    Func,
    FuncProto,
    Fwd,
    Int,
    Kind,
    Ptr,
    Restrict,
    Struct,
    Typedef,
    TypeTag,
    Union,
    Var,
    Volatile,
)
from ebpf_static.errors import UsageError

_U32 = 0xFFFFFFFF


class _Strings:
    """The string section as it grows; equal names are stored once."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self._offsets: dict[str, int] = {"": 0}

    def add(self, name: str) -> int:
        offset = self._offsets.get(name)
        if offset is None:
            offset = self._offsets[name] = len(self.data)
            self.data += name.encode("utf-8", "surrogateescape") + b"\0"
        return offset


class _Record:
    """A type's fields on their way to bytes."""

    def __init__(self, size_or_type: int, *, vlen: int = 0, kflag: bool = False) -> None:
        self.size_or_type = size_or_type
        self.vlen = vlen
        self.kflag = kflag
        self.payload: list[int] = []

    def then(self, words: Iterable[int]) -> _Record:
        self.payload += words
        return self


def encode_btf(types: Iterable[BtfType], byte_order: ByteOrder) -> bytes:
    """Return a BTF of ``types``, which get the ids 1, 2 and so on.

    Args:
        types: the records; the ids they refer to must already be those of this sequence.
        byte_order: how to write it.

    Raises:
        UsageError: a record of an unknown kind, or with more elements than a BTF can say.
    """
    strings = _Strings()
    words: list[int] = []
    for record in types:
        encoder = _ENCODERS.get(type(record))
        if encoder is None:
            raise UsageError(f"types of kind {record.kind} cannot be written")
        made = encoder(record, strings)
        if made.vlen > VLEN_MASK:
            raise UsageError(f"type {record.name!r} has too many elements")
        info = made.kflag << 31 | record.kind << 24 | made.vlen
        words += (strings.add(record.name), info, made.size_or_type, *made.payload)
    prefix = "<" if byte_order == "little" else ">"
    size = 4 * len(words)
    sections = (0, size, size, len(strings.data))
    header = struct.pack(prefix + "HBBI4I", MAGIC, VERSION, 0, MIN_HEADER_BYTES, *sections)
    return header + struct.pack(f"{prefix}{len(words)}I", *words) + bytes(strings.data)


def _int(t: Int, _: _Strings) -> _Record:
    return _Record(t.size).then([t.encoding << 24 | t.offset << 16 | t.bits])


def _reference(t: Ptr, _: _Strings) -> _Record:
    return _Record(t.type_id)


def _array(t: Array, _: _Strings) -> _Record:
    return _Record(0).then([t.type_id, t.index_type_id, t.nelems])


def _composite(t: Composite, strings: _Strings) -> _Record:
    record = _Record(t.size, vlen=len(t.members), kflag=t.kflag)
    for m in t.members:
        record.then([strings.add(m.name), m.type_id, m.bitfield_size << 24 | m.bit_offset])
    return record


def _enum(t: AnyEnum, strings: _Strings) -> _Record:
    record = _Record(t.size, vlen=len(t.values), kflag=t.signed)
    for v in t.values:
        record.then([strings.add(v.name), v.value & _U32])
        if t.kind == Kind.ENUM64:
            record.then([v.value >> 32 & _U32])
    return record


def _fwd(t: Fwd, _: _Strings) -> _Record:
    return _Record(0, kflag=t.is_union)


def _func(t: Func, _: _Strings) -> _Record:
    return _Record(t.type_id, vlen=t.linkage)


def _func_proto(t: FuncProto, strings: _Strings) -> _Record:
    record = _Record(t.type_id, vlen=len(t.params))
    for p in t.params:
        record.then([strings.add(p.name), p.type_id])
    return record


def _var(t: Var, _: _Strings) -> _Record:
    return _Record(t.type_id).then([t.linkage])


def _datasec(t: Datasec, _: _Strings) -> _Record:
    record = _Record(t.size, vlen=len(t.vars))
    for v in t.vars:
        record.then(v)
    return record


def _float(t: Float, _: _Strings) -> _Record:
    return _Record(t.size)


def _decl_tag(t: DeclTag, _: _Strings) -> _Record:
    return _Record(t.type_id, kflag=t.kflag).then([t.component_idx & _U32])


def _type_tag(t: TypeTag, _: _Strings) -> _Record:
    return _Record(t.type_id, kflag=t.kflag)


_Encoder: TypeAlias = Callable[[Any, _Strings], _Record]
_ENCODERS: dict[type, _Encoder] = {
    Int: _int, Ptr: _reference, Array: _array, Struct: _composite, Union: _composite, Enum: _enum,
    Fwd: _fwd, Typedef: _reference, Volatile: _reference, Const: _reference,
    Restrict: _reference, Func: _func, FuncProto: _func_proto, Var: _var, Datasec: _datasec,
    Float: _float, DeclTag: _decl_tag, TypeTag: _type_tag, Enum64: _enum,
}  # fmt: skip
