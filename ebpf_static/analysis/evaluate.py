"""Evaluating one function: control flow, branches and calls, until nothing changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ebpf_static.analysis import alu
from ebpf_static.analysis.events import CallSite
from ebpf_static.analysis.helpers import argument_count, gives_number, may_give_null, memory_of
from ebpf_static.analysis.inputs import Patch, Poison
from ebpf_static.analysis.operations import Operations
from ebpf_static.analysis.run import UNKNOWN_ARGUMENTS, Run
from ebpf_static.analysis.state import FRAME_POINTER, MAX_FRAME, State
from ebpf_static.analysis.values import (
    MASK64,
    SCALAR,
    UNSET,
    Asked,
    Base,
    MaybeNull,
    Pointer,
    Value,
    is_number,
    join,
)
from ebpf_static.isa.instruction import Instruction
from ebpf_static.specs import ReferenceKind
from ebpf_static.target import Platform

_LD, _LDX, _ST, _STX, _ALU, _JMP, _JMP32, _ALU64 = range(8)
_MAP_LOOKUP = 1
_ARRAYS = frozenset({"ARRAY", "PERCPU_ARRAY"})
_JEQ, _JGT, _JGE, _JNE, _JLT, _JLE = 0x10, 0x20, 0x30, 0x50, 0xA0, 0xB0
_ZERO_IF_TAKEN = ((_JLE, 0), (_JLT, 1))
_ZERO_IF_NOT = ((_JGT, 0), (_JGE, 1))
_CALL, _EXIT, _JA, _JCOND, _CALLX = 0x85, 0x95, 0x05, 0xE5, 0x8D


def evaluate(run: Run, index: int, depth: int, top: bool, arguments: tuple[Value, ...]) -> Value:  # noqa: FBT001
    """Evaluate a function for ``arguments`` and return its r0 joined over its exits."""
    return _Evaluation(run, index, depth, top=top).run(arguments)


class _Evaluation(Operations):
    """One evaluation of one function."""

    def __init__(self, run: Run, index: int, depth: int, *, top: bool) -> None:
        super().__init__(run, index, depth, top=top)
        self.reached = run.flow.reached.setdefault(index, set())
        self.states: dict[int, State] = {}
        self.pending: dict[int, None] = {}
        self.result: Value = UNSET
        self.heads = _block_heads(self.code)
        self.on_linux = run.spec.numbering is Platform.LINUX

    def run(self, arguments: tuple[Value, ...]) -> Value:
        """Evaluate from the entry until nothing changes."""
        self._enter(0, State.entry(arguments, self.depth))
        while self.pending:
            at, _ = self.pending.popitem()
            self._run_block(at, self.states[at].copy())
            if self.run_.steps > self.run_.max_steps:
                self.flow.complete = False
                break
        return None if self.result is UNSET else self.result

    def _enter(self, at: int, state: State) -> None:
        """Let control reach the block that starts at ``at`` in ``state``."""
        if at not in self.code:
            return
        known = self.states.get(at)
        if known is None:
            self.states[at] = state.copy()
            self.pending[at] = None
        elif known.merge(state):
            self.pending[at] = None

    def _run_block(self, at: int, state: State) -> None:
        while True:
            instruction = self.code.get(at)
            if instruction is None or self.run_.steps > self.run_.max_steps:
                return
            self.run_.steps += 1
            self.reached.add(at)
            following = at + instruction.slots
            if not self._step(instruction, state, following):
                return
            at = following
            if at in self.heads:
                self._enter(at, state)
                return

    def _step(self, instruction: Instruction, state: State, following: int) -> bool:
        """Evaluate one instruction; return whether control goes on to the next one."""
        place = (self.index, instruction.index)
        core: Patch | None = None
        if self.inputs.core_places:
            found = self.inputs.core.get(place)
            if isinstance(found, Poison):
                self.flow.poisoned.setdefault(place, found.reason)
                return False
            core = found
        kind = instruction.opcode & 7
        if kind in (_ALU, _ALU64):
            self._alu(instruction, state, place, core)
        elif kind in (_JMP, _JMP32):
            return self._jump(instruction, state, following)
        elif kind == _LD:
            self._load_constant(instruction, state, place, core)
        elif kind == _LDX:
            self._load(instruction, state)
        else:
            self._store(instruction, state)
        return True

    def _jump(self, ins: Instruction, state: State, following: int) -> bool:
        opcode = ins.opcode
        if opcode in (_CALL, _CALLX):
            return self._call(ins, state)
        if opcode == _EXIT:
            value = self._read(state, 0, ins.index) if self.top else state.regs[0]
            self.result = value if self.result is UNSET else join(self.result, value)
            if self.top:
                known = self.flow.returns.get(ins.index, value)
                self.flow.returns[ins.index] = join(known, value)
            return False
        if opcode & 0xF7 == _JA:
            return self._jump_always(ins, state)
        if opcode == _JCOND:
            self._enter(following + ins.off, state)
            return True
        return self._branch(ins, state)

    def _jump_always(self, ins: Instruction, state: State) -> bool:
        if ins.opcode & 8:
            # gotox: any entry of the jump table, which means any block.
            self._read(state, ins.dst, ins.index)
            for head in self.heads:
                self._enter(head, state)
            return False
        distance = ins.imm if ins.opcode & 7 == _JMP32 else ins.off
        self._enter(ins.index + 1 + distance, state)
        return False

    def _branch(self, ins: Instruction, state: State) -> bool:
        left = self._read(state, ins.dst, ins.index)
        place = (self.index, ins.index)
        if ins.opcode & 8:
            right = self._read(state, ins.src, ins.index)
        elif place in self.inputs.core_places:
            core = self.inputs.core.get(place)
            right = core.value & MASK64 if isinstance(core, Patch) else None
        else:
            right = ins.imm & MASK64
        taken = alu.is_taken(ins.opcode, left, right)
        target = ins.index + 1 + ins.off
        branch = state.copy()
        for value in (left, right):
            if isinstance(value, MaybeNull) and ins.opcode & 7 == _JMP:
                _tell_apart(ins, value, branch, state, right)
        if taken is not False:
            _refine(ins, branch, right, taken=True)
            self._enter(target, branch)
        if taken:
            return False
        _refine(ins, state, right, taken=False)
        return True

    def _call(self, ins: Instruction, state: State) -> bool:
        arguments = tuple(state.regs[1:6])
        reference = self.references.get(ins.index)
        result: Value = None
        helper = -1
        if reference is not None and reference.kind is ReferenceKind.CALL:
            state.forget_unchecked()
            arguments = tuple(state.regs[1:6])
            result = self._call_function(reference.target, arguments)
        elif ins.opcode == _CALL and ins.src == 0:
            helper = ins.imm & 0xFFFFFFFF
            for register in range(1, 1 + argument_count(helper) if self.on_linux else 1):
                self._read(state, register, ins.index)
            result = self._result_of(helper, ins.index, arguments, state)
            self._note_call(ins, helper, -1, arguments)
        elif reference is not None:
            self._note_call(ins, None, reference.target, arguments)
        self._after_call(state, arguments)
        if self.on_linux:
            for offset, size in self._made_numbers(helper, arguments):
                state.store(offset, size, SCALAR)
        state.clobber_arguments()
        state.regs[0] = result
        return True

    def _call_function(self, target: int, arguments: tuple[Value, ...]) -> Value:
        passed = tuple(None if value is UNSET else value for value in arguments)
        return self.run_.call(target, passed, self.depth + 1)

    def _note_call(
        self, ins: Instruction, helper: int | None, extern: int, arguments: tuple[Value, ...]
    ) -> None:
        place = (self.index, ins.index)
        known = self.flow.calls.get(place)
        if known is not None:
            pairs = zip(known.arguments, arguments, strict=True)
            arguments = tuple(join(a, b) for a, b in pairs)
        self.flow.calls[place] = CallSite(self.index, ins.index, helper, extern, arguments)

    def _after_call(self, state: State, arguments: tuple[Value, ...]) -> None:
        """Forget the stack a callee may have written, all of it for callbacks."""
        for value in arguments:
            if not isinstance(value, Pointer):
                continue
            if value.base is Base.FUNCTION:
                state.forget_unchecked()
                self.run_.call(value.id, UNKNOWN_ARGUMENTS, self.depth + 1)
                state.drop_all()
            elif value.base is Base.STACK:
                if value.id == self.depth and value.offset is not None:
                    state.drop(value.offset, max(value.offset, 0))
                elif value.id in (self.depth, -1):
                    state.drop_all()

    def _result_of(
        self, helper: int, insn: int, arguments: tuple[Value, ...], state: State
    ) -> Value:
        """Return what a Linux helper leaves in r0."""
        if not self.on_linux:
            return None
        if may_give_null(helper) and not self._finds(helper, arguments):
            result = MaybeNull(self.index, insn)
            state.replace(result, None)  # what an earlier round of a loop left
            return result
        return SCALAR if gives_number(helper) else None

    def _finds(self, helper: int, arguments: tuple[Value, ...]) -> bool:
        """Tell whether a look-up may be known to find something, or nobody can tell."""
        if helper != _MAP_LOOKUP:
            return False
        looked_in = arguments[0]
        if not isinstance(looked_in, Pointer) or looked_in.base is not Base.MAP:
            return True
        kind = self.run_.spec.maps[looked_in.id].type.name
        return self.inputs.finds_elements and kind in _ARRAYS

    def _made_numbers(self, helper: int, arguments: tuple[Value, ...]) -> Iterator[tuple[int, int]]:
        """Yield the places of this frame that hold numbers after a helper was given them."""
        for memory in memory_of(helper):
            pointer = arguments[memory.argument]
            if not isinstance(pointer, Pointer) or pointer.base is not Base.STACK:
                continue
            offset = pointer.offset
            if pointer.id != self.depth or offset is None or not -MAX_FRAME <= offset < 0:
                continue
            size: Value = 1 if memory.size is None else arguments[memory.size]
            if not isinstance(size, int) or not size:
                continue
            if memory.written:
                yield from _pieces(offset, min(size, -offset))
            elif self.inputs.clobbers_spills:
                yield offset & -8, 8  # one byte read of a kept address is enough


def _pieces(offset: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the whole eight bytes in a piece of stack memory, and a short one it begins with."""
    if size < 8:
        if size in (1, 2, 4):
            yield offset, size
        return
    for at in range((offset + 7) & -8, offset + size - 7, 8):
        yield at, 8


