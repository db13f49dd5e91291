"""What one pass over a function's instructions shows, for every rule that looks at code.

The limits are the verifier's (Linux ``kernel/bpf/verifier.c``: ``check_subprogs``, ``check_cfg``,
``check_stack_access_within_bounds``); eBPF for Windows (PREVAIL) has the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ebpf_static.isa import (
    Instruction,
    Kind,
    Operation,
    bad_registers,
    classify,
    malformed_second_slots,
    reserved_fields,
)
from ebpf_static.specs import FunctionSpec, ReferenceKind

STACK_BYTES = 512  # MAX_BPF_STACK in include/linux/filter.h
_FRAME_POINTER = 10
_DST, _SRC = Instruction._fields.index("dst"), Instruction._fields.index("src")
_WRITES_DST = frozenset(
    {Kind.ALU, Kind.BYTE_SWAP, Kind.ADDR_SPACE_CAST, Kind.LOAD_CONSTANT, Kind.LOAD}
)
_JUMPS = frozenset({Kind.JUMP, Kind.BRANCH, Kind.MAY_GOTO})
# Fields Linux documents as reserved but never looks at.
_IGNORED = {"exit": {"off"}, "lddw_func": {"next_imm"}}
# The one kfunc that never returns, so that nothing need follow it (is_bpf_throw_kfunc).
_THROW = "bpf_throw"


class BadJump(NamedTuple):
    """A jump that does not land on an instruction of its function."""

    instruction: Instruction
    target: int
    inside_lddw: bool


@dataclass(slots=True)
class CodeFacts:
    """What is remarkable about one function's code; indices are insn indices in the function.

    Attributes:
        operations: names of the operations of unrelocated instructions.
        unknown: encodings no instruction set defines.
        reserved: instructions with something in reserved fields, and the fields.
        registers: instructions that name no register where they should, and the fields.
        frame_writes: instructions that write r10.
        stack: loads and stores through r10 that miss the stack.
        helpers: insn indices of the calls of each helper id, unrelocated calls only.
        kfuncs: insn indices of kernel function calls.
        indirect: calls through a register.
        map_words: LDDWs that claim to be resolved map references without a relocation.
        seconds: second slots of LDDW that hold more than an immediate.
        truncated: an LDDW without its second slot.
        jumps: jumps that land nowhere.
        unreachable: first insn of every run nothing leads to; empty where that cannot be told.
        runs_off: the last instruction, when control may run past it.
    """

    operations: set[str] = field(default_factory=set)
    unknown: list[Instruction] = field(default_factory=list)
    reserved: list[tuple[Instruction, tuple[str, ...]]] = field(default_factory=list)
    registers: list[tuple[Instruction, tuple[str, ...]]] = field(default_factory=list)
    frame_writes: list[Instruction] = field(default_factory=list)
    stack: list[Instruction] = field(default_factory=list)
    helpers: dict[int, list[int]] = field(default_factory=dict)
    kfuncs: list[int] = field(default_factory=list)
    indirect: list[Instruction] = field(default_factory=list)
    map_words: list[Instruction] = field(default_factory=list)
    seconds: tuple[int, ...] = ()
    truncated: Instruction | None = None
    jumps: list[BadJump] = field(default_factory=list)
    unreachable: list[int] = field(default_factory=list)
    runs_off: Instruction | None = None


class _Profile(NamedTuple):
    # What there is to look at in an operation: fixed fields by position, the register field it
    # writes and the one it addresses memory by (0: none), whether control flow passes on and how.
    known: bool
    fixed: tuple[tuple[int, tuple[int, ...]], ...]
    writes: int
    base: int
    size: int
    control: bool
    falls: bool
    call: bool
    constant: bool


class _Control(NamedTuple):
    # The end of a straight run of instructions.
    index: int  # type: ignore[assignment]  # hides tuple.index, on purpose
    target: int | None
    falls: bool


_PROFILES: dict[str, _Profile] = {}  # by operation name: bounded by the table of operations


def _profile(operation: Operation) -> _Profile:
    kind, op = operation.kind, operation.op
    ignored = _IGNORED.get(op, set())
    fixed = tuple(
        (Instruction._fields.index(name), values)
        for name, values in operation.allowed
        if name not in ignored
    )
    writes = _DST if kind in _WRITES_DST else 0
    base = 0
    if kind in (Kind.LOAD, Kind.STORE, Kind.ATOMIC) and operation.size:
        base = _SRC if kind is Kind.LOAD or op == "load_acquire" else _DST
        if op == "load_acquire":
            writes = _DST
        elif kind is Kind.ATOMIC and ("fetch" in op or op == "xchg"):
            writes = _SRC
    return _PROFILES.setdefault(
        operation.name,
        _Profile(
            known=operation.known,
            fixed=fixed,
            writes=writes,
            base=base,
            size=operation.size or 0,
            control=kind in _JUMPS or kind is Kind.EXIT,
            falls=kind not in (Kind.JUMP, Kind.EXIT),
            call=kind is Kind.CALL,
            constant=kind is Kind.LOAD_CONSTANT,
        ),
    )


def read_code(function: FunctionSpec) -> CodeFacts:
    """Return what one pass over ``function`` shows.

    Raises:
        FormatError: the code is no whole number of instructions.
    """
    return _Scan(function).run()


class _Scan:
    """One pass; the loop is written for speed, a large object has 50 000 instructions."""

    def __init__(self, function: FunctionSpec) -> None:
        self.function = function
        self.facts = CodeFacts()
        self.controls: list[_Control] = []
        self.indirect_jump = False

    def run(self) -> CodeFacts:
        """Look at every instruction once, then at how they hang together."""
        facts, references = self.facts, self.function.references_by_index
        operations = facts.operations
        get: Callable[[str], _Profile | None] = _PROFILES.get
        for insn in self.function.instructions:
            operation = classify(insn)
            profile = get(operation.name)
            if profile is None:
                profile = _profile(operation)
            if not profile.known:
                facts.unknown.append(insn)
                continue
            relocated = insn[0] in references
            if not relocated:
                operations.add(operation.name)
                for position, allowed in profile.fixed:
                    value = insn[position]
                    if value not in allowed and value is not None:
                        self._reserved(insn)
                        break
            if insn[2] > _FRAME_POINTER or insn[3] > _FRAME_POINTER:
                self._registers(insn)
            if profile.writes and insn[profile.writes] == _FRAME_POINTER:
                facts.frame_writes.append(insn)
            if profile.base and insn[profile.base] == _FRAME_POINTER:
                self._stack(insn, profile.size)
            if profile.control:
                self._control(insn, operation, profile)
            elif profile.call:
                self._call(insn, operation, relocated=relocated)
            elif profile.constant and not relocated and insn.src in _MAP_SOURCES:
                facts.map_words.append(insn)
        self._whole()
        return facts

    def _reserved(self, insn: Instruction) -> None:
        ignored = _IGNORED.get(classify(insn).op, set())
        fields = tuple(name for name in reserved_fields(insn) if name not in ignored)
        if fields:
            self.facts.reserved.append((insn, fields))

    def _registers(self, insn: Instruction) -> None:
        fields = bad_registers(insn)
        if fields:
            self.facts.registers.append((insn, fields))

    def _stack(self, insn: Instruction, size: int) -> None:
        if insn.off < -STACK_BYTES or insn.off + size > 0:
            self.facts.stack.append(insn)

    def _control(self, insn: Instruction, operation: Operation, profile: _Profile) -> None:
        target: int | None = None
        if operation.op == "gotox":
            self.indirect_jump = True
        elif operation.kind in _JUMPS:
            distance = insn.imm if operation.op == "gotol" else insn.off
            target = insn.index + 1 + distance
        self.controls.append(_Control(insn.index, target, profile.falls))

    def _call(self, insn: Instruction, operation: Operation, *, relocated: bool) -> None:
        if operation.op == "call_helper":
            if not relocated:
                self.facts.helpers.setdefault(insn.imm, []).append(insn.index)
        elif operation.op == "callx":
            self.facts.indirect.append(insn)
        reference = self.function.references_by_index.get(insn.index) if relocated else None
        kfunc = reference is not None and reference.kind is ReferenceKind.KFUNC
        if kfunc or operation.op == "call_kfunc":
            self.facts.kfuncs.append(insn.index)

    def _whole(self) -> None:
        """Judge what takes the whole function: its end, jump targets and reachability."""
        instructions = self.function.instructions
        if not instructions:
            return
        facts = self.facts
        if b"\x18" in self.function.code[::8]:
            facts.seconds = malformed_second_slots(self.function.code, self.function.byte_order)
        last = instructions[-1]
        if last.opcode == _LDDW and last.next_imm is None:
            facts.truncated = last
        self._jumps({i[0] + 1 for i in instructions if i[1] == _LDDW})
        ends_here = self.controls and self.controls[-1].index == last.index
        if not (ends_here and not self.controls[-1].falls) and not self._throws(last):
            facts.runs_off = last
        broken = facts.unknown or facts.jumps or facts.truncated or self.indirect_jump
        if not broken:
            facts.unreachable = self._unreachable()

    def _throws(self, last: Instruction) -> bool:
        reference = self.function.references_by_index.get(last.index)
        return reference is not None and reference.name == _THROW

    def _jumps(self, seconds: set[int]) -> None:
        size = self.function.insn_count
        bad = {
            control.index: control.target
            for control in self.controls
            if control.target is not None
            and (not 0 <= control.target < size or control.target in seconds)
        }
        if bad:
            self.facts.jumps = [
                BadJump(insn, bad[insn.index], bad[insn.index] in seconds)
                for insn in self.function.instructions
                if insn.index in bad
            ]

    def _unreachable(self) -> list[int]:
        """Return where runs of insns begin that nothing leads to, as ``check_cfg`` sees it.

        Code between two control instructions is entered at some insn and then runs to its end, so
        it is enough to know the earliest entry of each such stretch.
        """
        ends = [control.index for control in self.controls]
        starts = [0, *(end + 1 for end in ends)]
        size = self.function.insn_count
        entries: dict[int, int] = {}
        todo = [0]
        while todo:
            at = todo.pop()
            stretch = bisect_left(ends, at)
            if entries.get(stretch, size) <= at:
                continue
            seen = stretch in entries
            entries[stretch] = at
            if seen or stretch == len(ends):
                continue
            control = self.controls[stretch]
            if control.target is not None:
                todo.append(control.target)
            if control.falls and control.index + 1 < size:
                todo.append(control.index + 1)
        dead = []
        for stretch, start in enumerate(starts):
            if start < size and entries.get(stretch, size) > start:
                dead.append(start)
        return dead


_LDDW = 0x18
# BPF_PSEUDO_MAP_FD, _MAP_VALUE, _MAP_IDX, _MAP_IDX_VALUE: what a loader writes, not a compiler.
_MAP_SOURCES = frozenset({1, 2, 5, 6})
