"""Evaluating one function: control flow, branches and calls, until nothing changes."""

from __future__ import annotations

from collections.abc import Mapping

from ebpf_static.analysis import alu
from ebpf_static.analysis.branches import refine, tell_apart
from ebpf_static.analysis.calls import Calls
from ebpf_static.analysis.inputs import Patch, Poison
from ebpf_static.analysis.run import Run
from ebpf_static.analysis.state import FRAME_POINTER, State
from ebpf_static.analysis.values import (
    MASK64,
    UNSET,
    MaybeNull,
    Value,
    join,
)
from ebpf_static.isa.instruction import Instruction

_LD, _LDX, _ST, _STX, _ALU, _JMP, _JMP32, _ALU64 = range(8)
_LDDW, _MOVE = 0x18, 0xBF
_CALL, _EXIT, _JA, _JCOND, _CALLX = 0x85, 0x95, 0x05, 0xE5, 0x8D


def evaluate(run: Run, index: int, depth: int, top: bool, arguments: tuple[Value, ...]) -> Value:  # noqa: FBT001
    """Evaluate a function for ``arguments`` and return its r0 joined over its exits."""
    return _Evaluation(run, index, depth, top=top).run(arguments)


class _Evaluation(Calls):
    """One evaluation of one function."""

    def __init__(self, run: Run, index: int, depth: int, *, top: bool) -> None:
        super().__init__(run, index, depth, top=top)
        self.reached = run.flow.reached.setdefault(index, set())
        self.states: dict[int, State] = {}
        self.pending: dict[int, None] = {}
        self.result: Value = UNSET
        self.heads = _block_heads(self.code)

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

    def _enter(self, at: int, state: State, *, owned: bool = False) -> None:
        """Let control reach the block that starts at ``at`` in ``state``, copied unless ours."""
        if at not in self.code:
            return
        known = self.states.get(at)
        if known is None:
            self.states[at] = state if owned else state.copy()
            self.pending[at] = None
        elif known.merge(state):
            self.pending[at] = None

    def _run_block(self, at: int, state: State) -> None:
        # Written for speed: a step is what most of a check for a release is made of.
        code, heads, reached, run = self.code, self.heads, self.reached, self.run_
        while True:
            instruction = code.get(at)
            if instruction is None or run.steps > run.max_steps:
                return
            run.steps += 1
            reached.add(at)
            opcode = instruction.opcode
            following = at + (instruction.slots if opcode == _LDDW else 1)
            if opcode == _MOVE and not instruction.off and instruction.dst < FRAME_POINTER:
                state.regs[instruction.dst] = self._read(state, instruction.src, at)
            elif not self._step(instruction, state, following):
                return
            at = following
            if at in heads:
                self._enter(at, state, owned=True)
                return

    def _step(self, instruction: Instruction, state: State, following: int) -> bool:
        """Evaluate one instruction; return whether control goes on to the next one."""
        place = (self.index, instruction.index)
        core: Patch | None = None
        if place in self.inputs.core_places:
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
        if taken is not False:
            branch = state.copy()
            if isinstance(left, MaybeNull) or isinstance(right, MaybeNull):
                tell_apart(ins, (left, right), branch, state)
            refine(ins, branch, right, taken=True)
            self._enter(target, branch, owned=True)
        if taken:
            return False
        refine(ins, state, right, taken=False)
        return True


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
