"""Functions: the named runs of instructions of every executable section.

Source: libbpf ``src/libbpf.c`` ``bpf_object__add_programs``.
"""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static import limits
from ebpf_static.btf import BtfExt
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.elf import ElfObject, Symbol
from ebpf_static.formats.symbols import SymbolTable
from ebpf_static.specs.function import FunctionSpec
from ebpf_static.specs.section import SectionSpec

INSN_BYTES = 8


def read_functions(
    elf: ElfObject, symbols: SymbolTable, ext: BtfExt | None
) -> tuple[FunctionSpec, ...]:
    """Return every function, ordered by section and offset, references still missing.

    Raises:
        FormatError: a section or function is no whole number of instructions, or a function
            reaches outside its section.
        LimitError: more functions or instructions than any object has.
    """
    found: list[FunctionSpec] = []
    budget = limits.MAX_INSNS
    ids: dict[str, dict[int, int]] = {}
    for section in elf.sections:
        if not section.is_executable or section.size == 0:
            continue
        if section.name not in ids:
            ids[section.name] = _func_ids(ext, section.name)
        for function in _read_section(elf, section, symbols, ids[section.name]):
            budget -= function.insn_count
            found.append(function)
            if budget < 0:
                raise LimitError(f"more than {limits.MAX_INSNS} instructions")
            if len(found) > limits.MAX_FUNCTIONS:
                raise LimitError(f"more than {limits.MAX_FUNCTIONS} functions")
    return tuple(found)


def _read_section(
    elf: ElfObject, section: SectionSpec, symbols: SymbolTable, ids: dict[int, int]
) -> Iterator[FunctionSpec]:
    code = elf.section_data(section)
    where = f"section {section.name}"
    if len(code) % INSN_BYTES:
        raise FormatError(
            f"{len(code)} bytes of code are no whole number of 8-byte instructions",
            where=where,
            offset=section.offset,
        )
    found = symbols.functions(section.index)
    starts = sorted({symbol.value for symbol in found})
    following = dict(zip(starts, [*starts[1:], len(code)], strict=False))
    if not found:
        yield _function(
            elf,
            section,
            name="",
            offset=0,
            code=code,
            linkage="none",
            hidden=False,
            btf_id=ids.get(0),
        )
    for symbol in found:
        end = symbol.value + (symbol.size or following[symbol.value] - symbol.value)
        _check_bounds(symbol, end, section, len(code))
        yield _function(
            elf,
            section,
            name=symbol.name,
            offset=symbol.value,
            code=code[symbol.value : end],
            linkage=symbol.linkage,
            hidden=symbol.is_hidden,
            btf_id=ids.get(symbol.value),
        )


def _check_bounds(symbol: Symbol, end: int, section: SectionSpec, size: int) -> None:
    where = f'section {section.name}: function "{symbol.name}"'
    if symbol.value >= size or end > size:
        raise FormatError(
            f"code from {symbol.value:#x} to {end:#x} reaches outside the section ({size} bytes)",
            where=where,
            offset=section.offset,
        )
    if symbol.value % INSN_BYTES or end % INSN_BYTES:
        raise FormatError(
            f"code from {symbol.value:#x} to {end:#x} is not aligned to instructions",
            where=where,
            offset=section.offset + symbol.value,
        )


def _func_ids(ext: BtfExt | None, section: str) -> dict[int, int]:
    if ext is None:
        return {}
    return {info.insn_offset: info.type_id for info in ext.func_infos(section)}


def _function(
    elf: ElfObject,
    section: SectionSpec,
    *,
    name: str,
    offset: int,
    code: bytes,
    linkage: str,
    hidden: bool,
    btf_id: int | None,
) -> FunctionSpec:
    return FunctionSpec.model_construct(
        name=name,
        section=section.name,
        section_index=section.index,
        section_offset=offset,
        linkage=linkage,
        hidden=hidden,
        byte_order=elf.byte_order,
        code=code,
        references=(),
        btf_id=btf_id,
    )
