"""What capstone's BPF dialect would print if it were right, worked out from the bits alone.

Written against RFC 9669 without the tables under test, so that the two can disagree. None stands
for whatever the dialect has no words for: an encoding newer than its tables, a field it never
shows, a sign it does not print.
"""

from __future__ import annotations

from ebpf_static.isa.instruction import Instruction

ALU = ("add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor", "mov", "arsh")
_OLDEST = ("jeq", "jgt", "jge", "jset", "jne", "jsgt", "jsge")
JUMPS = ("", *_OLDEST, "", "", "jlt", "jle", "jslt", "jsle")
SIZES = ("w", "h", "b", "dw")


def expected(instruction: Instruction) -> str | None:
    """Return the text, or None where the dialect cannot say what the instruction is."""
    _, opcode, dst, src, off, imm, next_imm = instruction
    by_class = (_ld, _ldx, _st, _stx, _alu, _jump, None, _alu)[opcode & 7]
    if by_class is None or max(dst, src) > 10:
        return None
    if opcode == 0x18:
        return _lddw(dst, src, off, imm, next_imm)
    return by_class(opcode, dst, src, off, imm)


def _lddw(dst: int, src: int, off: int, imm: int, next_imm: int | None) -> str | None:
    if src or off or next_imm is None or dst == 10:
        return None
    return f"lddw r{dst}, {(next_imm & 0xFFFFFFFF) << 32 | imm & 0xFFFFFFFF:#x}"


def _ld(opcode: int, dst: int, src: int, off: int, imm: int) -> str | None:
    mode, size = opcode & 0xE0, SIZES[opcode >> 3 & 3]
    if mode not in (0x20, 0x40) or size == "dw" or dst or off or imm < 0:
        return None
    if mode == 0x40:
        return f"ld{size} [r{src}{_plus(imm)}]"
    return None if src else f"ld{size} [{imm:#x}]"


def _ldx(opcode: int, dst: int, src: int, off: int, imm: int) -> str | None:
    if opcode & 0xE0 != 0x60 or imm or off < 0 or dst == 10:
        return None
    return f"ldx{SIZES[opcode >> 3 & 3]} r{dst}, [r{src}{_plus(off)}]"


def _st(opcode: int, dst: int, src: int, off: int, imm: int) -> str | None:
    size = SIZES[opcode >> 3 & 3]
    # Stores narrower than 64 bits keep the low bits only, so the unsigned form says the same.
    if opcode & 0xE0 != 0x60 or src or off < 0 or (size == "dw" and imm < 0):
        return None
    return f"st{size} [r{dst}{_plus(off)}], {imm & 0xFFFFFFFF:#x}"


def _stx(opcode: int, dst: int, src: int, off: int, imm: int) -> str | None:
    mode, size = opcode & 0xE0, SIZES[opcode >> 3 & 3]
    atomic = mode == 0xC0 and size in ("w", "dw")
    if (mode != 0x60 and not atomic) or imm or off < 0:
        return None
    return f"{'xadd' if atomic else 'stx'}{size} [r{dst}{_plus(off)}], r{src}"


def _alu(opcode: int, dst: int, src: int, off: int, imm: int) -> str | None:
    operation, register, wide = opcode >> 4, opcode & 8, opcode & 7 == 7
    if off or dst == 10 or operation > 13:
        return None
    if operation == 13:
        if wide or src or imm not in (16, 32, 64):
            return None
        return f"{'be' if register else 'le'}{imm} r{dst}"
    name = ALU[operation] + ("64" if wide else "")
    if name.startswith("neg"):
        return None if register or src or imm else f"{name} r{dst}"
    if register:
        return None if imm else f"{name} r{dst}, r{src}"
    # 32-bit arithmetic is modulo 2**32, so the unsigned form says the same.
    if src or (wide and imm < 0):
        return None
    return f"{name} r{dst}, {imm & 0xFFFFFFFF:#x}"


def _jump(opcode: int, dst: int, src: int, off: int, imm: int) -> str | None:
    operation, register = opcode >> 4, opcode & 8
    if operation in (0, 8, 9):
        return None if register or dst or src else _unconditional(operation, off, imm)
    if operation > 13 or off < 0:
        return None
    if register:
        return None if imm else f"{JUMPS[operation]} r{dst}, r{src}, +{off:#x}"
    return None if src or imm < 0 else f"{JUMPS[operation]} r{dst}, {imm:#x}, +{off:#x}"


def _unconditional(operation: int, off: int, imm: int) -> str | None:
    if operation == 0:
        return None if imm or off < 0 else f"jmp +{off:#x}"
    if off:
        return None
    if operation == 8:
        return f"call {imm & 0xFFFFFFFF:#x}"
    return None if imm else "exit"


def _plus(distance: int) -> str:
    return f"+{distance:#x}" if distance else ""