def _tell_apart(
    ins: Instruction, value: MaybeNull, branch: State, state: State, right: Value
) -> None:
    """Note on both ways of a comparison what it says of a helper's result and its copies."""
    operation = ins.opcode & 0xF0
    asked = right == 0 and not ins.opcode & 8
    address = Pointer(Base.RETURNED, value.insn, 0)
    # Of the way on which it is NULL, the register compared is told by _refine.
    branch.replace(value, address if asked and operation == _JNE else None)
    state.replace(value, address if asked and operation == _JEQ else None)


def _refine(ins: Instruction, state: State, right: Value, *, taken: bool) -> None:
    """Note what an edge that leaves one value only says about the register compared."""
    if ins.opcode & 7 != _JMP or not isinstance(right, int) or ins.dst >= FRAME_POINTER:
        return
    operation = ins.opcode & 0xF0
    if operation == (_JEQ if taken else _JNE):
        state.regs[ins.dst] = right if is_number(state.regs[ins.dst]) else Asked(right)
    elif (operation, right) in (_ZERO_IF_TAKEN if taken else _ZERO_IF_NOT):
        state.regs[ins.dst] = 0 if is_number(state.regs[ins.dst]) else Asked(0)


def _block_heads(code: Mapping[int, Instruction]) -> frozenset[int]:
    """Return the insn indices control can reach other than from the instruction before."""
    heads = {0}
    for instruction in code.values():
        kind = instruction.opcode & 7
        if kind not in (_JMP, _JMP32) or instruction.opcode in (_CALL, _CALLX, _EXIT):
            continue
        far = instruction.opcode == 0x06
        heads.add(instruction.index + 1 + (instruction.imm if far else instruction.off))
        heads.add(instruction.index + 1)
    return frozenset(head for head in heads if head in code)
