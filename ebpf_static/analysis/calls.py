"""What calls do: to registers, to the stack, to what their callees are handed."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis.events import CallSite
from ebpf_static.analysis.helpers import argument_count, gives_number, may_give_null, memory_of
from ebpf_static.analysis.operations import Operations
from ebpf_static.analysis.run import UNKNOWN_ARGUMENTS, Run
from ebpf_static.analysis.state import MAX_FRAME, State
from ebpf_static.analysis.values import SCALAR, UNSET, Base, MaybeNull, Pointer, Value, join
from ebpf_static.isa.instruction import Instruction
from ebpf_static.specs import ReferenceKind
from ebpf_static.target import Platform

_CALL = 0x85
_MAP_LOOKUP = 1
_INDEX = 4
"""Bytes of an array's index."""
_ARRAYS = frozenset({"ARRAY", "PERCPU_ARRAY"})


class Calls(Operations):
    """The calls of one function's evaluation."""

    def __init__(self, run: Run, index: int, depth: int, *, top: bool) -> None:
        super().__init__(run, index, depth, top=top)
        self.on_linux = run.spec.numbering is Platform.LINUX

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
            if reference.target in self.inputs.nullable:
                result = self._unchecked(ins.index, state)
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
        if may_give_null(helper):
            found = self._finds(helper, arguments, state)
            if found is False:
                return self._unchecked(insn, state)
            return Pointer(Base.RETURNED, insn, 0) if found else None
        return SCALAR if gives_number(helper) else None

    def _unchecked(self, insn: int, state: State) -> MaybeNull:
        result = MaybeNull(self.index, insn)
        state.replace(result, None)  # what an earlier round of a loop left
        return result

    def _finds(self, helper: int, arguments: tuple[Value, ...], state: State) -> bool | None:
        """Tell whether the verifier knows a look-up to find something; None: nobody can tell."""
        if helper != _MAP_LOOKUP:
            return False
        looked_in = arguments[0]
        if not isinstance(looked_in, Pointer) or looked_in.base is not Base.MAP:
            return None
        item = self.run_.spec.maps[looked_in.id]
        if not self.inputs.finds_elements or item.type.name not in _ARRAYS:
            return False
        key = arguments[1]
        if not isinstance(key, Pointer) or key.base is not Base.STACK or key.id != self.depth:
            return None
        index = None if key.offset is None else state.load(key.offset, _INDEX)
        if not isinstance(index, int) or key.offset is None:
            return None
        # get_constant_map_key(): of what is not at the start of a slot, the verifier knows zeroes.
        if not item.max_entries:
            return None
        return index < item.max_entries and (not index or key.offset % 8 == 0)

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
