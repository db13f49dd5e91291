"""What comparisons say about what is compared, on either way."""

from __future__ import annotations

from ebpf_static.analysis.state import FRAME_POINTER, State
from ebpf_static.analysis.values import Asked, Base, MaybeNull, Pointer, Value, is_number
from ebpf_static.isa.instruction import Instruction

_JMP = 5
_JEQ, _JGT, _JGE, _JNE, _JLT, _JLE = 0x10, 0x20, 0x30, 0x50, 0xA0, 0xB0
_REGISTER = 8
_ZERO_IF_TAKEN = ((_JLE, 0), (_JLT, 1))
_ZERO_IF_NOT = ((_JGT, 0), (_JGE, 1))


def tell_apart(
    ins: Instruction, compared: tuple[Value, Value], branch: State, state: State
) -> None:
    """Note on both ways of a comparison what it says of helpers' results and their copies.

    Args:
        ins: the comparison.
        compared: its operands.
        branch: the state where it is taken.
        state: the state where it is not.
    """
    if ins.opcode & 7 != _JMP:
        return
    operation = ins.opcode & 0xF0
    asked = compared[1] == 0 and not ins.opcode & _REGISTER
    for value in compared:
        if isinstance(value, MaybeNull):
            address = Pointer(Base.RETURNED, value.insn, 0)
            # Of the way on which it is NULL, the register compared is told by refine().
            branch.replace(value, address if asked and operation == _JNE else None)
            state.replace(value, address if asked and operation == _JEQ else None)


def refine(ins: Instruction, state: State, right: Value, *, taken: bool) -> None:
    """Note what an edge that leaves one value only says about the register compared."""
    if ins.opcode & 7 != _JMP or not isinstance(right, int) or ins.dst >= FRAME_POINTER:
        return
    operation = ins.opcode & 0xF0
    if operation == (_JEQ if taken else _JNE):
        state.regs[ins.dst] = right if is_number(state.regs[ins.dst]) else Asked(right)
    elif (operation, right) in (_ZERO_IF_TAKEN if taken else _ZERO_IF_NOT):
        state.regs[ins.dst] = 0 if is_number(state.regs[ins.dst]) else Asked(0)
