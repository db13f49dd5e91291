"""Which instructions of a program may run on a target, and with which known values.

Constants are propagated along control flow, function by function as they are called, with what the
target decides put in: CO-RE results, kernel configuration, read-only data, missing externs. The
verifier prunes branches it can decide the same way (``is_branch_taken`` in
kernel/bpf/verifier.c), so what is unreachable here is dead code there; what is reachable here may
still be dead to the verifier's finer reasoning about ranges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ebpf_static.analysis import alu
from ebpf_static.analysis.events import Access, CallSite, Flow
from ebpf_static.analysis.inputs import ExternState, Inputs, Patch, Poison
from ebpf_static.analysis.state import FRAME_POINTER, State
from ebpf_static.analysis.values import (
    ANY_STACK,
    MASK64,
    UNSET,
    Base,
    Pointer,
    Value,
    add,
    join,
    loosen,
)
from ebpf_static.isa.instruction import Instruction
from ebpf_static.specs import CollectionSpec, FunctionSpec, Reference, ReferenceKind

MAX_DEPTH: Final = 16
"""Calls followed; the verifier stops at 8 frames."""

MAX_STEPS: Final = 2_000_000
"""Instructions evaluated for one program before the answer is called incomplete."""

MAX_CONTEXTS: Final = 32
"""Different argument values one function is evaluated with before they are given up."""

_LD, _LDX, _ST, _STX, _ALU, _JMP, _JMP32, _ALU64 = range(8)
_CALL, _EXIT, _JA, _JCOND, _LDDW, _CALLX = 0x85, 0x95, 0x05, 0xE5, 0x18, 0x8D
_MODE, _MODE_ATOMIC = 0xE0, 0xC0
_SIZES: Final = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
_UNKNOWN_ARGUMENTS: Final[tuple[Value, ...]] = (ANY_STACK,) * 5
_TAIL_CALL: Final = 12


def analyse(
    spec: CollectionSpec,
    program: FunctionSpec,
    inputs: Inputs | None = None,
    *,
    max_steps: int = MAX_STEPS,
) -> Flow:
    """Return what may happen when ``program`` runs on the target ``inputs`` describes.

    Args:
        spec: the object.
        program: one of its functions.
        inputs: what the target decides; by default nothing is decided.
        max_steps: instructions evaluated before the answer is called incomplete.
    """
    index = next(i for i, f in enumerate(spec.functions) if f is program)
    run = _Run(spec, inputs or Inputs(), max_steps=max_steps)
    run.call(index, (Pointer(Base.CONTEXT, 0, 0),), 0, top=True)
    run.flow.steps = run.steps
    return run.flow


@dataclass(slots=True)
class _Run:
    spec: CollectionSpec
    inputs: Inputs
    flow: Flow = field(default_factory=Flow)
    max_steps: int = MAX_STEPS
    steps: int = 0
    results: dict[tuple[int, tuple[Value, ...]], Value] = field(default_factory=dict)
    contexts: dict[int, int] = field(default_factory=dict)
    active: list[int] = field(default_factory=list)
    code: dict[int, Mapping[int, Instruction]] = field(default_factory=dict)
    places: dict[tuple[int, int], int] = field(default_factory=dict)
    kconfig: int | None = None

    def find_function(self, section: int, start: int) -> int | None:
        """Return the first function that starts at a place of a section."""
        if not self.places:
            for index, function in enumerate(self.spec.functions):
                self.places.setdefault((function.section_index, function.section_offset), index)
        return self.places.get((section, start))

    def find_kconfig(self) -> int:
        """Return the position of the ``.kconfig`` map, -1 without one."""
        if self.kconfig is None:
            maps = enumerate(self.spec.maps)
            self.kconfig = next((i for i, m in maps if m.name == ".kconfig"), -1)
        return self.kconfig

    def call(
        self, index: int, arguments: tuple[Value, ...], depth: int, *, top: bool = False
    ) -> Value:
        """Evaluate a function and return its r0 joined over its exits."""
        if index in self.active:
            self.flow.recursion.add(index)
            return None
        if depth >= MAX_DEPTH:
            self.flow.complete = False
            return None
        key = (index, arguments)
        if key in self.results:
            return self.results[key]
        count = self.contexts[index] = self.contexts.get(index, 0) + 1
        if count > MAX_CONTEXTS:
            arguments = _UNKNOWN_ARGUMENTS
            if (index, arguments) in self.results:
                return self.results[index, arguments]
        self.flow.depth = max(self.flow.depth, depth + 1)
        self.active.append(index)
        result = _Function(self, index, depth, top=top).run(arguments)
        self.active.pop()
        self.results[key] = self.results[index, arguments] = result
        return result

    def instructions(self, index: int) -> Mapping[int, Instruction]:
        """Return a function's instructions by insn index."""
        if index not in self.code:
            self.code[index] = {i.index: i for i in self.spec.functions[index].instructions}
        return self.code[index]


