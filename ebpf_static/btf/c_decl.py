"""C declarations and definitions of single types."""

from __future__ import annotations

from ebpf_static.btf.c_layout import BitPad, BytePad, CLayout, Field
from ebpf_static.btf.c_names import CNames, identifier, is_c_float, is_c_int
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    AnyEnum,
    Array,
    BtfType,
    Composite,
    Const,
    Enum,
    Enum64,
    Float,
    FuncProto,
    Fwd,
    Int,
    Ptr,
    Restrict,
    Struct,
    Typedef,
    TypeTag,
    Union,
    Void,
    Volatile,
)
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.limits import MAX_BTF_DEPTH

_MIN_PARTS = 1 << 18
_PARTS_PER_WORD = 2

_INT_BY_SIZE = {1: "char", 2: "short", 4: "int", 8: "long long", 16: "__int128"}
_FLOAT_BY_SIZE = {2: "_Float16", 4: "float", 8: "double", 16: "long double"}
_MODE_BY_SIZE = {1: "QI", 2: "HI", 4: "SI", 8: "DI"}
_QUALIFIERS = {Const: "const", Volatile: "volatile", Restrict: "restrict"}


class CPrinter:
    """Prints types of one BTF as C; names are those of ``names``."""

    def __init__(self, btf: Btf, names: CNames) -> None:
        self._btf = btf
        self._names = names
        self._layout = CLayout(btf)
        # Anonymous types unfold where they are used: a small BTF could unfold without end.
        words = btf.header.type_len // 4 + (btf.base.header.type_len // 4 if btf.base else 0)
        self._parts_left = _MIN_PARTS + _PARTS_PER_WORD * words

    def definition(self, record: BtfType) -> str:
        """Return the definition of a struct, union, enum, typedef or non-C number.

        Raises:
            FormatError: a reference that C cannot express, a cycle, an id out of range.
            LimitError: anonymous types unfold to more than any honest definition has.
        """
        if isinstance(record, (Struct, Union)):
            return self._composite(record, 0) + ";"
        if isinstance(record, (Enum, Enum64)):
            return self._enum(record, 0) + ";"
        if isinstance(record, Typedef):
            return f"typedef {self.declare(record.type_id, self._names.ident(record.id))};"
        if isinstance(record, (Int, Float)):
            return f"typedef {_number(record)} {self._names.ident(record.id)};"
        raise self._error(record.id, f"a {record.kind!r} has no definition in C")

    def declare(self, type_id: int, name: str, level: int = 0, depth: int = 0) -> str:
        """Return the declaration of ``name`` (may be empty) with a type.

        Args:
            type_id: the type.
            name: the declarator to wrap, possibly with ``*`` or ``[]`` already.
            level: indentation of the line it stands on, for anonymous structs.
            depth: nesting of parameters and anonymous types so far.
        """
        if depth > MAX_BTF_DEPTH:
            raise self._error(type_id, "declaration nests too deeply, or in a cycle")
        declarator, qualifiers, after_pointer, current = name, list[str](), False, type_id
        for _ in range(MAX_BTF_DEPTH):
            self._spend()
            found = self._btf.type(current)
            if isinstance(found, (Const, Volatile, Restrict, TypeTag)):
                if (text := _qualifier(found)) not in qualifiers:
                    qualifiers.append(text)
            elif isinstance(found, Ptr):
                declarator = "*" + "".join(f"{one} " for one in qualifiers) + declarator
                qualifiers, after_pointer = [], True
            elif isinstance(found, (Array, FuncProto)):
                declarator = f"({declarator})" if after_pointer else declarator
                after_pointer = False
                if isinstance(found, Array):
                    declarator += f"[{found.nelems}]"
                else:
                    declarator += f"({self._params(found, level, depth)})"
                    qualifiers = []
            else:
                base = " ".join((*qualifiers, self._base(found, level, depth)))
                return f"{base} {declarator}" if declarator else base
            current = found.type_id
        raise self._error(type_id, "declaration nests too deeply, or in a cycle")

    def _base(self, record: BtfType, level: int, depth: int) -> str:
        """Return the type specifier of a type that ends a declaration."""
        if isinstance(record, Void):
            return "void"
        if isinstance(record, (Int, Float)):
            known = is_c_int(record.name) if isinstance(record, Int) else is_c_float(record.name)
            return record.name if known else self._names.ident(record.id)
        if isinstance(record, Typedef):
            return self._names.ident(record.id)
        if isinstance(record, Fwd):
            return f"{'union' if record.is_union else 'struct'} {self._names.tag(record.id)}"
        if isinstance(record, (Struct, Union)):
            if record.name:
                return f"{_keyword(record)} {self._names.tag(record.id)}"
            return self._composite(record, level, depth + 1)
        if isinstance(record, (Enum, Enum64)):
            return (
                f"enum {self._names.tag(record.id)}" if record.name else self._enum(record, level)
            )
        raise self._error(record.id, f"a {record.kind!r} is not a type")

    def _params(self, proto: FuncProto, level: int, depth: int) -> str:
        last = len(proto.params) - 1
        if last < 0 or (last == 0 and proto.params[0].type_id == 0):
            # Clang writes a declaration without a prototype, `f()`, as one of `...` alone, which
            # C has no words for.
            return "void"
        texts = []
        for number, param in enumerate(proto.params):
            if number == last and param.type_id == 0:
                texts.append("...")
            else:
                name = identifier(param.name)
                texts.append(self.declare(param.type_id, name, level, depth + 1))
        return ", ".join(texts)

    def _composite(self, record: Composite, level: int, depth: int = 0) -> str:
        tag = f" {self._names.tag(record.id)}" if record.name else ""
        indent = "\t" * (level + 1)
        lines = [f"{_keyword(record)}{tag} {{"]
        layout = self._layout
        if isinstance(record, Struct):
            parts = layout.iter_struct(record)
        else:
            parts = layout.iter_union(record)
        lines += [f"{indent}{self._part(part, level + 1, depth)};" for part in parts]
        closing = "\t" * level + "}" if len(lines) > 1 else "}"
        packed = " __attribute__((packed))" if layout.is_packed(record) else ""
        separator = "\n" if len(lines) > 1 else ""
        return "\n".join(lines) + separator + closing + packed

    def _part(self, part: Field | BitPad | BytePad, level: int, depth: int) -> str:
        self._spend()
        if isinstance(part, BitPad):
            return f"{part.type_name}: {part.bits}"
        if isinstance(part, BytePad):
            return f"char __pad_{part.offset}[{part.size}]"
        member = part.member
        if not member.name:
            return self._unnamed(part, level, depth + 1)
        text = self.declare(member.type_id, identifier(member.name), level, depth + 1)
        return f"{text}: {part.width}" if part.width else text

    def _unnamed(self, part: Field, level: int, depth: int) -> str:
        """Return an unnamed member, whose own members C lets one use as the outer's.

        Standard C has only unnamed structs without a tag; the kernel, built with
        ``-fms-extensions``, also has tagged ones, unfolded here. C has no unnamed number.
        """
        type_id = part.member.type_id
        record = self._btf.type(self._btf.resolve(type_id))
        if not isinstance(record, (Struct, Union)):
            text = self.declare(type_id, f"__unnamed_{part.member.bit_offset}", level, depth)
            return f"{text}: {part.width}" if part.width else text
        if depth > MAX_BTF_DEPTH:
            raise self._error(type_id, "structs nest too deeply, or in a cycle")
        self._spend()
        return self._composite(record._replace(name=""), level, depth)

    def _enum(self, record: AnyEnum, level: int) -> str:
        tag = f" {self._names.tag(record.id)}" if record.name else ""
        if not record.values:
            return f"enum{tag}"
        indent = "\t" * (level + 1)
        lines = [f"enum{tag} {{"]
        for value in record.values:
            self._spend()
            lines.append(
                f"{indent}{self._names.enumerator(value.name)} = {_constant(value.value)},"
            )
        mode = ""
        if record.size != _enum_size(record) and record.size in _MODE_BY_SIZE:
            mode = f" __attribute__((mode({_MODE_BY_SIZE[record.size]})))"
        return "\n".join(lines) + "\n" + "\t" * level + "}" + mode

    def _spend(self) -> None:
        self._parts_left -= 1
        if self._parts_left < 0:
            raise LimitError("anonymous types unfold endlessly", where=self._btf.where)

    def _error(self, type_id: int, what: str) -> FormatError:
        offset = self._btf.type_offset(type_id) if type_id else None
        return FormatError(what, where=f"{self._btf.where}: type {type_id}", offset=offset)


