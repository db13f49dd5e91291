"""Externs: undefined symbols, what kind each is, and where kconfig values will stand.

Source: libbpf ``src/libbpf.c`` ``bpf_object__collect_externs``.
"""

from __future__ import annotations

from typing import Final

from ebpf_static import limits
from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import LINKAGE_EXTERN, Func, Var
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.datasecs import Datasecs
from ebpf_static.formats.elf import Symbol
from ebpf_static.formats.elf_constants import (
    STB_WEAK,
)
from ebpf_static.formats.symbols import SymbolTable
from ebpf_static.specs.variable import ExternKind, ExternSpec

_SECTIONS: Final = {".kconfig": ExternKind.KCONFIG, ".ksyms": ExternKind.KSYM}


def read_externs(symbols: SymbolTable, datasecs: Datasecs | None) -> tuple[ExternSpec, ...]:
    """Return every undefined symbol, once per name, in symbol-table order.

    Raises:
        FormatError: a kconfig value whose type has no size.
        LimitError: more than any object has.
    """
    undefined = symbols.undefined()
    if not undefined:
        return ()
    if len(undefined) > limits.MAX_EXTERNS:
        raise LimitError(f"more than {limits.MAX_EXTERNS} undefined symbols")
    btf = None if datasecs is None else datasecs.btf
    wanted = frozenset(symbol.name for symbol in undefined)
    declared = {} if datasecs is None else _declarations(datasecs, wanted)
    found: dict[str, ExternSpec] = {}
    for symbol in undefined:
        if symbol.name not in found:
            found[symbol.name] = _extern(symbol, btf, declared)
    return tuple(found.values())


def layout_kconfig(externs: tuple[ExternSpec, ...], btf: Btf | None) -> tuple[dict[str, int], int]:
    """Return where each kconfig value stands in the ``.kconfig`` map, and the map's value size.

    libbpf sorts by alignment (largest first), size, then name (``cmp_externs``).

    Raises:
        FormatError: a value whose type has no alignment.
        LimitError: more than any kernel's configuration has.
    """
    rows = []
    for extern in externs:
        if extern.kind is ExternKind.KCONFIG and btf is not None and extern.btf_id is not None:
            variable = btf.type(extern.btf_id)
            if isinstance(variable, Var):
                align = max(1, btf.align_of(variable.type_id))
                rows.append((-align, extern.size, extern.name))
    offsets: dict[str, int] = {}
    end = 0
    for negative_align, size, name in sorted(rows):
        start = -(-end // -negative_align) * -negative_align
        offsets[name] = start
        end = start + size
    if end > limits.MAX_KCONFIG_BYTES:
        raise LimitError(f"{end} bytes of kernel configuration", where="section .kconfig")
    return offsets, end


def _declarations(datasecs: Datasecs, wanted: frozenset[str]) -> dict[str, tuple[int, str | None]]:
    """Return (BTF id, declaring section) of the extern variables and functions wanted by name."""
    btf = datasecs.btf
    sections: dict[int, str] = {}
    for datasec in datasecs:
        sections.update((entry.type_id, datasec.name) for entry in datasec.vars)
    found: dict[str, tuple[int, str | None]] = {}
    for kind in (Kind.VAR, Kind.FUNC):
        for type_id in btf.iter_ids(kind):
            if btf.name(type_id) not in wanted:
                continue
            record = btf.type(type_id)
            if isinstance(record, Var | Func) and record.linkage == LINKAGE_EXTERN:
                found.setdefault(record.name, (type_id, sections.get(type_id)))
    return found


def _extern(
    symbol: Symbol, btf: Btf | None, declared: dict[str, tuple[int, str | None]]
) -> ExternSpec:
    btf_id, section = declared.get(symbol.name, (None, None))
    weak = symbol.bind == STB_WEAK
    if btf is None or btf_id is None:
        return ExternSpec.model_construct(
            name=symbol.name,
            kind=ExternKind.UNKNOWN,
            section=None,
            weak=weak,
            btf_id=None,
            typed=False,
            size=0,
            tags=(),
        )
    record = btf.type(btf_id)
    kind = _SECTIONS.get(section or "", ExternKind.UNKNOWN)
    if isinstance(record, Func) and kind is ExternKind.KSYM:
        kind = ExternKind.KFUNC
    typed = isinstance(record, Func)
    size = 0
    if isinstance(record, Var):
        typed = btf.kind(btf.resolve(record.type_id)) != Kind.VOID
        size = _kconfig_size(btf, record) if kind is ExternKind.KCONFIG else 0
    return ExternSpec.model_construct(
        name=symbol.name,
        kind=kind,
        section=section,
        weak=weak,
        btf_id=btf_id,
        typed=typed,
        size=size,
        tags=btf.decl_tags(btf_id),
    )


def _kconfig_size(btf: Btf, variable: Var) -> int:
    try:
        return btf.size_of(variable.type_id)
    except FormatError as error:
        error.where = f'extern "{variable.name}": {error.where}'
        raise
