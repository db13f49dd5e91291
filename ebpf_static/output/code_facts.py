"""What code refers to, in words and by name: shared by the text and the JSON of ``inspect``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ebpf_static.btf import LineInfo
from ebpf_static.errors import FormatError
from ebpf_static.isa import branch_target, is_helper_call
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec, Reference, ReferenceKind
from ebpf_static.uapi.constants import HelperId, ProgramType

_MAPS = (ReferenceKind.MAP, ReferenceKind.MAP_VALUE)
_FUNCTIONS = (ReferenceKind.CALL, ReferenceKind.FUNCTION)


class CodeFacts(NamedTuple):
    """What a run of instructions uses; each thing once, in order of first use.

    Attributes:
        helpers: helpers called by number.
        kfuncs: kernel functions called.
        functions: functions of the object called or taken the address of.
        maps: maps referred to, data sections included.
        ksyms: kernel symbols referred to.
        kconfig: values of the kernel's configuration referred to.
    """

    helpers: tuple[HelperId, ...]
    kfuncs: tuple[str, ...]
    functions: tuple[str, ...]
    maps: tuple[str, ...]
    ksyms: tuple[str, ...]
    kconfig: tuple[str, ...]


def code_facts(
    spec: CollectionSpec, function: FunctionSpec, program_type: ProgramType | None = None
) -> CodeFacts:
    """Return what one function uses, itself; what it calls is not followed.

    Args:
        spec: the object.
        function: one of its functions.
        program_type: type of the program it runs in, where known: some Windows helper numbers
            mean something only within a program type.
    """
    relocated = function.references_by_index
    helpers = dict.fromkeys(
        HelperId.of(spec.numbering, instruction.imm, program_type)
        for instruction in function.instructions
        if is_helper_call(instruction) and instruction.index not in relocated
    )
    references = function.references
    return CodeFacts(
        tuple(helpers),
        _names(r.name for r in references if r.kind is ReferenceKind.KFUNC),
        _names(r.name for r in references if r.kind in _FUNCTIONS),
        _names(map_name(spec, r) for r in references if r.kind in _MAPS),
        _names(r.name for r in references if r.kind is ReferenceKind.KSYM),
        _names(r.name for r in references if r.kind is ReferenceKind.KCONFIG),
    )


def program_facts(spec: CollectionSpec, program: ProgramSpec) -> CodeFacts:
    """Return what a program and every function it reaches use."""
    parts = [code_facts(spec, function, program.type) for function in spec.get_linked(program)]
    return CodeFacts(
        tuple(dict.fromkeys(helper for part in parts for helper in part.helpers)),
        _names(name for part in parts for name in part.kfuncs),
        _names(name for part in parts for name in part.functions),
        _names(name for part in parts for name in part.maps),
        _names(name for part in parts for name in part.ksyms),
        _names(name for part in parts for name in part.kconfig),
    )


def map_name(spec: CollectionSpec, reference: Reference) -> str:
    """Return the map a reference to a map leads to, or the symbol when it leads nowhere."""
    if 0 <= reference.target < len(spec.maps):
        return spec.maps[reference.target].name
    return reference.name


def describe_targets(
    spec: CollectionSpec, function: FunctionSpec, program_type: ProgramType | None = None
) -> dict[int, str]:
    """Return what instructions refer to, by insn index: maps, variables, helpers, branches."""
    found: dict[int, str] = {}
    for instruction in function.instructions:
        target = branch_target(instruction)
        if target is not None:
            found[instruction.index] = f"insn {target}"
        elif is_helper_call(instruction):
            helper = HelperId.of(spec.numbering, instruction.imm, program_type)
            found[instruction.index] = helper.name
    for reference in function.references:
        found[reference.index] = _describe(spec, reference)
    return found


def source_lines(spec: CollectionSpec, function: FunctionSpec) -> dict[int, LineInfo]:
    """Return the source of the instructions that begin a line, by insn index.

    Line information that cannot be read gives nothing; rules report what is wrong with it.
    """
    if spec.btf_ext is None:
        return {}
    start, end = function.section_offset, function.section_offset + len(function.code)
    found: dict[int, LineInfo] = {}
    try:
        for record in spec.btf_ext.line_records(function.section):
            if start <= record.insn_offset < end:
                found[(record.insn_offset - start) // 8] = spec.btf_ext.resolve_line(record)
    except FormatError:
        return found
    return found


def ext_counts(spec: CollectionSpec, section: str) -> dict[str, int]:
    """Return how many records of each sort ``.BTF.ext`` has for a section, as far as readable."""
    ext = spec.btf_ext
    if ext is None:
        return {}
    counts = {"functions": len(ext.func_infos(section)), "lines": len(ext.line_records(section))}
    try:
        counts["CO-RE relocations"] = len(ext.core_relocations(section))
    except FormatError:
        return counts
    return counts


def _describe(spec: CollectionSpec, reference: Reference) -> str:
    kind = reference.kind
    name = reference.name or "(unnamed)"
    if kind is ReferenceKind.MAP:
        return f"map {map_name(spec, reference)}"
    if kind is ReferenceKind.MAP_VALUE:
        section = map_name(spec, reference)
        place = f"{section}+{reference.offset}"
        return place if name == section else f"{name} in {place}"
    words = {
        ReferenceKind.CALL: "",
        ReferenceKind.FUNCTION: "function ",
        ReferenceKind.KFUNC: "kfunc ",
        ReferenceKind.KSYM: "ksym ",
        ReferenceKind.KCONFIG: "kconfig ",
        ReferenceKind.UNRESOLVED: "unresolved ",
    }
    return f"{words[kind]}{name}{' (weak)' if reference.weak else ''}"


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
