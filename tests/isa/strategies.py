"""Hypothesis strategies for code and instruction records."""

from __future__ import annotations

from hypothesis import strategies as st

from ebpf_static.isa import Instruction, known_operations

OPCODES = st.one_of(
    st.sampled_from(sorted({operation.opcode for operation in known_operations()})),
    st.integers(0, 255),
)
S16 = st.one_of(st.sampled_from((0, 1, 8, 16, 32, -8)), st.integers(-(1 << 15), (1 << 15) - 1))
S32 = st.one_of(
    st.sampled_from((0, 1, 16, 0x41, 0xF1, 0x100, 0x110, -1)),
    st.integers(-(1 << 31), (1 << 31) - 1),
)

INSTRUCTIONS = st.builds(
    lambda opcode, dst, src, off, imm, high: Instruction(
        0, opcode, dst, src, off, imm, high if opcode == 0x18 else None
    ),
    OPCODES,
    st.integers(0, 15),
    st.integers(0, 15),
    S16,
    S32,
    S32,
)

ORDERS = st.sampled_from(("little", "big"))
CODE = st.binary(max_size=400).map(lambda data: data[: len(data) // 8 * 8])
