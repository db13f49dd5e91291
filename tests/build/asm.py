"""Encode instructions by name, in either byte order: RFC 9669 and the kernel's pseudo sources.

``LE.mov(R0, 2) + LE.exit()`` is a program; ``BE`` writes the same for a big-endian object. A
:class:`Reg` operand selects the register form of an instruction, a plain int the immediate form.
Nothing here checks that an encoding makes sense: tests need the senseless ones too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal


class Reg(int):
    """A register number."""

    __slots__ = ()


R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = (Reg(number) for number in range(11))

# Instruction classes, sources and modes (RFC 9669 sections 3.1, 4.1 and 5.1).
LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 = range(8)
K, X = 0x00, 0x08
IMM, ABS, IND, MEM, MEMSX, ATOMIC = 0x00, 0x20, 0x40, 0x60, 0x80, 0xC0
SIZES = {32: 0x00, 16: 0x08, 8: 0x10, 64: 0x18}

ALU_OPS = {
    name: number << 4
    for number, name in enumerate(
        "add sub mul div or and lsh rsh neg mod xor mov arsh end".split()  # noqa: SIM905
    )
}
JMP_OPS = {
    name: number << 4
    for number, name in enumerate(
        "ja jeq jgt jge jset jne jsgt jsge call exit jlt jle jslt jsle jcond".split()  # noqa: SIM905
    )
}

# Immediates of atomic operations (RFC 9669 section 5.3; load-acquire and store-release: Linux
# include/uapi/linux/bpf.h).
ATOMIC_ADD, ATOMIC_OR, ATOMIC_AND, ATOMIC_XOR = 0x00, 0x40, 0x50, 0xA0
ATOMIC_FETCH = 0x01
ATOMIC_XCHG, ATOMIC_CMPXCHG = 0xE1, 0xF1
ATOMIC_LOAD_ACQ, ATOMIC_STORE_REL = 0x100, 0x110

# Source register fields of LDDW and CALL (Linux include/uapi/linux/bpf.h, BPF_PSEUDO_*).
PSEUDO_MAP_FD, PSEUDO_MAP_VALUE, PSEUDO_BTF_ID, PSEUDO_FUNC = 1, 2, 3, 4
PSEUDO_MAP_IDX, PSEUDO_MAP_IDX_VALUE = 5, 6
PSEUDO_CALL, PSEUDO_KFUNC_CALL = 1, 2


@dataclass(frozen=True)
class Assembler:
    """Encodes instructions for one byte order; every method returns 8 bytes, LDDW 16."""

    byte_order: Literal["little", "big"]

    def insn(self, opcode: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> bytes:
        """Encode one slot from its fields; ``off`` and ``imm`` may be signed or unsigned."""
        little = self.byte_order == "little"
        registers = src << 4 | dst if little else dst << 4 | src
        layout = "<BBHI" if little else ">BBHI"
        return struct.pack(layout, opcode, registers, off & 0xFFFF, imm & 0xFFFFFFFF)

    # -- arithmetic ------------------------------------------------------------------------------

    def alu(self, op: str, dst: Reg, src: Reg | int, *, bits: int = 64, off: int = 0) -> bytes:
        """Encode ``dst op= src``; ``off=1`` makes ``div`` and ``mod`` signed."""
        opcode = ALU_OPS[op] | (ALU64 if bits == 64 else ALU)
        if isinstance(src, Reg):
            return self.insn(opcode | X, dst, src, off)
        return self.insn(opcode | K, dst, 0, off, src)

    def mov(self, dst: Reg, src: Reg | int, *, bits: int = 64) -> bytes:
        """Encode ``dst = src``."""
        return self.alu("mov", dst, src, bits=bits)

    def movsx(self, dst: Reg, src: Reg, from_bits: int, *, bits: int = 64) -> bytes:
        """Encode ``dst = (s8|s16|s32)src``."""
        return self.alu("mov", dst, src, bits=bits, off=from_bits)

    def neg(self, dst: Reg, *, bits: int = 64) -> bytes:
        """Encode ``dst = -dst``."""
        return self.alu("neg", dst, 0, bits=bits)

    def endian(self, kind: Literal["le", "be", "bswap"], dst: Reg, bits: int) -> bytes:
        """Encode a conversion of the lower ``bits`` of ``dst``."""
        opcodes = {"le": ALU | K, "be": ALU | X, "bswap": ALU64 | K}
        return self.insn(ALU_OPS["end"] | opcodes[kind], dst, imm=bits)

    def addr_space_cast(self, dst: Reg, src: Reg, to_as: int, from_as: int) -> bytes:
        """Encode a cast of ``src`` between address spaces into ``dst`` (Linux 6.9)."""
        return self.insn(ALU_OPS["mov"] | X | ALU64, dst, src, 1, to_as << 16 | from_as)

    # -- memory ----------------------------------------------------------------------------------

    def ldx(self, bits: int, dst: Reg, src: Reg, off: int = 0, *, signed: bool = False) -> bytes:
        """Encode ``dst = *(uN *)(src + off)``."""
        return self.insn((MEMSX if signed else MEM) | SIZES[bits] | LDX, dst, src, off)

    def stx(self, bits: int, dst: Reg, off: int, src: Reg) -> bytes:
        """Encode ``*(uN *)(dst + off) = src``."""
        return self.insn(MEM | SIZES[bits] | STX, dst, src, off)

    def st(self, bits: int, dst: Reg, off: int, imm: int) -> bytes:
        """Encode ``*(uN *)(dst + off) = imm``."""
        return self.insn(MEM | SIZES[bits] | ST, dst, 0, off, imm)

    def atomic(self, bits: int, dst: Reg, off: int, src: Reg, operation: int) -> bytes:
        """Encode an atomic operation, one of the ``ATOMIC_*`` numbers."""
        return self.insn(ATOMIC | SIZES[bits] | STX, dst, src, off, operation)

    def ld_abs(self, bits: int, imm: int) -> bytes:
        """Encode the legacy packet load ``r0 = skb[imm]``."""
        return self.insn(ABS | SIZES[bits] | LD, imm=imm)

    def ld_ind(self, bits: int, src: Reg, imm: int) -> bytes:
        """Encode the legacy packet load ``r0 = skb[src + imm]``."""
        return self.insn(IND | SIZES[bits] | LD, 0, src, imm=imm)

    def lddw(self, dst: Reg, value: int, pseudo: int = 0) -> bytes:
        """Encode a 64-bit load (16 bytes); ``pseudo`` is the source register field."""
        first = self.insn(IMM | SIZES[64] | LD, dst, pseudo, imm=value)
        return first + self.insn(0, imm=value >> 32)

    # -- control flow ----------------------------------------------------------------------------

    def jump(self, op: str, dst: Reg, src: Reg | int, off: int, *, bits: int = 64) -> bytes:
        """Encode ``if dst op src goto +off``, counted in insns behind this one."""
        opcode = JMP_OPS[op] | (JMP if bits == 64 else JMP32)
        if isinstance(src, Reg):
            return self.insn(opcode | X, dst, src, off)
        return self.insn(opcode | K, dst, 0, off, src)

    def ja(self, off: int) -> bytes:
        """Encode ``goto +off``."""
        return self.insn(JMP_OPS["ja"] | JMP, off=off)

    def gotol(self, off: int) -> bytes:
        """Encode ``gotol +off``: the 32-bit offset is in the immediate."""
        return self.insn(JMP_OPS["ja"] | JMP32, imm=off)

    def gotox(self, dst: Reg) -> bytes:
        """Encode ``gotox dst``: jump through a register."""
        return self.insn(JMP_OPS["ja"] | X | JMP, dst)

    def may_goto(self, off: int) -> bytes:
        """Encode ``may_goto +off`` (Linux 6.9)."""
        return self.insn(JMP_OPS["jcond"] | JMP, off=off)

    def call(self, helper: int) -> bytes:
        """Encode a helper call by number."""
        return self.insn(JMP_OPS["call"] | JMP, imm=helper)

    def call_local(self, off: int = -1) -> bytes:
        """Encode a call of a function ``off`` insns behind the next; -1 awaits a relocation."""
        return self.insn(JMP_OPS["call"] | JMP, 0, PSEUDO_CALL, imm=off)

    def call_kfunc(self, btf_id: int = 0, btf_fd: int = 0) -> bytes:
        """Encode a kernel function call."""
        return self.insn(JMP_OPS["call"] | JMP, 0, PSEUDO_KFUNC_CALL, btf_fd, btf_id)

    def callx(self, target: Reg) -> bytes:
        """Encode a call through a register, as current LLVM writes it (dst field)."""
        return self.insn(JMP_OPS["call"] | X | JMP, target)

    def exit(self) -> bytes:
        """Encode ``exit``."""
        return self.insn(JMP_OPS["exit"] | JMP)


LE = Assembler("little")
BE = Assembler("big")
