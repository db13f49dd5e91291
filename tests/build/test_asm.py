"""What the assembler writes: against bytes clang writes, and against capstone where it is right."""

from __future__ import annotations

import capstone
import pytest

from tests.build import asm
from tests.build.asm import BE, LE, R0, R1, R2, R3, R6, R10

FROM_CLANG = [
    # (what, little-endian bytes, big-endian bytes) as clang 19 -mcpu=v4 writes them
    ("mov(R0, 2)", "b700000002000000", "b700000000000002"),
    ("mov(R6, R1)", "bf16000000000000", "bf61000000000000"),
    ("mov(R0, -1, bits=32)", "b4000000ffffffff", "b4000000ffffffff"),
    ("movsx(R1, R2, 8)", "bf21080000000000", "bf12000800000000"),
    ("alu('div', R1, R2, off=1)", "3f21010000000000", "3f12000100000000"),
    ("neg(R1)", "8701000000000000", "8710000000000000"),
    ("endian('be', R1, 16)", "dc01000010000000", "dc10000000000010"),
    ("endian('bswap', R1, 64)", "d701000040000000", "d710000000000040"),
    ("ldx(64, R1, R10, -8)", "79a1f8ff00000000", "791afff800000000"),
    ("ldx(8, R1, R10, -8, signed=True)", "91a1f8ff00000000", "911afff800000000"),
    ("stx(32, R10, -4, R1)", "631afcff00000000", "63a1fffc00000000"),
    ("st(64, R10, -8, 7)", "7a0af8ff07000000", "7aa0fff800000007"),
    ("atomic(64, R1, 0, R2, 0xE1)", "db210000e1000000", "db120000000000e1"),
    (
        "lddw(R1, 0x1122334455667788)",
        "18010000887766550000000044332211",
        "18100000556677880000000011223344",
    ),
    ("lddw(R1, 0, 1)", "18110000000000000000000000000000", "18110000000000000000000000000000"),
    ("jump('jeq', R1, 0, 3)", "1501030000000000", "1510000300000000"),
    ("jump('jsgt', R1, R2, -2, bits=32)", "6e21feff00000000", "6e12fffe00000000"),
    ("ja(-1)", "0500ffff00000000", "0500ffff00000000"),
    ("gotol(65536)", "0600000000000100", "0600000000010000"),
    ("call(6)", "8500000006000000", "8500000000000006"),
    ("call_local()", "85100000ffffffff", "85010000ffffffff"),
    ("call_kfunc(5)", "8520000005000000", "8502000000000005"),
    ("exit()", "9500000000000000", "9500000000000000"),
]


@pytest.mark.parametrize(("source", "little", "big"), FROM_CLANG, ids=[c[0] for c in FROM_CLANG])
def test_bytes_are_the_ones_clang_writes(source: str, little: str, big: str) -> None:
    names = vars(asm)
    assert eval(f"LE.{source}", names).hex() == little
    assert eval(f"BE.{source}", names).hex() == big


def test_capstone_reads_the_classic_instructions_back() -> None:
    code = b"".join(
        [
            LE.alu("add", R1, 5),
            LE.alu("xor", R1, R2, bits=32),
            LE.ldx(32, R3, R1, 16),
            LE.stx(64, R10, 8, R3),
            LE.jump("jne", R3, R0, 4),
            LE.jump("jle", R1, 9, 3),
            LE.call(1),
            LE.mov(R6, R0),
            LE.exit(),
        ]
    )
    engine = capstone.Cs(capstone.CS_ARCH_BPF, capstone.CS_MODE_BPF_EXTENDED)
    text = [f"{i.mnemonic} {i.op_str}".strip() for i in engine.disasm(code, 0)]
    assert text == [
        "add64 r1, 0x5",
        "xor r1, r2",
        "ldxw r3, [r1+0x10]",
        "stxdw [r10+0x8], r3",
        "jne r3, r0, +0x4",
        "jle r1, 0x9, +0x3",
        "call 0x1",
        "mov64 r6, r0",
        "exit",
    ]


def test_remaining_encodings_carry_their_kernel_numbers() -> None:
    assert LE.may_goto(2).hex() == "e500020000000000"
    assert LE.gotox(R2).hex() == "0d02000000000000"
    assert LE.callx(R2).hex() == "8d02000000000000"
    assert LE.ld_abs(16, 12).hex() == "280000000c000000"
    assert LE.ld_ind(8, R6, 1).hex() == "5060000001000000"
    assert LE.addr_space_cast(R1, R2, 0, 1).hex() == "bf21010001000000"
    assert BE.lddw(R1, 1 << 32 | 2, 3).hex() == "18130000000000020000000000000001"
