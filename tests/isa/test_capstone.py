"""capstone against our decoding: every opcode, then every instruction of the real objects.

The rule table of ``capstone_listing`` must hold in both directions: where it gives no reason,
capstone's text is what its dialect says for these bits; where it gives one, it is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Literal

import capstone
import pytest

from ebpf_static.errors import FormatError
from ebpf_static.isa import (
    Difference,
    Instruction,
    capstone_difference,
    decode,
    encode,
    format_instruction,
    listing,
)
from tests.isa.dialect import expected
from tests.isa.objects import CORPUS, find_objects, iter_code

ByteOrder = Literal["little", "big"]
ORDERS: tuple[ByteOrder, ...] = ("little", "big")

REGISTERS = ((0, 0), (1, 2), (1, 0), (0, 3), (10, 1), (1, 10), (11, 11))
OFFSETS = (0, 1, 8, 16, 32, -8)
IMMEDIATES = (0, 1, 16, 0x41, 0x100, -5)


def disassembler(byte_order: ByteOrder) -> capstone.Cs:
    endian = capstone.CS_MODE_BIG_ENDIAN if byte_order == "big" else capstone.CS_MODE_LITTLE_ENDIAN
    return capstone.Cs(capstone.CS_ARCH_BPF, capstone.CS_MODE_BPF_EXTENDED | endian)


def capstone_text(cs: capstone.Cs, raw: bytes) -> str | None:
    for _, size, mnemonic, operands in cs.disasm_lite(raw, 0):
        return f"{mnemonic} {operands}".rstrip() if size == len(raw) else None
    return None


def every_form() -> Iterator[Instruction]:
    for opcode, (dst, src), off, imm in product(range(256), REGISTERS, OFFSETS, IMMEDIATES):
        next_imm = 7 if opcode == 0x18 else None
        yield Instruction(0, opcode, dst, src, off, imm, next_imm)
    for src in range(16):  # every pseudo source and call kind, assigned or not
        yield Instruction(0, 0x18, 1, src, 0, -5, -1)
        yield Instruction(0, 0x85, 0, src, 0, 9)
    yield Instruction(0, 0x18, 1, 0, 0, 9)


@pytest.mark.parametrize("byte_order", ORDERS)
def test_the_rules_hold_for_every_form(byte_order: ByteOrder) -> None:
    cs = disassembler(byte_order)
    seen: Counter[Difference | None] = Counter()
    wrong = []
    for instruction in every_form():
        difference = capstone_difference(instruction, byte_order)
        seen[difference] += 1
        says = capstone_text(cs, encode([instruction], byte_order))
        right = says is not None and says == expected(instruction)
        if right != (difference is None):
            wrong.append((instruction, says, difference))
    assert not wrong[:5]
    never = {None, *Difference} - set(seen)
    assert never == {Difference.SECOND_SLOT} | (
        {Difference.SWAPPED_REGISTERS} if byte_order == "little" else set()
    )


def test_differences_measured_one_by_one() -> None:
    """What capstone prints today for one instruction of each reason, and what we print."""
    measured = {
        Difference.UNKNOWN: ((0x8C, 1, 0, 0, 0), "neg r1"),
        Difference.NO_JMP32: ((0x16, 1, 0, 1, 1), None),
        Difference.NO_MEMSX: ((0x81, 1, 2, 0, 0), None),
        Difference.NO_BSWAP: ((0xD7, 1, 0, 0, 16), None),
        Difference.NO_LATE_JUMP: ((0xE5, 0, 0, 1, 0), None),
        Difference.NO_NARROW_ATOMIC: ((0xD3, 1, 2, 0, 0x100), None),
        Difference.REGISTER: ((0x0F, 11, 1, 0, 0), None),
        Difference.WRITES_R10: ((0x0F, 10, 1, 0, 0), None),
        Difference.TRUNCATED: ((0x18, 1, 0, 0, 5), None),
        Difference.RESERVED: ((0x95, 1, 2, 3, 4), "exit"),
        Difference.OFFSET_MEANING: ((0x37, 1, 0, 1, 3), "div64 r1, 0x3"),
        Difference.ATOMIC_MEANING: ((0xDB, 1, 2, 8, 0xF1), "xadddw [r1+0x8], r2"),
        Difference.CALL_KIND: ((0x85, 0, 1, 0, -1), "call 0xffffffff"),
        Difference.PSEUDO_SOURCE: ((0x18, 1, 1, 0, 5, 0), "lddw r1, 0x5"),
        Difference.UNSIGNED_OFFSET: ((0x79, 1, 10, -8, 0), "ldxdw r1, [r10+0xfff8]"),
        Difference.UNSIGNED_IMMEDIATE: ((0xB7, 1, 0, 0, -7), "mov64 r1, 0xfffffff9"),
    }
    cs = disassembler("little")
    for difference, (fields, says) in measured.items():
        instruction = Instruction(0, *fields)
        assert capstone_difference(instruction) is difference
        assert capstone_text(cs, encode([instruction], "little")) == says
    swapped = Instruction(0, 0xBF, 1, 2, 0, 0)
    assert capstone_difference(swapped) is None
    assert capstone_difference(swapped, "big") is Difference.SWAPPED_REGISTERS
    assert capstone_text(disassembler("big"), encode([swapped], "big")) == "mov64 r2, r1"


# --- listing --------------------------------------------------------------------------------------

MIXED = (
    Instruction(0, 0xBF, 6, 1, 0, 0),
    Instruction(1, 0x16, 1, 0, 1, 5),
    Instruction(2, 0x18, 1, 0, 0, 5, 0),
    Instruction(4, 0x8E, 1, 2, 3, 4),
    Instruction(5, 0x85, 0, 0, 0, 12),
    Instruction(6, 0x95, 0, 0, 0, 0),
)


def test_listing_covers_every_instruction_and_says_who_printed_it() -> None:
    code = encode(MIXED, "little")
    lines = listing(code, "little", targets={1: "out", 5: "bpf_tail_call"})
    assert [(line.index, line.text, line.by) for line in lines] == [
        (0, "mov64 r6, r1", "capstone"),
        (1, "if w1 == 5 goto +1 <out>", "own"),
        (2, "lddw r1, 0x5", "capstone"),
        (4, "unknown 0x8e dst=1 src=2 off=3 imm=4", "own"),
        (5, "call 0xc <bpf_tail_call>", "capstone"),
        (6, "exit", "capstone"),
    ]
    assert b"".join(line.raw for line in lines) == code
    assert [line.difference for line in lines if line.by == "own"] == [
        Difference.NO_JMP32,
        Difference.UNKNOWN,
    ]


def test_listing_of_big_endian_code_prints_swapped_instructions_itself() -> None:
    lines = listing(encode(MIXED, "big"), "big")
    assert [(line.text, line.by) for line in lines][:2] == [
        ("r6 = r1", "own"),
        ("if w1 == 5 goto +1", "own"),
    ]
    assert (lines[-1].text, lines[-1].by) == ("exit", "capstone")


def test_listing_shows_a_second_slot_that_is_not_one() -> None:
    code = encode([Instruction(0, 0x18, 1, 0, 0, 5, 0)], "little")
    (line,) = listing(code[:8] + b"\x95" + code[9:], "little")
    assert line.difference is Difference.SECOND_SLOT
    assert (line.text, line.by) == ("r1 = 5 ll  // second slot not canonical", "own")


def test_listing_falls_back_where_capstone_stops_unexpectedly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capstone.Cs, "disasm_lite", lambda *_: iter([(0, 8, "mov64", "r6, r1")]))
    texts = [(line.text, line.by) for line in listing(encode(MIXED[:1] * 3, "little"), "little")]
    assert texts == [("mov64 r6, r1", "capstone"), ("r6 = r1", "own"), ("r6 = r1", "own")]


def test_targets_cannot_break_the_line() -> None:
    (line,) = listing(encode(MIXED[5:], "little"), "little", targets={0: "a\n\x1b[31m"})
    assert line.text == "exit <a\\x0a\\x1b[31m>"


def test_listing_refuses_half_an_insn() -> None:
    with pytest.raises(FormatError, match="12 bytes"):
        listing(bytes(12), "little")


# --- real objects ---------------------------------------------------------------------------------

REAL = {
    Difference.NO_JMP32,
    Difference.NO_MEMSX,
    Difference.NO_BSWAP,
    Difference.NO_LATE_JUMP,
    Difference.OFFSET_MEANING,
    Difference.ATOMIC_MEANING,
    Difference.CALL_KIND,
    Difference.UNSIGNED_OFFSET,
    Difference.UNSIGNED_IMMEDIATE,
    Difference.SWAPPED_REGISTERS,
}
"""The reasons that compiled code gives; the others need hand-made or damaged code."""


def test_real_objects_differ_only_as_predicted() -> None:
    objects = find_objects()
    if not objects:
        pytest.skip("no object in corpus/objects, and corpus/debian was not fetched")
    judged: dict[tuple[ByteOrder, Instruction], Difference | None] = {}
    seen: Counter[Difference | None] = Counter()
    for path in objects:
        for _, byte_order, code in iter_code(path):
            for instruction in decode(code, byte_order):
                key = byte_order, instruction._replace(index=0)
                if key not in judged:
                    judged[key] = _judge(*key)
                seen[judged[key]] += 1
    if any(path.is_relative_to(CORPUS / "objects") for path in objects):
        assert set(seen) - {None} == REAL
    assert set(seen) - {None} <= REAL
    assert seen[None] > 0


def _judge(byte_order: ByteOrder, instruction: Instruction) -> Difference | None:
    difference = capstone_difference(instruction, byte_order)
    says = capstone_text(disassembler(byte_order), encode([instruction], byte_order))
    right = says is not None and says == expected(instruction)
    assert right == (difference is None), (format_instruction(instruction), says, difference)
    return difference


def test_listings_of_real_objects_lose_nothing() -> None:
    objects = find_objects()
    if not objects:
        pytest.skip("no object in corpus/objects, and corpus/debian was not fetched")
    for path in objects:
        for where, byte_order, code in iter_code(path):
            lines = listing(code, byte_order)
            assert b"".join(line.raw for line in lines) == code, where
            trusted = [line for line in lines if line.difference is None]
            assert all(line.by == "capstone" for line in trusted), where
