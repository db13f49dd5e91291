"""Numbers a program certainly returns when an instruction runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ebpf_static.analysis import Flow
from ebpf_static.isa import Instruction, Kind, classify
from ebpf_static.isa.queries import falls_through
from ebpf_static.specs import ProgramSpec

_MOVES = {0xB4: 0xFFFFFFFF, 0xB7: (1 << 64) - 1}
"""Moves of a constant, 32 and 64 bits wide, and the bits they leave."""
_MAX_JUMPS = 64
_JUMP, _JUMP32 = 0x05, 0x06


def returned_numbers(program: ProgramSpec, flow: Flow) -> Iterator[tuple[int, int]]:
    """Yield the insn index and the unsigned 64-bit value of each number returned.

    Args:
        program: the program; what its subprograms return is another matter.
        flow: what may happen when it runs.
    """
    for insn, value in flow.returns.items():
        if isinstance(value, int):
            yield insn, value
    moves = [it for it in program.instructions if it.opcode in _MOVES and it.dst == 0]
    code = {it.index: it for it in program.instructions} if moves else {}
    index = next(iter(flow.reached), None)  # the program itself: evaluation begins there
    for move in moves:
        known = index is None or flow.is_reached(index, move.index)
        if known and not move.off and _leads_to_exit(code, move):
            yield move.index, move.imm & _MOVES[move.opcode]


def _leads_to_exit(code: Mapping[int, Instruction], start: Instruction) -> bool:
    """Tell whether nothing but jumps and an exit follow an instruction."""
    at = start.index + start.slots
    for _ in range(_MAX_JUMPS):
        instruction = code.get(at)
        if instruction is None:
            return False
        if classify(instruction).kind is Kind.EXIT:
            return True
        if instruction.opcode == _JUMP:
            at += 1 + instruction.off
        elif instruction.opcode == _JUMP32:
            at += 1 + instruction.imm
        elif falls_through(instruction) and _is_harmless(instruction):
            at += instruction.slots
        else:
            return False
    return False


def _is_harmless(instruction: Instruction) -> bool:
    """Tell whether an instruction neither branches nor writes r0."""
    operation = classify(instruction)
    return operation.kind is Kind.ALU and instruction.dst != 0
