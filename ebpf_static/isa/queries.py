"""Questions about one instruction: control flow, calls, constants and memory.

All indices are insn indices within the function, like :attr:`Instruction.index`. Of an unknown
encoding nothing is claimed: every question below answers no. Whoever follows control flow asks
:func:`~ebpf_static.isa.operations.classify` whether the instruction is known first.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ebpf_static.isa.opcodes import LDDW, REGISTERS, LddwSource
from ebpf_static.isa.operations import Kind, classify

if TYPE_CHECKING:
    from ebpf_static.isa.instruction import Instruction

_JUMPS = frozenset({Kind.JUMP, Kind.BRANCH, Kind.MAY_GOTO})
_CONDITIONAL = frozenset({Kind.BRANCH, Kind.MAY_GOTO})
_STOPS = frozenset({Kind.JUMP, Kind.EXIT, Kind.UNKNOWN})


class MemoryAccess(NamedTuple):
    """What a load, store or atomic does to memory.

    Attributes:
        base: register holding the address.
        offset: bytes added to it.
        size: bytes touched: 1, 2, 4 or 8.
        reads: memory is read.
        writes: memory is written.
        signed: the value read is sign-extended.
        atomic: an atomic operation, including load-acquire and store-release.
        value: register loaded, stored or combined; None for a store of the immediate.
    """

    base: int
    offset: int
    size: int
    reads: bool
    writes: bool
    signed: bool
    atomic: bool
    value: int | None


class CallKind(StrEnum):
    """What a call instruction calls."""

    HELPER = "call_helper"
    LOCAL = "call_local"
    KFUNC = "call_kfunc"
    REGISTER = "callx"


def is_jump(instruction: Instruction) -> bool:
    """Whether control may go elsewhere in the function (calls and exit not counted)."""
    return classify(instruction).kind in _JUMPS


def is_conditional(instruction: Instruction) -> bool:
    """Whether it is a jump that may also fall through: a comparison or ``may_goto``."""
    return classify(instruction).kind in _CONDITIONAL


def is_indirect_jump(instruction: Instruction) -> bool:
    """Whether it is ``gotox``: the target is in the destination register."""
    return classify(instruction).op == "gotox"


def is_may_goto(instruction: Instruction) -> bool:
    """Whether it is ``may_goto``, the kernel's bounded loop exit."""
    return classify(instruction).kind is Kind.MAY_GOTO


def is_exit(instruction: Instruction) -> bool:
    """Whether it returns from the function."""
    return classify(instruction).kind is Kind.EXIT


def falls_through(instruction: Instruction) -> bool:
    """Whether the next instruction may run after this one (after the callee, for a call)."""
    return classify(instruction).kind not in _STOPS


def branch_target(instruction: Instruction) -> int | None:
    """Return the insn index a direct jump may go to; None for anything else and for ``gotox``.

    The index may lie outside the function or inside an LDDW: nothing is checked here.
    """
    operation = classify(instruction)
    if operation.kind not in _JUMPS or operation.op == "gotox":
        return None
    distance = instruction.imm if operation.op == "gotol" else instruction.off
    return instruction.index + 1 + distance


def call_kind(instruction: Instruction) -> CallKind | None:
    """Return what a call calls; None when it is not a call."""
    operation = classify(instruction)
    return CallKind(operation.op) if operation.kind is Kind.CALL else None


def is_call(instruction: Instruction) -> bool:
    """Whether it is a call of any kind."""
    return classify(instruction).kind is Kind.CALL


def is_helper_call(instruction: Instruction) -> bool:
    """Whether it calls the helper whose id is the immediate."""
    return classify(instruction).op == CallKind.HELPER


def is_local_call(instruction: Instruction) -> bool:
    """Whether it calls a subprogram.

    In an object a call of an extern kfunc looks the same until its relocation is resolved.
    """
    return classify(instruction).op == CallKind.LOCAL


def is_kfunc_call(instruction: Instruction) -> bool:
    """Whether it calls the kernel function whose BTF id is the immediate."""
    return classify(instruction).op == CallKind.KFUNC


def is_callx(instruction: Instruction) -> bool:
    """Whether it calls the address in a register, which no Linux release takes."""
    return classify(instruction).op == CallKind.REGISTER


def callx_register(instruction: Instruction) -> int | None:
    """Return the register a ``callx`` calls through; None for anything else.

    LLVM up to 18 writes its number to the immediate, LLVM 19 and GCC to the destination field.
    """
    if not is_callx(instruction):
        return None
    in_immediate = instruction.dst == 0 and 0 < instruction.imm < REGISTERS
    return instruction.imm if in_immediate else instruction.dst


def local_target(instruction: Instruction) -> int | None:
    """Return the insn index a local call or function address refers to; None for anything else.

    Meaningful only where no relocation stands on the instruction: an object's own distance (often
    -1) counts from the start of the called section or symbol.
    """
    if classify(instruction).op in ("call_local", "lddw_func"):
        return instruction.index + 1 + instruction.imm
    return None


def is_lddw(instruction: Instruction) -> bool:
    """Whether the opcode is the two-slot constant load, whatever its source field says."""
    return instruction.opcode == LDDW


def is_truncated(instruction: Instruction) -> bool:
    """Whether it is an LDDW whose second slot is missing."""
    return instruction.opcode == LDDW and instruction.next_imm is None


def lddw_source(instruction: Instruction) -> LddwSource | None:
    """Return what an LDDW's immediate stands for; None for others and for unknown sources."""
    if classify(instruction).kind is not Kind.LOAD_CONSTANT:
        return None
    return LddwSource(instruction.src)


def is_legacy_load(instruction: Instruction) -> bool:
    """Whether it is a classic packet load (``ld_abs``, ``ld_ind``)."""
    return classify(instruction).kind is Kind.LEGACY_LOAD


def is_byte_swap(instruction: Instruction) -> bool:
    """Whether it is ``le``, ``be`` or ``bswap``."""
    return classify(instruction).kind is Kind.BYTE_SWAP


def is_sign_extending_move(instruction: Instruction) -> bool:
    """Whether it is a register move that sign-extends 8, 16 or 32 bits."""
    return classify(instruction).op == "movsx"


def is_signed_division(instruction: Instruction) -> bool:
    """Whether it is a signed division or remainder."""
    return classify(instruction).op in ("sdiv", "smod")


def is_addr_space_cast(instruction: Instruction) -> bool:
    """Whether it converts a pointer between the arena's and the kernel's address space."""
    return classify(instruction).kind is Kind.ADDR_SPACE_CAST


def memory_access(instruction: Instruction) -> MemoryAccess | None:
    """Return what a load, store or atomic does to memory; None for anything else.

    Classic packet loads have no base register and are not counted: see :func:`is_legacy_load`.
    """
    operation = classify(instruction)
    kind, op = operation.kind, operation.op
    if kind not in (Kind.LOAD, Kind.STORE, Kind.ATOMIC) or operation.size is None:
        return None
    # A load keeps its address in the source field, everything that writes in the destination.
    loads_only = kind is Kind.LOAD or op == "load_acquire"
    stores_only = kind is Kind.STORE or op == "store_release"
    base, value = instruction.dst, instruction.src
    if loads_only:
        base, value = value, base
    return MemoryAccess(
        base=base,
        offset=instruction.off,
        size=operation.size,
        reads=not stores_only,
        writes=not loads_only,
        signed=operation.signed,
        atomic=kind is Kind.ATOMIC,
        value=None if op == "st" else value,
    )
