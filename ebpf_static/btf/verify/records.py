"""Types one by one, without what they refer to: the ``check_meta`` functions of the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    LINKAGE_GLOBAL,
    AnyEnum,
    Array,
    BtfType,
    Composite,
    Datasec,
    DeclTag,
    Float,
    Func,
    Fwd,
    Int,
    Kind,
    Ptr,
    Typedef,
    TypeTag,
    Var,
)
from ebpf_static.btf.verify.kinds import (
    COUNTED,
    ENUM_SIZES,
    FILLED_SECTIONS,
    FLAGGED,
    FLOAT_SIZES,
    INT_ENCODINGS,
    KFLAG,
    MAX_BITS,
    NAMELESS,
    RESERVED,
)
from ebpf_static.btf.verify.rules import BtfProblem, KernelRules

_TAGS: Final = frozenset({Kind.DECL_TAG, Kind.TYPE_TAG})
_ANY_NAME: Final = frozenset({Kind.INT, Kind.FLOAT})


class _Context(NamedTuple):
    btf: Btf
    rules: KernelRules
    by_loader: bool


def find_bad_record(btf: Btf, rules: KernelRules, *, by_loader: bool) -> BtfProblem | None:
    """Return the first type with something wrong about itself."""
    context = _Context(btf, rules, by_loader)
    for type_id in range(btf.start_id, len(btf)):
        record = btf.type(type_id)  # remembered: its links are looked at next
        what = _problem(context, record)
        if what is not None:
            return BtfProblem(record.id, what)
    return None


def _problem(context: _Context, record: BtfType) -> str | None:
    name_offset, info, word, _ = context.btf.words(record.id)
    kind = record.kind
    if kind not in _CHECKS:
        return f"kind {kind} is unknown"
    if info & RESERVED and context.rules.vlen <= 0xFFFF:
        return f"reserved bits of its info {info:#x} are set"
    if info & 0xFFFFFF and kind not in COUNTED:
        return "it has members, which its kind has not"
    if info & KFLAG and kind not in FLAGGED:
        allowed = kind in _TAGS and (context.rules.tag_attributes or context.by_loader)
        if not allowed:
            return "its kind flag is set"
    if name_offset and kind in NAMELESS:
        return f"a {Kind(kind).name} has no name"
    if name_offset and not record.name and kind not in _ANY_NAME:
        return "its name is empty"
    if kind in (Kind.ARRAY, Kind.FWD) and word:
        return "its size is not 0"
    return _CHECKS[kind](context, record)


def _reference(context: _Context, record: Ptr) -> str | None:
    far = record.type_id > context.rules.types
    return f"type {record.type_id} is no type" if far else None


def _nothing(_context: _Context, _record: BtfType) -> str | None:
    return None


def _int(context: _Context, record: Int) -> str | None:
    if context.btf.words(record.id)[3] >> 28:
        return "reserved bits of its encoding are set"
    bits = record.bits + record.offset
    if bits > MAX_BITS:
        return f"{bits} bits, where {MAX_BITS} are the most"
    if (bits + 7) // 8 > record.size:
        return f"{bits} bits do not fit into its {record.size} bytes"
    if record.encoding not in INT_ENCODINGS:
        return f"encoding {record.encoding:#x} is unknown"
    return None


def _array(context: _Context, record: Array) -> str | None:
    for word, type_id in (("element", record.type_id), ("index", record.index_type_id)):
        if not 0 < type_id <= context.rules.types:
            return f"{word} type {type_id} is no type"
    return None


def _composite(context: _Context, record: Composite) -> str | None:
    rules = context.rules
    if record.name and not rules.takes_name(record.name):
        return "its name is no identifier"
    last = 0
    for number, member in enumerate(record.members):
        if member.name and not rules.takes_name(member.name):
            return f"the name of member {number} is no identifier"
        if not 0 < member.type_id <= rules.types:
            return f"type {member.type_id} of member {number} is no type"
        if record.kind == Kind.UNION and member.bit_offset:
            return f"member {number} of a union is at bit {member.bit_offset}"
        if member.bit_offset < last:
            return f"member {number} is before the one in front of it"
        if (member.bit_offset + 7) // 8 > record.size:
            return f"member {number} starts behind its {record.size} bytes"
        last = member.bit_offset
    return None


def _enum(context: _Context, record: AnyEnum) -> str | None:
    if record.size not in ENUM_SIZES:
        return f"an enum of {record.size} bytes"
    if record.name and not context.rules.takes_name(record.name):
        return "its name is no identifier"
    for number, value in enumerate(record.values):
        if not context.rules.takes_name(value.name):
            return f"the name of value {number} is no identifier"
    return None


def _named(context: _Context, record: Fwd | Typedef) -> str | None:
    return None if context.rules.takes_name(record.name) else "its name is no identifier"


def _func(context: _Context, record: Func) -> str | None:
    if not context.rules.takes_name(record.name):
        return "its name is no identifier"
    if record.linkage > LINKAGE_GLOBAL + context.by_loader:
        return f"linkage {record.linkage} of a function"
    return None


def _var(context: _Context, record: Var) -> str | None:
    if not context.rules.takes_name(record.name):
        return "its name is no identifier"
    if not 0 < record.type_id <= context.rules.types:
        return f"its type {record.type_id} is no type"
    if record.linkage > LINKAGE_GLOBAL + context.by_loader:
        return f"linkage {record.linkage} of a variable"
    return None


def _datasec(context: _Context, record: Datasec) -> str | None:
    if not context.rules.takes_section_name(record.name):
        return "its name is no name of a section"
    if context.by_loader and (not record.size or record.name in FILLED_SECTIONS):
        return None
    if not record.size:
        return "a section of 0 bytes"
    end = total = 0
    for number, var in enumerate(record.vars):
        if not 0 < var.type_id <= context.rules.types:
            return f"type {var.type_id} of variable {number} is no type"
        if not context.by_loader and var.offset < end:
            return f"variable {number} overlaps the one in front of it"
        if var.offset >= record.size or not 0 < var.size <= record.size:
            return f"variable {number} is outside its {record.size} bytes"
        end = var.offset + var.size
        total += var.size
        if max(end, total) > record.size:
            return f"variable {number} ends behind its {record.size} bytes"
    return None


def _float(_context: _Context, record: Float) -> str | None:
    return None if record.size in FLOAT_SIZES else f"a number of {record.size} bytes"


def _decl_tag(_context: _Context, record: DeclTag) -> str | None:
    if not record.name:
        return "a tag without text"
    return None if record.component_idx >= -1 else f"component {record.component_idx}"


def _type_tag(_context: _Context, record: TypeTag) -> str | None:
    return None if record.name else "a tag without text"


_CHECKS: Final[dict[int, Callable[[_Context, Any], str | None]]] = {
    Kind.INT: _int,
    Kind.PTR: _reference,
    Kind.ARRAY: _array,
    Kind.STRUCT: _composite,
    Kind.UNION: _composite,
    Kind.ENUM: _enum,
    Kind.FWD: _named,
    Kind.TYPEDEF: _named,
    Kind.VOLATILE: _reference,
    Kind.CONST: _reference,
    Kind.RESTRICT: _reference,
    Kind.FUNC: _func,
    Kind.FUNC_PROTO: _nothing,
    Kind.VAR: _var,
    Kind.DATASEC: _datasec,
    Kind.FLOAT: _float,
    Kind.DECL_TAG: _decl_tag,
    Kind.TYPE_TAG: _type_tag,
    Kind.ENUM64: _enum,
}
