"""Arithmetic on values: constants are folded as the machine does, pointers keep their origin.

Source: RFC 9669 section 4.1; division by zero gives 0, remainder by zero the dividend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ebpf_static.analysis.values import (
    MASK32,
    MASK64,
    SCALAR,
    Base,
    Pointer,
    Value,
    add,
    is_number,
    loosen,
    signed,
)

_ADD, _SUB, _MUL, _DIV, _OR, _AND = 0x00, 0x10, 0x20, 0x30, 0x40, 0x50
_LSH, _RSH, _NEG, _MOD, _XOR, _MOV, _ARSH, _END = 0x60, 0x70, 0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0


def _div(a: int, b: int, bits: int, *, is_signed: bool) -> int:
    if b == 0:
        return 0
    if not is_signed:
        return a // b
    left, right = signed(a, bits), signed(b, bits)
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _mod(a: int, b: int, bits: int, *, is_signed: bool) -> int:
    if b == 0:
        return a
    if not is_signed:
        return a % b
    left, right = signed(a, bits), signed(b, bits)
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


_FOLD: Final[dict[int, Callable[[int, int, int], int]]] = {
    _ADD: lambda a, b, _: a + b,
    _SUB: lambda a, b, _: a - b,
    _MUL: lambda a, b, _: a * b,
    _OR: lambda a, b, _: a | b,
    _AND: lambda a, b, _: a & b,
    _XOR: lambda a, b, _: a ^ b,
    _LSH: lambda a, b, bits: a << (b & (bits - 1)),
    _RSH: lambda a, b, bits: a >> (b & (bits - 1)),
    _ARSH: lambda a, b, bits: signed(a, bits) >> (b & (bits - 1)),
}


def fold(opcode: int, off: int, left: Value, right: Value, *, wide: bool) -> Value:
    """Return the result of an ALU instruction other than a byte swap.

    Args:
        opcode: its opcode byte.
        off: its offset field, which makes a division signed or a move sign-extending.
        left: value of the destination register.
        right: value of the second operand.
        wide: 64-bit operation; otherwise both operands are cut and the result zero-extended.
    """
    operation = opcode & 0xF0
    if operation == _MOV:
        return _move(right, off, wide=wide)
    if operation == _NEG:
        if not isinstance(left, int):
            return SCALAR
        return -left & (MASK64 if wide else MASK32)
    if wide and operation in (_ADD, _SUB):
        pointer = _pointer_arithmetic(operation, left, right)
        if pointer is not None:
            return pointer
    if operation in (_AND, _MUL) and 0 in (left, right) and not _any_pointer(left, right):
        return 0
    if not isinstance(left, int) or not isinstance(right, int):
        # But for these the verifier takes no operation on addresses, and makes numbers of halves.
        if not wide or operation not in (_ADD, _SUB, _AND):
            return SCALAR
        return SCALAR if is_number(left) and is_number(right) else loosen(left)
    mask, bits = (MASK64, 64) if wide else (MASK32, 32)
    left, right = left & mask, right & mask
    if operation == _DIV:
        return _div(left, right, bits, is_signed=off == 1) & mask
    if operation == _MOD:
        return _mod(left, right, bits, is_signed=off == 1) & mask
    return _FOLD[operation](left, right, bits) & mask if operation in _FOLD else None


def _any_pointer(*values: Value) -> bool:
    return any(isinstance(value, Pointer) for value in values)


def _move(value: Value, off: int, *, wide: bool) -> Value:
    if off in (8, 16, 32):
        if not isinstance(value, int):
            return SCALAR
        extended = signed(value & ((1 << off) - 1), off)
        return extended & (MASK64 if wide else MASK32)
    if wide:
        return value if off == 0 else None  # else a cast between address spaces
    return value & MASK32 if isinstance(value, int) else SCALAR


def _pointer_arithmetic(operation: int, left: Value, right: Value) -> Value:
    if isinstance(left, Pointer):
        if isinstance(right, int):
            return add(left, right if operation == _ADD else -right)
        if isinstance(right, Pointer):
            return _distance(operation, left, right)
        return loosen(left)
    if isinstance(right, Pointer) and operation == _ADD:
        return add(right, left) if isinstance(left, int) else loosen(right)
    return None


def _distance(operation: int, left: Pointer, right: Pointer) -> Value:
    same = left[:2] == right[:2] and left.offset is not None and right.offset is not None
    if operation == _SUB and same and left.id != -1:
        return ((left.offset or 0) - (right.offset or 0)) & MASK64
    stack = Base.STACK in (left.base, right.base)
    return Pointer(Base.STACK, -1, None) if stack else None


def swap(opcode: int, imm: int, value: Value, *, little: bool) -> Value:
    """Return the result of a byte swap of the low ``imm`` bits on a machine of that byte order."""
    if not isinstance(value, int) or imm not in (16, 32, 64):
        return SCALAR
    value &= (1 << imm) - 1
    unconditional = opcode & 0x07 == 0x07
    to_big = bool(opcode & 0x08)
    if unconditional or to_big == little:
        return int.from_bytes(value.to_bytes(imm // 8, "little"), "big")
    return value


_UNSIGNED: Final[dict[int, Callable[[int, int], bool]]] = {
    0x10: lambda a, b: a == b,
    0x20: lambda a, b: a > b,
    0x30: lambda a, b: a >= b,
    0x40: lambda a, b: bool(a & b),
    0x50: lambda a, b: a != b,
    0xA0: lambda a, b: a < b,
    0xB0: lambda a, b: a <= b,
}
_SIGNED: Final[dict[int, Callable[[int, int], bool]]] = {
    0x60: lambda a, b: a > b,
    0x70: lambda a, b: a >= b,
    0xC0: lambda a, b: a < b,
    0xD0: lambda a, b: a <= b,
}
_JEQ, _JNE = 0x10, 0x50


def is_taken(opcode: int, left: Value, right: Value) -> bool | None:
    """Return whether a conditional jump is taken; None when the values do not say."""
    operation = opcode & 0xF0
    narrow = opcode & 0x07 == 0x06
    if isinstance(left, int) and isinstance(right, int):
        bits = 32 if narrow else 64
        mask = (1 << bits) - 1
        left, right = left & mask, right & mask
        if operation in _UNSIGNED:
            return _UNSIGNED[operation](left, right)
        if operation in _SIGNED:
            return _SIGNED[operation](signed(left, bits), signed(right, bits))
        return None
    if narrow or operation not in (_JEQ, _JNE):
        return None
    pointer, other = (left, right) if isinstance(left, Pointer) else (right, left)
    if isinstance(pointer, Pointer) and other == 0 and pointer != Pointer(Base.STACK, -1, None):
        # An address the loader put there, of the context or of the stack is never null.
        return operation == _JNE
    return None
