"""Bytes to instructions and back, exactly, for both byte orders.

Layout (RFC 9669 section 3): opcode byte, register byte, 16-bit offset, 32-bit immediate. A
little-endian object keeps the destination in the low half of the register byte, a big-endian one
in the high half, because the kernel header declares the two as C bit-fields.

Nothing is dropped or judged here: an unassigned opcode is decoded like any other.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Literal

from ebpf_static.errors import FormatError, LimitError, UsageError
from ebpf_static.isa.instruction import Instruction
from ebpf_static.isa.opcodes import LDDW
from ebpf_static.limits import MAX_INSNS

if TYPE_CHECKING:
    from collections.abc import Iterable

ByteOrder = Literal["little", "big"]

INSN_BYTES = 8
"""Size of one insn (slot)."""

_SLOT = {"little": struct.Struct("<BBhi"), "big": struct.Struct(">BBhi")}
_LOW_NIBBLE = tuple(byte & 15 for byte in range(256))
_HIGH_NIBBLE = tuple(byte >> 4 for byte in range(256))
_DST = {"little": _LOW_NIBBLE, "big": _HIGH_NIBBLE}
_SRC = {"little": _HIGH_NIBBLE, "big": _LOW_NIBBLE}


def decode(
    code: bytes | bytearray | memoryview,
    byte_order: ByteOrder,
    *,
    where: str | None = None,
    offset: int | None = None,
) -> tuple[Instruction, ...]:
    """Return every instruction of ``code``, the first at insn index 0.

    The slot after an LDDW is always taken as its second half; :func:`malformed_second_slots`
    tells where that half holds more than an immediate. An LDDW in the last slot has
    ``next_imm`` None.

    Args:
        code: whole function or section, 8 bytes an insn.
        byte_order: byte order of the object.
        where: section or symbol, for the error only.
        offset: byte offset of ``code`` in the file, for the error only.

    Raises:
        FormatError: the length is not a multiple of 8.
        LimitError: more insns than ``MAX_INSNS``.
    """
    _check_length(len(code), where, offset)
    dst_of, src_of = _DST[byte_order], _SRC[byte_order]
    new, record = tuple.__new__, Instruction
    slots = _SLOT[byte_order].iter_unpack(code)
    instructions: list[Instruction] = []
    append = instructions.append
    index = 0
    for opcode, registers, off, imm in slots:
        dst, src = dst_of[registers], src_of[registers]
        if opcode != LDDW:
            append(new(record, (index, opcode, dst, src, off, imm, None)))
            index += 1
            continue
        second = next(slots, None)
        next_imm = None if second is None else second[3]
        append(new(record, (index, opcode, dst, src, off, imm, next_imm)))
        index += 2
    return tuple(instructions)


def malformed_second_slots(
    code: bytes | bytearray | memoryview, byte_order: ByteOrder
) -> tuple[int, ...]:
    """Return the insn indices of LDDW second slots whose opcode, registers or offset are not 0.

    The kernel refuses such code ("invalid bpf_ld_imm64 insn"), and a jump into the slot would run
    it as an instruction of its own. The index is that of the second slot.

    Raises:
        FormatError: the length is not a multiple of 8.
    """
    _check_length(len(code), None, None)
    slots = _SLOT[byte_order].iter_unpack(code)
    found: list[int] = []
    index = 0
    for opcode, *_ in slots:
        index += 1
        if opcode == LDDW:
            second = next(slots, None)
            if second is not None and any(second[:3]):
                found.append(index)
            index += 1
    return tuple(found)


def encode(instructions: Iterable[Instruction], byte_order: ByteOrder) -> bytes:
    """Return the bytes of ``instructions`` in order; their ``index`` plays no part.

    Second slots are written with everything but the immediate zero, so this undoes
    :func:`decode` exactly where :func:`malformed_second_slots` finds nothing.

    Raises:
        UsageError: a field does not fit its bits, or ``next_imm`` stands on a one-slot opcode.
    """
    pack = _SLOT[byte_order].pack
    little = byte_order == "little"
    parts: list[bytes] = []
    for opcode, dst, src, off, imm, next_imm in (fields[1:] for fields in instructions):
        if not (0 <= dst <= 15 and 0 <= src <= 15):
            raise UsageError(f"register fields {dst} and {src} must be 0 to 15")
        if next_imm is not None and opcode != LDDW:
            raise UsageError(f"opcode {opcode:#04x} has one slot and takes no next_imm")
        registers = src << 4 | dst if little else dst << 4 | src
        try:
            parts.append(pack(opcode, registers, off, imm))
            if next_imm is not None:
                parts.append(pack(0, 0, 0, next_imm))
        except struct.error as error:
            raise UsageError(f"insn {len(parts)} does not fit its fields: {error}") from None
    return b"".join(parts)


def _check_length(length: int, where: str | None, offset: int | None) -> None:
    if length % INSN_BYTES:
        what = f"code is {length} bytes long, which is not a multiple of {INSN_BYTES}"
        raise FormatError(what, where=where, offset=offset)
    if length // INSN_BYTES > MAX_INSNS:
        what = f"code has {length // INSN_BYTES} insns, more than {MAX_INSNS}"
        raise LimitError(what, where=where, offset=offset)
