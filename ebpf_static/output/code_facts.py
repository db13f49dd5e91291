"""What code refers to, in words and by name: shared by the text and the JSON of ``inspect``."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ebpf_static.btf import BtfExt, LineInfo
from ebpf_static.btf.ext import LineRecord
from ebpf_static.errors import FormatError
from ebpf_static.graph.links import Links
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


class CodeIndex:
    """Answers about the code of one object, each worked out once however many ask."""

    def __init__(self, spec: CollectionSpec, remap: Callable[[str], str] = str) -> None:
        self.spec = spec
        self._remap = remap
        self._facts: dict[tuple[int, ProgramType | None], CodeFacts] = {}
        self._lines: dict[str, tuple[list[int], list[LineRecord]]] = {}
        self._links = Links(spec)

    def facts(self, function: FunctionSpec, program_type: ProgramType | None = None) -> CodeFacts:
        """Return what one function uses, itself; what it calls is not followed.

        Args:
            function: one of the object's functions.
            program_type: type of the program it runs in, where known: some Windows helper
                numbers mean something only within a program type.
        """
        key = (id(function), program_type)  # the spec keeps its functions alive
        if key not in self._facts:
            self._facts[key] = _facts(self.spec, function, program_type)
        return self._facts[key]

    def program_facts(self, program: ProgramSpec) -> CodeFacts | None:
        """Return what a program and every function it reaches use.

        None for a program that reaches more functions than are followed.
        """
        linked = self._links.find(program)
        if linked is None:
            return None
        parts = [self.facts(item, program.type) for item in linked]
        return CodeFacts(
            tuple(dict.fromkeys(helper for part in parts for helper in part.helpers)),
            _names(name for part in parts for name in part.kfuncs),
            _names(name for part in parts for name in part.functions),
            _names(name for part in parts for name in part.maps),
            _names(name for part in parts for name in part.ksyms),
            _names(name for part in parts for name in part.kconfig),
        )

    def source_lines(self, function: FunctionSpec) -> dict[int, LineInfo]:
        """Return the source of the instructions that begin a line, by insn index.

        Line information that cannot be read gives nothing; rules report what is wrong with it.
        """
        ext = self.spec.btf_ext
        if ext is None:
            return {}
        start, end = function.section_offset, function.section_offset + len(function.code)
        found: dict[int, LineInfo] = {}
        try:
            offsets, records = self._records(ext, function.elf_section)
            for record in records[bisect_left(offsets, start) : bisect_left(offsets, end)]:
                line = ext.resolve_line(record)
                line = line._replace(file=self._remap(line.file))
                found[(record.insn_offset - start) // 8] = line
        except FormatError:
            return found
        return found

    def _records(self, ext: BtfExt, section: str) -> tuple[list[int], list[LineRecord]]:
        if section not in self._lines:
            records = sorted(ext.line_records(section), key=lambda record: record.insn_offset)
            self._lines[section] = ([record.insn_offset for record in records], records)
        return self._lines[section]


def _facts(
    spec: CollectionSpec, function: FunctionSpec, program_type: ProgramType | None
) -> CodeFacts:
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
    word = "" if kind is ReferenceKind.CALL else f"{kind.value.replace('_', ' ')} "
    return f"{word}{name}{' (weak)' if reference.weak else ''}"


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
