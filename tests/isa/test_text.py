"""Our printing against LLVM's, form by form, and its promises for any record."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf_static.isa import (
    Instruction,
    Kind,
    classify,
    decode,
    format_instruction,
    known_operations,
)
from tests.isa.strategies import INSTRUCTIONS

GOLDEN = Path(__file__).parent / "golden"
ByteOrder = Literal["little", "big"]


def golden(name: str, byte_order: ByteOrder) -> list[tuple[Instruction, str]]:
    text = (GOLDEN / f"{name}-{byte_order}.txt").read_text(encoding="utf-8")
    pairs = []
    for line in text.splitlines()[1:]:
        code, printed = line.split("\t")
        (instruction,) = decode(bytes.fromhex(code), byte_order)
        pairs.append((instruction, printed))
    return pairs


def in_our_style(instruction: Instruction, printed: str) -> str:
    """Rewrite LLVM's line where our style differs on purpose; nowhere else."""
    operation = classify(instruction)
    if operation.kind in (Kind.LOAD, Kind.STORE):
        return re.sub(r"\bw(\d+)", r"r\1", printed)  # narrow loads and stores
    if operation.op == "call_local":
        return re.sub(r"^call (-?)(\d)", lambda m: f"call pc{m[1] or '+'}{m[2]}", printed)
    return printed


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("name", ["llvm19", "llvm22"])
def test_same_as_llvm(name: str, byte_order: ByteOrder) -> None:
    for instruction, printed in golden(name, byte_order):
        target = re.search(r" <([^<>=]+)>$", printed)
        ours = format_instruction(instruction, target=target[1] if target else None)
        assert ours == in_our_style(instruction, printed)


def test_the_golden_files_show_every_known_form() -> None:
    shown = {
        classify(instruction).op
        for name in ("llvm19", "llvm22")
        for instruction, _ in golden(name, "little")
    }
    kinds = {op for op in shown if op != "unknown"}
    assert "unknown" not in shown
    # LLVM has no words for the pseudo sources and prints a kfunc call as any other.
    ours = {"call_kfunc"} | {f"lddw_{what}" for what in PSEUDO}
    assert {operation.op for operation in known_operations()} - kinds == ours


PSEUDO = ("map_fd", "map_value", "btf_id", "func", "map_idx", "map_idx_value")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ((0x18, 1, 1, 0, 3, 0), "r1 = map_fd 3 ll"),
        ((0x18, 1, 2, 0, 3, 16), "r1 = map_value 3 + 16 ll"),
        ((0x18, 1, 2, 0, 3, -1), "r1 = map_value 3 + 4294967295 ll"),
        ((0x18, 1, 3, 0, 9, 0), "r1 = btf_id 9 ll"),
        ((0x18, 1, 3, 0, 9, 4), "r1 = btf_id 9 module_fd 4 ll"),
        ((0x18, 1, 4, 0, 7, 0), "r1 = func pc+7 ll"),
        ((0x18, 1, 5, 0, 2, 0), "r1 = map_idx 2 ll"),
        ((0x18, 1, 6, 0, 2, 8), "r1 = map_idx_value 2 + 8 ll"),
        ((0x18, 1, 0, 0, -1, None), "r1 = 4294967295 ll  // second slot missing"),
        ((0x18, 1, 7, 0, 2, 8), "unknown 0x18 dst=1 src=7 off=0 imm=2 next_imm=8"),
        ((0x85, 0, 2, 0, 77), "call kfunc 77"),
        ((0x85, 0, 2, 3, 77), "call kfunc 77 fd_idx 3"),
        ((0x85, 0, 1, 0, -1), "call pc-1"),
        ((0x8D, 0, 0, 0, 2), "callx r2"),
        ((0x50, 0, 3, 0, 5), "r0 = *(u8 *)skb[r3 + 5]"),
        ((0x50, 0, 3, 0, -5), "r0 = *(u8 *)skb[r3 - 5]"),
        ((0xBF, 1, 2, 1, 0x10000), "r1 = addr_space_cast(r2, 1, 0)"),
        ((0x3F, 1, 2, 5, 0), "unknown 0x3f dst=1 src=2 off=5 imm=0"),
        ((0x00, 0, 0, 0, 0), "unknown 0x00 dst=0 src=0 off=0 imm=0"),
        ((0xB7, 1, 2, 8, 5), "r1 = 5  // reserved off=8, reserved src=2"),
        ((0x0F, 11, 15, 0, 0), "r11 += r15"),
    ],
)
def test_what_llvm_does_not_tell(fields: tuple[int, ...], text: str) -> None:
    assert format_instruction(Instruction(0, *fields)) == text


def test_target_and_comment() -> None:
    call = Instruction(0, 0x85, 0, 0, 0, 12)
    assert format_instruction(call, target="bpf_tail_call") == "call 12 <bpf_tail_call>"
    assert format_instruction(call, comment="GPL only") == "call 12  // GPL only"
    both = format_instruction(call._replace(dst=3), target="a\nb", comment="\x1b")
    assert both == "call 12 <a\\x0ab>  // reserved dst=3, \\x1b"


@given(INSTRUCTIONS, st.none() | st.text(max_size=20), st.none() | st.text(max_size=20))
def test_any_record_is_one_printable_line(
    instruction: Instruction, target: str | None, comment: str | None
) -> None:
    text = format_instruction(instruction, target=target, comment=comment)
    assert text
    assert text.isprintable()


@given(st.builds(Instruction, *[st.integers()] * 6, st.none() | st.integers()))
def test_records_no_bytes_could_hold_print_too(instruction: Instruction) -> None:
    assert format_instruction(instruction).isprintable()


@given(INSTRUCTIONS, st.sampled_from(("opcode", "dst", "src", "off", "imm")), st.integers(0, 255))
def test_no_field_goes_unprinted(one: Instruction, field: str, value: int) -> None:
    other = one._replace(**{field: value})
    if other != one and format_instruction(one) == format_instruction(other):
        # The register of callx has two places, and 0 stands for "in the other".
        assert classify(one).op == classify(other).op == "callx"
        assert 0 in (one.imm, other.imm)