class _Function:
    """One evaluation of one function."""

    def __init__(self, run: _Run, index: int, depth: int, *, top: bool) -> None:
        self.run_ = run
        self.flow = run.flow
        self.inputs = run.inputs
        self.index = index
        self.depth = depth
        self.top = top
        self.function = run.spec.functions[index]
        self.code = run.instructions(index)
        self.references = self.function.references_by_index
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

    def _read(self, state: State, register: int, insn: int) -> Value:
        if register > FRAME_POINTER:
            return None
        value = state.regs[register]
        if value is UNSET:
            self.flow.unset.add((self.index, insn, register))
            return None
        return value

    def _alu(
        self, ins: Instruction, state: State, place: tuple[int, int], core: Patch | None
    ) -> None:
        operation = ins.opcode & 0xF0
        if ins.dst >= FRAME_POINTER:
            return
        if operation == 0xD0:
            value = self._read(state, ins.dst, ins.index)
            little = self.function.byte_order == "little"
            state.regs[ins.dst] = alu.swap(ins.opcode, ins.imm, value, little=little)
            return
        if ins.opcode & 8 and operation != 0x80:
            right = self._read(state, ins.src, ins.index)
        elif place in self.inputs.core_places:
            right = core.value & MASK64 if core else None
        else:
            right = ins.imm & MASK64
        left = None if operation == 0xB0 else self._read(state, ins.dst, ins.index)
        wide = ins.opcode & 7 == _ALU64
        state.regs[ins.dst] = alu.fold(ins.opcode, ins.off, left, right, wide=wide)

    def _load_constant(
        self, ins: Instruction, state: State, place: tuple[int, int], core: Patch | None
    ) -> None:
        if ins.opcode != _LDDW:
            # Legacy packet loads read the context in r6 and clobber as a call does.
            self._read(state, 6, ins.index)
            state.clobber_arguments()
            state.regs[0] = None
            return
        reference = self.references.get(ins.index)
        value: Value = ins.imm64
        if place in self.inputs.core_places:
            value = core.value & MASK64 if core else None
        elif reference is not None:
            value = self._address(reference, ins)
        elif ins.src == 4:
            value = self._callback(ins.index + ins.imm + 1)
        elif ins.src:
            value = None
        if ins.dst < FRAME_POINTER:
            state.regs[ins.dst] = value

    def _callback(self, insn: int) -> Value:
        """Return the function of this section that starts ``insn`` insns into this one."""
        start = self.function.section_offset + 8 * insn
        index = self.run_.find_function(self.function.section_index, start)
        return None if index is None else Pointer(Base.FUNCTION, index, 0)

    def _address(self, reference: Reference, ins: Instruction) -> Value:
        kind = reference.kind
        if kind is ReferenceKind.MAP:
            return Pointer(Base.MAP, reference.target, 0)
        if kind is ReferenceKind.MAP_VALUE:
            return Pointer(Base.MAP_VALUE, reference.target, reference.offset)
        if kind is ReferenceKind.FUNCTION:
            return Pointer(Base.FUNCTION, reference.target, reference.offset)
        if kind is ReferenceKind.KCONFIG:
            at = self.run_.find_kconfig()
            return Pointer(Base.MAP_VALUE, at, reference.offset + ins.imm) if at >= 0 else None
        if kind in (ReferenceKind.KSYM, ReferenceKind.KFUNC):
            state = self.inputs.externs.get(reference.target, ExternState.UNKNOWN)
            if state is ExternState.PRESENT:
                return Pointer(Base.KERNEL, reference.target, 0)
            return 0 if state is ExternState.ABSENT else None
        return None

    def _place(self, ins: Instruction, register: int, state: State) -> Value:
        """Return the address a load or store goes to; CO-RE may choose its offset."""
        address = self._read(state, register, ins.index)
        place = (self.index, ins.index)
        if place not in self.inputs.core_places:
            return add(address, ins.off)
        core = self.inputs.core.get(place)
        return add(address, core.value) if isinstance(core, Patch) else loosen(address)

    def _load(self, ins: Instruction, state: State) -> None:
        size = _SIZES[ins.opcode & 0x18]
        base = self._place(ins, ins.src, state)
        value: Value = None
        if isinstance(base, Pointer):
            self._note_access(ins, base, size, writes=False)
            if base.base is Base.STACK:
                value = self._load_stack(base, size, state)
            elif base.base is Base.MAP_VALUE and base.offset is not None:
                value = self.inputs.load(self.run_.spec, base.id, base.offset, size)
                if value is not None and ins.opcode & _MODE == 0x80:
                    value = alu.fold(0xBF, size * 8, 0, value, wide=True)
        if ins.dst < FRAME_POINTER:
            state.regs[ins.dst] = value

    def _load_stack(self, pointer: Pointer, size: int, state: State) -> Value:
        if pointer.id == self.depth and pointer.offset is not None:
            return state.load(pointer.offset, size)
        # Another frame, or an unknown place of this one: an address may be kept there.
        return ANY_STACK if size == 8 else None

    def _store(self, ins: Instruction, state: State) -> None:
        size = _SIZES[ins.opcode & 0x18]
        atomic = ins.opcode & 7 == _STX and ins.opcode & _MODE == _MODE_ATOMIC
        base = self._place(ins, ins.dst, state)
        value: Value = ins.imm & MASK64
        if ins.opcode & 7 == _STX:
            value = self._read(state, ins.src, ins.index)
        if isinstance(base, Pointer):
            self._note_access(ins, base, size, writes=True)
            if base.base is Base.STACK:
                self._store_stack(base, size, None if atomic else value, state)
        if atomic:
            self._atomic_result(ins, state)

    def _atomic_result(self, ins: Instruction, state: State) -> None:
        if ins.imm == 0xF1:
            state.regs[0] = None
        elif ins.imm == 0x100:
            if ins.dst < FRAME_POINTER:
                state.regs[ins.dst] = None
        elif ins.imm & 1 and ins.src < FRAME_POINTER:
            state.regs[ins.src] = None

    def _store_stack(self, pointer: Pointer, size: int, value: Value, state: State) -> None:
        if pointer.id not in (self.depth, -1):
            return
        if pointer.id == -1 or pointer.offset is None:
            state.drop_all()
        else:
            state.store(pointer.offset, size, value)

    def _note_access(self, ins: Instruction, pointer: Pointer, size: int, *, writes: bool) -> None:
        if pointer.base is Base.STACK:
            if pointer.id == self.depth and pointer.offset is not None and pointer.offset < 0:
                used = self.flow.stack.get(self.index, 0)
                self.flow.stack[self.index] = max(used, -pointer.offset)
            return
        place = (self.index, ins.index)
        known = self.flow.accesses.get(place)
        if known is not None and known.pointer != pointer:
            joined = join(known.pointer, pointer)
            if not isinstance(joined, Pointer):
                return
            pointer = joined
        self.flow.accesses[place] = Access(self.index, ins.index, pointer, size, writes)

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
            _refine(ins, branch, right, equal=ins.opcode & 0xF0 == 0x10)
            self._enter(target, branch)
        if taken:
            return False
        _refine(ins, state, right, equal=ins.opcode & 0xF0 == 0x50)
        return True

    def _call(self, ins: Instruction, state: State) -> bool:
        arguments = tuple(state.regs[1:6])
        reference = self.references.get(ins.index)
        result: Value = None
        if reference is not None and reference.kind is ReferenceKind.CALL:
            result = self._call_function(reference.target, arguments)
        elif ins.opcode == _CALL and ins.src == 0:
            self._note_call(ins, ins.imm & 0xFFFFFFFF, -1, arguments)
        elif reference is not None:
            self._note_call(ins, None, reference.target, arguments)
        self._after_call(state, arguments)
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
                self.run_.call(value.id, _UNKNOWN_ARGUMENTS, self.depth + 1)
                state.drop_all()
            elif value.base is Base.STACK:
                if value.id == self.depth and value.offset is not None:
                    state.drop(value.offset, max(value.offset, 0))
                elif value.id in (self.depth, -1):
                    state.drop_all()


def _refine(ins: Instruction, state: State, right: Value, *, equal: bool) -> None:
    """Note what taking an equality edge says about the register compared."""
    wide = ins.opcode & 7 == _JMP
    if equal and wide and isinstance(right, int) and ins.dst < FRAME_POINTER:
        state.regs[ins.dst] = right


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