def _keyword(record: Composite) -> str:
    return "struct" if isinstance(record, Struct) else "union"


def _qualifier(record: Const | Volatile | Restrict | TypeTag) -> str:
    if not isinstance(record, TypeTag):
        return _QUALIFIERS[type(record)]
    if record.kflag:
        return f"__attribute__(({identifier(record.name)}))"
    text = "".join(c if c.isprintable() and c not in '"\\' else "_" for c in record.name)
    return f'__attribute__((btf_type_tag("{text}")))'


def _number(record: Int | Float) -> str:
    if isinstance(record, Float):
        return _FLOAT_BY_SIZE.get(record.size, "double")
    if record.is_bool and record.size == 1:
        return "_Bool"
    sign = "signed" if record.is_signed else "unsigned"
    return f"{sign} {_INT_BY_SIZE.get(record.size, 'int')}"


def _enum_size(record: AnyEnum) -> int:
    """Return the bytes a compiler gives an enum with these values."""
    low = min(value.value for value in record.values)
    high = max(value.value for value in record.values)
    if low >= 0:
        return 4 if high < 1 << 32 else 8
    return 4 if low >= -(1 << 31) and high < 1 << 31 else 8


def _constant(value: int) -> str:
    if -(1 << 31) < value < 1 << 32:
        return str(value)
    if value < 0:
        # The most negative literals do not exist in C: their positive part does not fit.
        return f"({value + 1}LL - 1)"
    return f"{value}ULL" if value >= 1 << 63 else f"{value}LL"
