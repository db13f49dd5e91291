"""What single instructions do to registers and memory: arithmetic, constants, loads and stores."""

from __future__ import annotations

from typing import Final

from ebpf_static.analysis import alu
from ebpf_static.analysis.events import Access
from ebpf_static.analysis.inputs import ExternState, Patch
from ebpf_static.analysis.run import Run
from ebpf_static.analysis.state import FRAME_POINTER, State
from ebpf_static.analysis.values import (
    ANY_STACK,
    MASK64,
    SCALAR,
    UNSET,
    Asked,
    Base,
    MaybeNull,
    Pointer,
    Value,
    add,
    is_number,
    join,
    loosen,
)
from ebpf_static.isa.instruction import Instruction
from ebpf_static.specs import Reference, ReferenceKind

_STX, _ALU64 = 3, 7
_LDDW = 0x18
_ADD = 0x00
_MODE, _MODE_SIGNED, _MODE_ATOMIC = 0xE0, 0x80, 0xC0
_SIZES: Final = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}


class Operations:
    """The straight-line half of evaluating one function."""

    def __init__(self, run: Run, index: int, depth: int, *, top: bool) -> None:
        self.run_ = run
        self.flow = run.flow
        self.inputs = run.inputs
        self.index = index
        self.depth = depth
        self.top = top
        self.function = run.spec.functions[index]
        self.code = run.instructions(index)
        self.references = self.function.references_by_index

    def _read(self, state: State, register: int, insn: int) -> Value:
        if register > FRAME_POINTER:
            return None
        value = state.regs[register]
        if value is UNSET:
            self.flow.unset.add((self.index, insn, register))
            return None
        if self.flow.unset:  # states only widen: what set it once is met again in each round
            self.flow.unset.discard((self.index, insn, register))
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
        if operation == _ADD and wide and isinstance(left, MaybeNull) and right != 0:
            self._note_base(ins, ins.dst, left, state)
        state.regs[ins.dst] = alu.fold(ins.opcode, ins.off, left, right, wide=wide)

    def _load_constant(
        self, ins: Instruction, state: State, place: tuple[int, int], core: Patch | None
    ) -> None:
        if ins.opcode != _LDDW:
            # Legacy packet loads read the context in r6 and clobber as a call does.
            self._read(state, 6, ins.index)
            state.clobber_arguments()
            state.regs[0] = SCALAR
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
        if isinstance(address, MaybeNull):
            return address
        if place not in self.inputs.core_places:
            return add(address, ins.off)
        core = self.inputs.core.get(place)
        return add(address, core.value) if isinstance(core, Patch) else loosen(address)

    def _load(self, ins: Instruction, state: State) -> None:
        size = _SIZES[ins.opcode & 0x18]
        base = self._place(ins, ins.src, state)
        value: Value = SCALAR if ins.opcode & _MODE == _MODE_SIGNED else None
        self._note_base(ins, ins.src, base, state)
        if isinstance(base, Pointer):
            self._note_access(ins, base, size, writes=False)
            if base.base is Base.STACK:
                value = self._load_stack(base, size, state)
            elif base.base is Base.CONTEXT and self.run_.plain_context:
                value = SCALAR
            elif base.base is Base.MAP_VALUE and base.offset is not None:
                value = self.inputs.load(self.run_.spec, base.id, base.offset, size)
                if value is not None and ins.opcode & _MODE == _MODE_SIGNED:
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
        self._note_base(ins, ins.dst, base, state)
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

    def _note_base(self, ins: Instruction, register: int, base: Value, state: State) -> None:
        """Remember accesses through what is no address each time they run."""
        place = (self.index, ins.index)
        flow = self.flow
        if isinstance(base, MaybeNull):
            if place not in flow.through_addresses:
                flow.through_unchecked[place] = (register, base)
        elif not is_number(base) or isinstance(state.regs[register], Asked):
            flow.through_addresses.add(place)
            flow.through_numbers.pop(place, None)
            flow.through_unchecked.pop(place, None)
        elif place not in flow.through_addresses:
            flow.through_numbers[place] = register

    def _note_access(self, ins: Instruction, pointer: Pointer, size: int, *, writes: bool) -> None:
        if pointer.base is Base.RETURNED:
            return
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
