"""The instruction record: one logical instruction as the bytes spell it.

Layout: RFC 9669 section 3. A record says what the encoding *is*, never whether a platform takes it.
"""

from typing import NamedTuple


class Instruction(NamedTuple):
    """One logical instruction; LDDW covers two insns (8-byte slots).

    Attributes:
        index: insn index within its function; branch targets are counted in insns.
        opcode: first byte.
        dst: destination register field, 0–15 as encoded.
        src: source register field, 0–15 as encoded.
        off: signed 16-bit offset field.
        imm: signed 32-bit immediate field of the first slot.
        next_imm: signed 32-bit immediate of LDDW's second slot; None for every other instruction
            and for an LDDW cut off by the end of its function.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, on purpose
    opcode: int
    dst: int
    src: int
    off: int
    imm: int
    next_imm: int | None = None

    @property
    def slots(self) -> int:
        """Insns covered: 2 for a whole LDDW, else 1."""
        return 1 if self.next_imm is None else 2

    @property
    def imm64(self) -> int:
        """The unsigned 64-bit constant of an LDDW (low word ``imm``, high word ``next_imm``)."""
        return ((self.next_imm or 0) & 0xFFFFFFFF) << 32 | (self.imm & 0xFFFFFFFF)
