"""Relocations resolved onto instructions: which map, variable, function or kernel symbol is meant.

Sources: libbpf ``src/libbpf.c`` ``bpf_program__record_reloc``; LLVM ``docs/BPFRelocation``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

from ebpf_static.formats.draft import MapDraft
from ebpf_static.formats.elf import ElfObject, Relocation, Symbol
from ebpf_static.formats.elf_constants import (
    R_BPF_64_32,
    R_BPF_64_64,
    R_BPF_64_ABS32,
    R_BPF_64_ABS64,
    R_BPF_NONE,
    RELOCATION_NAMES,
    STT_SECTION,
)
from ebpf_static.formats.functions import INSN_BYTES
from ebpf_static.isa.scan import iter_calls
from ebpf_static.specs.collection import ReadProblem
from ebpf_static.specs.function import FunctionSpec, Reference, ReferenceKind
from ebpf_static.specs.section import SectionSpec
from ebpf_static.specs.variable import ExternKind, ExternSpec

_LDDW = 0x18
_CALL = 0x85
_PSEUDO_CALL = 1
_EXTERN_KINDS = {
    ExternKind.KCONFIG: ReferenceKind.KCONFIG,
    ExternKind.KFUNC: ReferenceKind.KFUNC,
    ExternKind.KSYM: ReferenceKind.KSYM,
}


@dataclass(slots=True)
class Resolver:
    """Finds what a symbol means to an instruction.

    Attributes:
        elf: the container.
        functions: every function, in the order references count them.
        maps: every map, likewise.
        externs: every extern, likewise.
        kconfig: byte offset of each kconfig value in its map, by name.
        jump_tables: indices of the sections of jump tables.
        problems: filled with what could not be resolved.
    """

    elf: ElfObject
    functions: tuple[FunctionSpec, ...]
    maps: tuple[MapDraft, ...]
    externs: tuple[ExternSpec, ...]
    kconfig: dict[str, int]
    jump_tables: frozenset[int]
    problems: list[ReadProblem]
    _starts: dict[int, tuple[list[int], list[int]]] = field(default_factory=dict)
    _map_at: dict[tuple[int, int], int] = field(default_factory=dict)
    _map_of: dict[int, int] = field(default_factory=dict)
    _extern_at: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index functions by place, maps by place or section, externs by name."""
        by_section: dict[int, list[int]] = defaultdict(list)
        for index, function in enumerate(self.functions):
            by_section[function.section_index].append(index)
        for section, indices in by_section.items():
            self._starts[section] = ([self.functions[i].section_offset for i in indices], indices)
        for index, item in enumerate(self.maps):
            self._map_at.setdefault((item.section_index, item.section_offset), index)
            if item.data_section >= 0:
                self._map_of.setdefault(item.data_section, index)
        self._extern_at = {extern.name: i for i, extern in enumerate(self.externs)}

    def resolve_all(self) -> tuple[FunctionSpec, ...]:
        """Return the functions with their references filled in."""
        resolved = list(self.functions)
        for section in self.elf.sections:
            _, indices = self._starts.get(section.index, ([], []))
            if not indices:
                continue
            relocations = self._checked(section)
            offsets = [relocation.offset for relocation in relocations]
            for index in indices:
                function = self.functions[index]
                low = bisect_left(offsets, function.section_offset)
                high = bisect_left(offsets, function.section_offset + len(function.code))
                references = self._references(function, relocations[low:high])
                resolved[index] = function.model_copy(update={"references": references})
        return tuple(resolved)

    def _checked(self, section: SectionSpec) -> list[Relocation]:
        """Return the relocations that are on instructions by offset, one of each place.

        Only the last counts where several are on one instruction: functions may overlap, and each
        would have to look at all of them.
        """
        checked: dict[int, Relocation] = {}
        for relocation in self.elf.relocations(section):
            if relocation.type == R_BPF_NONE:
                continue
            if relocation.offset % INSN_BYTES or relocation.offset >= section.size:
                self._note(
                    f"relocation at {relocation.offset:#x} is on no instruction",
                    section.name,
                    relocation,
                )
            else:
                checked[relocation.offset] = relocation
        return [checked[offset] for offset in sorted(checked)]

    def _references(
        self, function: FunctionSpec, relocations: list[Relocation]
    ) -> tuple[Reference, ...]:
        found = {}
        for relocation in relocations:
            index = (relocation.offset - function.section_offset) // INSN_BYTES
            found[index] = self._resolve(function, index, relocation)
        for index, source, imm in iter_calls(function.code, function.byte_order):
            if source == _PSEUDO_CALL and index not in found:
                place = function.section_offset // INSN_BYTES + index
                target = (place + imm + 1) * INSN_BYTES
                found[index] = self._code(ReferenceKind.CALL, index, function.section_index, target)
        return tuple(found[index] for index in sorted(found))

    def _resolve(self, function: FunctionSpec, index: int, relocation: Relocation) -> Reference:
        symbol = self.elf.symbols[relocation.symbol]
        opcode = function.code[index * INSN_BYTES]
        if relocation.type not in (R_BPF_64_64, R_BPF_64_32, R_BPF_64_ABS64, R_BPF_64_ABS32):
            name = RELOCATION_NAMES.get(relocation.type, f"type {relocation.type}")
            self._note(
                f"relocation {name} does not belong on an instruction", function.section, relocation
            )
        if opcode not in (_LDDW, _CALL):
            self._note(
                f"relocation against `{symbol.name}` is on opcode {opcode:#04x}, which takes none",
                function.section,
                relocation,
            )
            return _unresolved(index, symbol, relocation)
        if symbol.is_undefined:
            return self._extern(index, symbol, relocation)
        value = symbol.value + relocation.addend
        kind = ReferenceKind.CALL if opcode == _CALL else ReferenceKind.FUNCTION
        if symbol.section in self._starts:
            imm = _imm(function, index)
            start = value + ((imm + 1) * INSN_BYTES if opcode == _CALL else imm)
            return self._code(
                kind, index, symbol.section, start, name=symbol.name, relocation=relocation.type
            )
        reference = None
        if opcode == _LDDW:
            reference = self._data(function, index, symbol, value, relocation)
        if reference is None:
            self._note(
                f"relocation against `{symbol.name}` in section "
                f"`{self._section_name(symbol.section)}`, which holds no map, data or code",
                function.section,
                relocation,
            )
            return _unresolved(index, symbol, relocation)
        return reference

    def _data(
        self, function: FunctionSpec, index: int, symbol: Symbol, value: int, relocation: Relocation
    ) -> Reference | None:
        offset = value + _imm(function, index)
        at = self._map_of.get(symbol.section)
        if at is not None:
            name = symbol.name if symbol.type != STT_SECTION else self.maps[at].name
            return Reference(index, ReferenceKind.MAP_VALUE, name, at, offset, relocation.type)
        # A section's symbol leaves the place to the instruction, as LLVM writes static maps.
        places = (offset,) if symbol.type == STT_SECTION else (value, offset)
        found = (self._map_at.get((symbol.section, place)) for place in places)
        at = next((index for index in found if index is not None), None)
        if at is not None:
            return Reference(index, ReferenceKind.MAP, self.maps[at].name, at, 0, relocation.type)
        if symbol.section in self.jump_tables:
            return Reference(
                index, ReferenceKind.JUMP_TABLE, symbol.name, -1, offset, relocation.type
            )
        return None

    def _code(
        self,
        kind: ReferenceKind,
        index: int,
        section: int,
        start: int,
        *,
        name: str = "",
        relocation: int = -1,
    ) -> Reference:
        """Refer to the function that holds byte ``start`` of a code section."""
        starts, indices = self._starts[section]
        at = bisect_right(starts, start) - 1
        if at >= 0:
            # Of several symbols at one place the first one counts.
            at = bisect_left(starts, starts[at])
            function = self.functions[indices[at]]
            inside = start - function.section_offset
            if inside < len(function.code) and inside % INSN_BYTES == 0:
                return Reference(
                    index, kind, function.name, indices[at], inside // INSN_BYTES, relocation
                )
        self.problems.append(
            ReadProblem(
                "relocation",
                f"call to {start:#x}, where no function is",
                f"section {self._section_name(section)}",
            )
        )
        return Reference(index, ReferenceKind.UNRESOLVED, name, -1, 0, relocation)

    def _extern(self, index: int, symbol: Symbol, relocation: Relocation) -> Reference:
        at = self._extern_at.get(symbol.name, -1)
        kind = ReferenceKind.UNRESOLVED
        weak = False
        if at >= 0:
            extern = self.externs[at]
            kind = _EXTERN_KINDS.get(extern.kind, ReferenceKind.UNRESOLVED)
            weak = extern.weak
        offset = self.kconfig.get(symbol.name, 0)
        return Reference(index, kind, symbol.name, at, offset, relocation.type, weak)

    def _section_name(self, index: int) -> str:
        return self.elf.sections[index].name if index < len(self.elf.sections) else f"#{index}"

    def _note(self, what: str, section: str, relocation: Relocation) -> None:
        self.problems.append(
            ReadProblem("relocation", what, f"section {section}", relocation.file_offset)
        )


def _unresolved(index: int, symbol: Symbol, relocation: Relocation) -> Reference:
    return Reference(index, ReferenceKind.UNRESOLVED, symbol.name, -1, 0, relocation.type)


def _imm(function: FunctionSpec, index: int) -> int:
    field = function.code[index * INSN_BYTES + 4 : index * INSN_BYTES + 8]
    return int.from_bytes(field, function.byte_order, signed=True)
