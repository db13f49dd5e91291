from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf_static.errors import FormatError, LimitError, UsageError
from ebpf_static.isa import Instruction, decode, encode, malformed_second_slots
from tests.isa.strategies import CODE, INSTRUCTIONS, ORDERS

ByteOrder = Literal["little", "big"]


def test_little_endian_fields() -> None:
    (instruction,) = decode(bytes.fromhex("7b 2a f8 ff 04 03 02 81"), "little")
    assert instruction == Instruction(0, 0x7B, 10, 2, -8, -0x7EFDFCFC)


def test_big_endian_swaps_the_register_nibbles_and_the_bytes() -> None:
    (instruction,) = decode(bytes.fromhex("7b a2 ff f8 81 02 03 04"), "big")
    assert instruction == Instruction(0, 0x7B, 10, 2, -8, -0x7EFDFCFC)


def test_lddw_takes_two_slots_and_moves_the_index() -> None:
    code = bytes.fromhex(
        "18 03 00 00 f0 de bc 9a  00 00 00 00 78 56 34 12  95 00 00 00 00 00 00 00"
    )
    constant, end = decode(code, "little")
    assert (constant.slots, constant.imm64) == (2, 0x123456789ABCDEF0)
    assert (end.index, end.opcode, end.slots, end.next_imm) == (2, 0x95, 1, None)


def test_lddw_in_the_last_slot_is_kept_without_second_immediate() -> None:
    code = bytes.fromhex("18 03 00 00 05 00 00 00")
    (instruction,) = decode(code, "little")
    assert instruction == Instruction(0, 0x18, 3, 0, 0, 5, None)
    assert encode([instruction], "little") == code


def test_unknown_opcodes_are_kept() -> None:
    code = bytes(range(256))
    assert encode(decode(code, "little"), "little") == code[:32] + _without_second(code)


def _without_second(code: bytes) -> bytes:
    # 0x18 starts the fourth insn; of the slot after it only the immediate is part of the record.
    return bytes(4) + code[36:]


@pytest.mark.parametrize("size", [1, 7, 9, 12])
def test_half_an_insn_is_a_format_error(size: int) -> None:
    with pytest.raises(FormatError) as caught:
        decode(bytes(size), "little", where="section xdp", offset=0x40)
    assert str(caught.value) == (
        f"section xdp: code is {size} bytes long, which is not a multiple of 8 (byte offset 0x40)"
    )
    with pytest.raises(FormatError):
        malformed_second_slots(bytes(size), "big")


def test_too_many_insns_are_a_limit_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(decode.__globals__, "MAX_INSNS", 3)
    assert len(decode(bytes(24), "little")) == 3
    with pytest.raises(LimitError, match="4 insns, more than 3"):
        decode(bytes(32), "little")


@pytest.mark.parametrize("at", range(4))
def test_second_slots_that_are_none(at: int) -> None:
    good = bytes.fromhex("18 01 00 00 05 00 00 00  00 00 00 00 07 00 00 00")
    bad = bytearray(good)
    bad[8 + at] = 1
    assert malformed_second_slots(good + bytes(bad) + good, "little") == (3,)
    assert malformed_second_slots(good[:8], "little") == ()
    assert decode(bytes(bad), "little") == decode(good, "little")


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (Instruction(0, 0xBF, 16, 0, 0, 0), "register"),
        (Instruction(0, 0xBF, 0, -1, 0, 0), "register"),
        (Instruction(0, 0x05, 0, 0, 1 << 15, 0), "insn 0"),
        (Instruction(0, 0xB7, 0, 0, 0, 1 << 31), "insn 0"),
        (Instruction(0, 256, 0, 0, 0, 0), "insn 0"),
        (Instruction(0, 0x18, 0, 0, 0, 0, 1 << 31), "insn 1"),
        (Instruction(0, 0xB7, 0, 0, 0, 0, 0), "next_imm"),
    ],
)
def test_encode_refuses_what_does_not_fit(instruction: Instruction, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        encode([instruction], "little")


@given(CODE, ORDERS)
def test_decoding_covers_every_slot_and_encoding_undoes_it(code: bytes, order: ByteOrder) -> None:
    instructions = decode(code, order)
    assert sum(instruction.slots for instruction in instructions) * 8 == len(code)
    assert [i.index for i in instructions] == _indices(instructions)
    again = encode(instructions, order)
    malformed = malformed_second_slots(code, order)
    assert (again == code) == (not malformed)
    for slot in range(len(code) // 8):
        kept = slice(slot * 8 + (4 if slot in malformed else 0), slot * 8 + 8)
        assert again[kept] == code[kept]


def _indices(instructions: tuple[Instruction, ...]) -> list[int]:
    at = 0
    indices = []
    for instruction in instructions:
        indices.append(at)
        at += instruction.slots
    return indices


@given(st.lists(INSTRUCTIONS, max_size=20))
def test_both_byte_orders_say_the_same(instructions: list[Instruction]) -> None:
    little = decode(encode(instructions, "little"), "little")
    assert little == decode(encode(instructions, "big"), "big")
    assert [i[1:] for i in little] == [i[1:] for i in instructions]


def test_any_buffer_is_taken() -> None:
    code = bytes.fromhex("95 00 00 00 00 00 00 00")
    assert decode(bytearray(code), "little") == decode(memoryview(code), "little")
