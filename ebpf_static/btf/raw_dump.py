"""Types one by one as text, in the form ``bpftool btf dump … format raw`` prints.

The form is bpftool 7.1's (tools/bpf/bpftool/btf.c of Linux 6.1), so that both can be compared
line by line. Names are escaped: a name of a hostile BTF cannot reach the terminal raw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from ebpf_static.btf.reader import Btf
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
    Unknown,
    Var,
    Void,
    Volatile,
)
from ebpf_static.errors import FormatError, escape

_ENCODINGS = {0: "(none)", 1: "SIGNED", 2: "CHAR", 4: "BOOL"}
_LINKAGES = {0: "static", 1: "global", 2: "extern"}


def raw_type(btf: Btf, record: BtfType) -> str:
    """Return one type as text; members, values and parameters on lines of their own.

    Args:
        btf: where ids the record refers to are looked up.
        record: the type.

    Raises:
        FormatError: a name out of bounds.
    """
    head = f"[{record.id}] {_kind_name(record.kind)} '{_name(record.name)}'"
    return head + _DETAILS[type(record)](btf, record)


def iter_raw(btf: Btf) -> Iterator[str]:
    """Yield the text of every own type of ``btf`` in order.

    Raises:
        FormatError: when a malformed type is reached.
    """
    for record in btf.iter_types(own=True):
        yield raw_type(btf, record)


def _kind_name(kind: int) -> str:
    try:
        return Kind(kind).name
    except ValueError:
        return f"KIND_{kind}"


def _name(name: str) -> str:
    return escape(name) if name else "(anon)"


def _int(_: Btf, t: Int) -> str:
    encoding = _ENCODINGS.get(t.encoding, "UNKN")
    return f" size={t.size} bits_offset={t.offset} nr_bits={t.bits} encoding={encoding}"


def _array(_: Btf, t: Array) -> str:
    return f" type_id={t.type_id} index_type_id={t.index_type_id} nr_elems={t.nelems}"


def _composite(_: Btf, t: Composite) -> str:
    lines = [f" size={t.size} vlen={len(t.members)}"]
    for m in t.members:
        line = f"\t'{_name(m.name)}' type_id={m.type_id} bits_offset={m.bit_offset}"
        lines.append(line + (f" bitfield_size={m.bitfield_size}" if m.bitfield_size else ""))
    return "\n".join(lines)


def _enum(_: Btf, t: AnyEnum) -> str:
    suffix = ""
    if isinstance(t, Enum64):
        suffix = "LL" if t.signed else "ULL"
    encoding = "SIGNED" if t.signed else "UNSIGNED"
    lines = [f" encoding={encoding} size={t.size} vlen={len(t.values)}"]
    lines += [f"\t'{_name(v.name)}' val={v.value}{suffix}" for v in t.values]
    return "\n".join(lines)


def _fwd(_: Btf, t: Fwd) -> str:
    return f" fwd_kind={'union' if t.is_union else 'struct'}"


def _func(_: Btf, t: Func) -> str:
    return f" type_id={t.type_id} linkage={_LINKAGES.get(t.linkage, '(unknown)')}"


def _func_proto(_: Btf, t: FuncProto) -> str:
    lines = [f" ret_type_id={t.type_id} vlen={len(t.params)}"]
    lines += [f"\t'{_name(p.name)}' type_id={p.type_id}" for p in t.params]
    return "\n".join(lines)


def _var(_: Btf, t: Var) -> str:
    return f" type_id={t.type_id}, linkage={_LINKAGES.get(t.linkage, '(unknown)')}"


def _datasec(btf: Btf, t: Datasec) -> str:
    lines = [f" size={t.size} vlen={len(t.vars)}"]
    for v in t.vars:
        line = f"\ttype_id={v.type_id} offset={v.offset} size={v.size}"
        try:
            line += f" ({_kind_name(btf.kind(v.type_id))} '{_name(btf.name(v.type_id))}')"
        except FormatError:
            line += " (invalid type id)"
        lines.append(line)
    return "\n".join(lines)


def _decl_tag(_: Btf, t: DeclTag) -> str:
    return f" type_id={t.type_id} component_idx={t.component_idx}"


def _float(_: Btf, t: Float) -> str:
    return f" size={t.size}"


def _reference(_: Btf, t: Ptr) -> str:
    return f" type_id={t.type_id}"


def _unknown(_: Btf, t: Unknown) -> str:
    return f" info={t.info:#x} size_or_type={t.size_or_type}"


def _void(_: Btf, __: BtfType) -> str:
    return ""


_Detail: TypeAlias = Callable[[Btf, Any], str]
_DETAILS: dict[type, _Detail] = {
    Void: _void, Int: _int, Ptr: _reference, Array: _array, Struct: _composite,
    Union: _composite, Enum: _enum, Fwd: _fwd, Typedef: _reference, Volatile: _reference,
    Const: _reference, Restrict: _reference, Func: _func, FuncProto: _func_proto, Var: _var,
    Datasec: _datasec, Float: _float, DeclTag: _decl_tag, TypeTag: _reference, Enum64: _enum,
    Unknown: _unknown,
}  # fmt: skip
