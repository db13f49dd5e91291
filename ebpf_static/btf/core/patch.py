"""Writing a result into its instruction.

Source: libbpf's src/relo_core.c, ``bpf_core_patch_insn``. Instructions are bytes here, in the
object's byte order, because this layer lies below the decoder.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from ebpf_static.btf.core.result import CoreResult
from ebpf_static.btf.header import ByteOrder

POISON_IMM: Final = 0xBAD2310
"""Helper number of the invalid call that replaces what cannot be relocated ("bad relo")."""

INSN_BYTES: Final = 8
_LD, _LDX, _ST, _STX, _ALU, _ALU64 = 0, 1, 2, 3, 4, 7
_SRC_REGISTER = 0x08
_LDDW = 0x18
_CALL = 0x85
_SIZES = {0x18: 8, 0x00: 4, 0x08: 2, 0x10: 1}
_SIZE_BITS = {size: bits for bits, size in _SIZES.items()}
_MODE_MASK, _SIZE_MASK, _CLASS_MASK = 0xE0, 0x18, 0x07
_MAX_OFFSET = 0x7FFF


class Patch(NamedTuple):
    """An instruction after relocation.

    Attributes:
        insns: its 8 bytes, or 16 for a 64-bit load; unchanged when ``error``.
        poisoned: whether it was made invalid: the verifier refuses it when it is reachable.
        error: why libbpf refuses the object, or None.
    """

    insns: bytes
    poisoned: bool = False
    error: str | None = None


def patch_insn(insns: bytes, result: CoreResult, byte_order: ByteOrder) -> Patch:
    """Return the instruction with ``result`` written into it.

    Args:
        insns: the section's bytes from the instruction on, 8 at least.
        result: what its relocation comes to.
        byte_order: the object's.
    """
    slots = 2 if insns[:1] == bytes([_LDDW]) else 1
    insns = insns[: slots * INSN_BYTES]
    if result.error is not None:
        return Patch(insns, error=result.error)
    if len(insns) < slots * INSN_BYTES:
        return Patch(insns, error="instruction cut off")
    if result.poison:
        return _poisoned(slots, byte_order)
    prefix = "<" if byte_order == "little" else ">"
    kind = insns[0] & _CLASS_MASK
    if kind in (_ALU, _ALU64):
        return _patch_imm(insns, result, prefix)
    if kind in (_LDX, _ST, _STX):
        return _patch_memory(insns, result, prefix, byte_order)
    if kind == _LD:
        return _patch_imm64(insns, result, prefix, byte_order)
    return Patch(insns, error=f"instruction with opcode {insns[0]:#04x} cannot be relocated")


def _patch_imm(insns: bytes, result: CoreResult, prefix: str) -> Patch:
    opcode, registers, offset, imm = struct.unpack(prefix + "BBhi", insns)
    if opcode & _SRC_REGISTER:
        return Patch(insns, error="instruction has no immediate to relocate")
    if result.validate and imm != _signed(result.original, 64):
        return _unexpected(insns, imm, result)
    value = _signed(result.value, 32)
    return Patch(struct.pack(prefix + "BBhi", opcode, registers, offset, value))


def _patch_memory(insns: bytes, result: CoreResult, prefix: str, order: ByteOrder) -> Patch:
    opcode, registers, offset, imm = struct.unpack(prefix + "BBhi", insns)
    if result.validate and offset != _signed(result.original, 64):
        return _unexpected(insns, offset, result)
    if result.value > _MAX_OFFSET:
        return Patch(insns, error=f"offset {result.value} does not fit in 15 bits")
    if result.refuse_resize:
        return _poisoned(1, order)
    if result.size != result.original_size:
        width = _SIZES[opcode & _SIZE_MASK]
        if width != result.original_size:
            what = f"instruction accesses {width} bytes of a field of {result.original_size}"
            return Patch(insns, error=what)
        if result.size not in _SIZE_BITS:
            return Patch(insns, error=f"no instruction accesses {result.size} bytes")
        opcode = opcode & (_MODE_MASK | _CLASS_MASK) | _SIZE_BITS[result.size]
    return Patch(struct.pack(prefix + "BBhi", opcode, registers, result.value, imm))


def _patch_imm64(insns: bytes, result: CoreResult, prefix: str, order: ByteOrder) -> Patch:
    if insns[0] != _LDDW:
        return Patch(insns, error=f"instruction with opcode {insns[0]:#04x} cannot be relocated")
    first = struct.unpack_from(prefix + "BBhI", insns)
    second = struct.unpack_from(prefix + "BBhI", insns, INSN_BYTES)
    source = first[1] >> 4 if order == "little" else first[1] & 0xF
    if source or first[2] or any(second[:3]):
        return Patch(insns, error="64-bit load has an unexpected form")
    imm = first[3] | second[3] << 32
    if result.validate and imm != result.original:
        return _unexpected(insns, imm, result)
    low, high = result.value & 0xFFFFFFFF, result.value >> 32
    one = struct.pack(prefix + "BBhI", *first[:3], low)
    return Patch(one + struct.pack(prefix + "BBhI", *second[:3], high))


def _poisoned(slots: int, order: ByteOrder) -> Patch:
    prefix = "<" if order == "little" else ">"
    return Patch(struct.pack(prefix + "BBhi", _CALL, 0, 0, POISON_IMM) * slots, poisoned=True)


def _unexpected(insns: bytes, got: int, result: CoreResult) -> Patch:
    what = f"instruction holds {got}, expected {result.original} (to become {result.value})"
    return Patch(insns, error=what)


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
