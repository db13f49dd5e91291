"""The constants a function may return: moves into r0 that reach an exit untouched."""

from __future__ import annotations

from ebpf_static.isa import Instruction, Kind, classify
from ebpf_static.isa.queries import branch_target, falls_through, is_indirect_jump, memory_access
from ebpf_static.specs import FunctionSpec

_MASK32 = 0xFFFFFFFF


def returned_constants(function: FunctionSpec) -> dict[int, int]:
    """Return the numbers ``function`` may return, by the insn index of the move that sets them.

    A path from the move to an exit exists on which nothing else writes r0; whether values at run
    time ever take it is not asked. Numbers are 32 bits, what programs return. Empty when control
    flow cannot be followed.
    """
    instructions = function.instructions
    if any(is_indirect_jump(it) or not classify(it).known for it in instructions):
        return {}
    reaching = _reaching_exits(instructions)
    return {
        it.index: it.imm & _MASK32
        for it in instructions
        if _is_constant_move(it) and it.index + it.slots in reaching
    }


def _is_constant_move(instruction: Instruction) -> bool:
    operation = classify(instruction)
    return operation.op == "mov" and operation.source == "imm" and instruction.dst == 0


def _reaching_exits(instructions: tuple[Instruction, ...]) -> set[int]:
    """Return the insns before which the value of r0 may still be the one returned."""
    before: dict[int, list[int]] = {}
    for instruction in instructions:
        if _writes_r0(instruction):
            continue
        if falls_through(instruction):
            before.setdefault(instruction.index + instruction.slots, []).append(instruction.index)
        target = branch_target(instruction)
        if target is not None:
            before.setdefault(target, []).append(instruction.index)
    todo = [it.index for it in instructions if classify(it).kind is Kind.EXIT]
    found: set[int] = set()
    while todo:
        index = todo.pop()
        if index not in found:
            found.add(index)
            todo.extend(before.get(index, ()))
    return found


def _writes_r0(instruction: Instruction) -> bool:
    operation = classify(instruction)
    kind = operation.kind
    if kind in (Kind.CALL, Kind.LEGACY_LOAD) or operation.op == "cmpxchg":
        return True
    if kind is Kind.ATOMIC:
        access = memory_access(instruction)
        return access is not None and access.reads and access.value == 0
    if kind in (Kind.ALU, Kind.BYTE_SWAP, Kind.ADDR_SPACE_CAST, Kind.LOAD_CONSTANT, Kind.LOAD):
        return instruction.dst == 0
    return False
