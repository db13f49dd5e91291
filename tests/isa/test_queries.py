from __future__ import annotations

import pytest
from hypothesis import given

from ebpf_static.isa import (
    CallKind,
    Instruction,
    LddwSource,
    MemoryAccess,
    branch_target,
    call_kind,
    callx_register,
    classify,
    falls_through,
    is_addr_space_cast,
    is_byte_swap,
    is_call,
    is_callx,
    is_conditional,
    is_exit,
    is_helper_call,
    is_indirect_jump,
    is_jump,
    is_kfunc_call,
    is_lddw,
    is_legacy_load,
    is_local_call,
    is_may_goto,
    is_sign_extending_move,
    is_signed_division,
    is_truncated,
    lddw_source,
    local_target,
    memory_access,
)
from tests.isa.strategies import INSTRUCTIONS


def at7(opcode: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> Instruction:
    return Instruction(7, opcode, dst, src, off, imm, 0 if opcode == 0x18 else None)


@pytest.mark.parametrize(
    ("instruction", "target", "answers"),
    [
        (at7(0x05, off=-3), 5, (False, False)),
        (at7(0x06, imm=100000), 100008, (False, False)),
        (at7(0x0D, dst=3), None, (False, False)),
        (at7(0x15, 1, off=2, imm=5), 10, (True, True)),
        (at7(0x5E, 1, 2, off=-8), 0, (True, True)),
        (at7(0xE5, off=4), 12, (True, True)),
    ],
    ids=["goto", "gotol", "gotox", "if", "if32", "may_goto"],
)
def test_jumps(instruction: Instruction, target: int | None, answers: tuple[bool, bool]) -> None:
    assert is_jump(instruction)
    assert branch_target(instruction) == target
    assert (is_conditional(instruction), falls_through(instruction)) == answers
    assert is_indirect_jump(instruction) is (target is None)
    assert is_may_goto(instruction) is (instruction.opcode == 0xE5)


@pytest.mark.parametrize(
    "instruction", [at7(0x95), at7(0x85, imm=1), at7(0xB7), at7(0x16 | 0x80), at7(0x0E)]
)
def test_what_is_no_jump(instruction: Instruction) -> None:
    assert not is_jump(instruction)
    assert branch_target(instruction) is None
    assert is_exit(instruction) is (instruction.opcode == 0x95)


def test_calls() -> None:
    calls = {
        CallKind.HELPER: at7(0x85, imm=1),
        CallKind.LOCAL: at7(0x85, src=1, imm=4),
        CallKind.KFUNC: at7(0x85, src=2, imm=4),
        CallKind.REGISTER: at7(0x8D, dst=3),
    }
    questions = (is_helper_call, is_local_call, is_kfunc_call, is_callx)
    for at, (kind, instruction) in enumerate(calls.items()):
        assert is_call(instruction)
        assert falls_through(instruction)
        assert call_kind(instruction) is kind
        assert [question(instruction) for question in questions] == [at == n for n in range(4)]
    assert [local_target(call) for call in calls.values()] == [None, 12, None, None]
    assert call_kind(at7(0x85, src=3)) is None
    assert call_kind(at7(0x95)) is None


def test_callx_register_of_both_encodings() -> None:
    assert callx_register(at7(0x8D, dst=3)) == 3
    assert callx_register(at7(0x8D, imm=2)) == 2  # clang 18 and older
    assert callx_register(at7(0x8D)) == 0
    assert callx_register(at7(0x8D, imm=99)) == 0
    assert callx_register(at7(0x85)) is None


def test_lddw_sources() -> None:
    assert [lddw_source(at7(0x18, src=src)) for src in range(8)] == [*LddwSource, None]
    assert lddw_source(at7(0xB7)) is None
    assert local_target(at7(0x18, src=4, imm=-3)) == 5
    assert local_target(at7(0x18, src=0, imm=-3)) is None
    assert LddwSource.MAP_FD.uapi == "BPF_PSEUDO_MAP_FD"
    assert LddwSource.CONSTANT.uapi == ""


def test_truncated_lddw() -> None:
    whole = at7(0x18)
    cut = whole._replace(next_imm=None)
    assert (is_lddw(whole), is_truncated(whole)) == (True, False)
    assert (is_lddw(cut), is_truncated(cut)) == (True, True)
    assert not is_truncated(at7(0xB7))


@pytest.mark.parametrize(
    ("instruction", "access"),
    [
        (at7(0x61, 1, 2, 16), MemoryAccess(2, 16, 4, True, False, False, False, 1)),
        (at7(0x89, 1, 2, -2), MemoryAccess(2, -2, 2, True, False, True, False, 1)),
        (at7(0x7B, 10, 2, -8), MemoryAccess(10, -8, 8, False, True, False, False, 2)),
        (at7(0x72, 10, 0, -8, 5), MemoryAccess(10, -8, 1, False, True, False, False, None)),
        (at7(0xDB, 1, 2, 8), MemoryAccess(1, 8, 8, True, True, False, True, 2)),
        (at7(0xC3, 1, 2, 8, 0xF1), MemoryAccess(1, 8, 4, True, True, False, True, 2)),
        (at7(0xCB, 1, 2, 8, 0x100), MemoryAccess(2, 8, 2, True, False, False, True, 1)),
        (at7(0xD3, 1, 2, 8, 0x110), MemoryAccess(1, 8, 1, False, True, False, True, 2)),
    ],
    ids=["ldx", "ldxs", "stx", "st", "add", "cmpxchg", "acquire", "release"],
)
def test_memory(instruction: Instruction, access: MemoryAccess) -> None:
    assert memory_access(instruction) == access


@pytest.mark.parametrize("opcode", [0x18, 0x20, 0x50, 0xB7, 0xD4, 0x99])
def test_what_touches_no_memory(opcode: int) -> None:
    assert memory_access(at7(opcode, imm=16)) is None
    assert is_legacy_load(at7(opcode, imm=16)) is (opcode in (0x20, 0x50))


def test_arithmetic_told_apart_by_offset_and_immediate() -> None:
    questions = (is_signed_division, is_sign_extending_move, is_addr_space_cast, is_byte_swap)
    cases = {
        at7(0x37, 1, off=1, imm=3): 0,
        at7(0x9C, 1, 2, off=1): 0,
        at7(0xBC, 1, 2, off=8): 1,
        at7(0xBF, 1, 2, off=32): 1,
        at7(0xBF, 1, 2, off=1, imm=1): 2,
        at7(0xD7, 1, imm=32): 3,
        at7(0xDC, 1, imm=64): 3,
        at7(0x37, 1, off=0, imm=3): None,
        at7(0xBF, 1, 2): None,
        at7(0xBF, 1, 2, off=5): None,
        at7(0xDF, 1, imm=32): None,
    }
    for instruction, answer in cases.items():
        said = [question(instruction) for question in questions]
        assert said == [answer == n for n in range(4)], instruction


@given(INSTRUCTIONS)
def test_nothing_is_claimed_of_the_unknown(instruction: Instruction) -> None:
    known = classify(instruction).known
    claims = (
        is_jump(instruction),
        is_call(instruction),
        is_exit(instruction),
        falls_through(instruction),
        memory_access(instruction) is not None,
        lddw_source(instruction) is not None,
    )
    assert known or not any(claims)
    assert not (is_jump(instruction) and is_call(instruction))
    if (target := branch_target(instruction)) is not None:
        assert is_jump(instruction)
        assert target != instruction.index + 1 or 0 in (instruction.off, instruction.imm)
