"""BTF as C: one type, or a header that compiles (what ``vmlinux.h`` is).

A header states, in this order: enums, which depend on nothing; a forward declaration of every
struct and union, so that pointers never need an order; then typedefs and definitions, each after
what it holds by value and after the typedefs it mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ebpf_static.btf.c_decl import CPrinter
from ebpf_static.btf.c_names import CNames
from ebpf_static.btf.c_order import CPlan
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    Datasec,
    Enum,
    Enum64,
    Func,
    Struct,
    Typedef,
    Union,
    Var,
)

_PREAMBLE = """\
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif
"""
_POSTAMBLE = """\
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
"""


def c_definition(btf: Btf, type_id: int) -> str:
    """Return one type as C, without what it refers to.

    A struct, union, enum or typedef is defined; a function or variable declared; anything else
    is written as a type name.

    Raises:
        FormatError: a malformed type, or one C cannot express.
    """
    names = CNames(btf)
    printer = CPrinter(btf, names)
    record = btf.type(type_id)
    if isinstance(record, (Struct, Union, Enum, Enum64, Typedef)):
        return printer.definition(record)
    if isinstance(record, (Func, Var)):
        return f"extern {printer.declare(record.type_id, record.name)};"
    if isinstance(record, Datasec):
        return "\n".join(c_definition(btf, var.type_id) for var in record.vars)
    return printer.declare(type_id, "")


def c_header(btf: Btf, type_ids: Iterable[int] | None = None) -> str:
    """Return a compilable header.

    Args:
        btf: the types.
        type_ids: the types to define, with all they need; None for every type.

    Raises:
        FormatError: a malformed type, or one C cannot express.
    """
    return "".join(iter_c_header(btf, type_ids))


def iter_c_header(btf: Btf, type_ids: Iterable[int] | None = None) -> Iterator[str]:
    """Yield the text of :func:`c_header` piece by piece."""
    names = CNames(btf)
    printer = CPrinter(btf, names)
    plan = CPlan(btf)
    if type_ids is None:
        plan.add_all()
    for type_id in type_ids or ():
        plan.add(type_id)
    yield _PREAMBLE
    for type_id in plan.enums:
        yield f"\n{printer.definition(btf.type(type_id))}\n"
    yield "\n"
    for text in dict.fromkeys(printer.declare(type_id, "") for type_id in plan.forwards):
        yield f"{text};\n"
    for type_id in plan.units:
        yield f"\n{printer.definition(btf.type(type_id))}\n"
    yield "\n" + _POSTAMBLE
