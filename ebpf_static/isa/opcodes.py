"""Names of the bits of an opcode and of the values that choose between meanings.

Sources: RFC 9669 sections 3 to 5; ``include/uapi/linux/bpf.h`` and ``bpf_common.h`` for the
spelling. Members drop the ``BPF_`` prefix; ``.uapi`` gives it back.

An opcode byte holds a class (3 low bits). Arithmetic and jump classes add one source bit and a
4-bit operation; load and store classes add a 2-bit size and a 3-bit mode.
"""

from __future__ import annotations

from enum import IntEnum

CLASS_MASK = 0x07
SOURCE_MASK = 0x08
OPERATION_MASK = 0xF0
SIZE_MASK = 0x18
MODE_MASK = 0xE0

LDDW = 0x18
"""Opcode of the only two-slot instruction: LD | IMM | DW."""

REGISTERS = 11
"""r0 to r10; a register field can hold five more values that name no register."""

FRAME_POINTER = 10
"""r10, read only."""


class _Uapi(IntEnum):
    @property
    def uapi(self) -> str:
        """The kernel header's name of this value."""
        return f"BPF_{self.name}"


class InsnClass(_Uapi):
    """The three low bits of every opcode."""

    LD = 0x00
    LDX = 0x01
    ST = 0x02
    STX = 0x03
    ALU = 0x04
    JMP = 0x05
    JMP32 = 0x06
    ALU64 = 0x07


class Source(_Uapi):
    """Second operand of an arithmetic or jump opcode: the immediate or the source register."""

    K = 0x00
    X = 0x08


class AluOp(_Uapi):
    """Operation of an ALU or ALU64 opcode."""

    ADD = 0x00
    SUB = 0x10
    MUL = 0x20
    DIV = 0x30
    OR = 0x40
    AND = 0x50
    LSH = 0x60
    RSH = 0x70
    NEG = 0x80
    MOD = 0x90
    XOR = 0xA0
    MOV = 0xB0
    ARSH = 0xC0
    END = 0xD0


class JumpOp(_Uapi):
    """Operation of a JMP or JMP32 opcode."""

    JA = 0x00
    JEQ = 0x10
    JGT = 0x20
    JGE = 0x30
    JSET = 0x40
    JNE = 0x50
    JSGT = 0x60
    JSGE = 0x70
    CALL = 0x80
    EXIT = 0x90
    JLT = 0xA0
    JLE = 0xB0
    JSLT = 0xC0
    JSLE = 0xD0
    JCOND = 0xE0


class Size(_Uapi):
    """Size of a load or store."""

    W = 0x00
    H = 0x08
    B = 0x10
    DW = 0x18

    @property
    def nbytes(self) -> int:
        """Bytes of memory touched."""
        return {Size.B: 1, Size.H: 2, Size.W: 4, Size.DW: 8}[self]


class Mode(_Uapi):
    """Addressing mode of a load or store; 0xa0 and 0xe0 are not assigned to programs."""

    IMM = 0x00
    ABS = 0x20
    IND = 0x40
    MEM = 0x60
    MEMSX = 0x80
    ATOMIC = 0xC0


class AtomicOp(_Uapi):
    """Immediate of an ATOMIC opcode; ``FETCH`` is a flag on the first four."""

    ADD = 0x00
    FETCH = 0x01
    OR = 0x40
    AND = 0x50
    XOR = 0xA0
    XCHG = 0xE1
    CMPXCHG = 0xF1
    LOAD_ACQ = 0x100
    STORE_REL = 0x110


class LddwSource(IntEnum):
    """Source register field of LDDW: what the 64-bit immediate stands for."""

    CONSTANT = 0
    MAP_FD = 1
    MAP_VALUE = 2
    BTF_ID = 3
    FUNC = 4
    MAP_IDX = 5
    MAP_IDX_VALUE = 6

    @property
    def uapi(self) -> str:
        """The kernel header's name; the plain constant has none."""
        return f"BPF_PSEUDO_{self.name}" if self else ""


class CallSource(IntEnum):
    """Source register field of a call: what the immediate names."""

    HELPER = 0
    LOCAL = 1
    KFUNC = 2

    @property
    def uapi(self) -> str:
        """The kernel header's name; the helper call has none."""
        return ("", "BPF_PSEUDO_CALL", "BPF_PSEUDO_KFUNC_CALL")[self]
