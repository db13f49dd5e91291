from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ebpf_static.graph.blocks import ExitKind, blocks_of
from tests.analysis.programs import program
from tests.build.asm import LE, R0, R1, R2


def test_a_branch_makes_three_blocks() -> None:
    code = LE.mov(R0, 0) + LE.jump("jeq", R1, 0, 1) + LE.mov(R0, 2) + LE.exit()
    first, second, third = blocks_of(program(code))
    assert (first.start, first.end) == (0, 2)
    assert [(e.target, e.kind) for e in first.exits] == [
        (2, ExitKind.TAKEN),
        (1, ExitKind.NOT_TAKEN),
    ]
    assert [(e.target, e.kind) for e in second.exits] == [(2, ExitKind.NEXT)]
    assert (third.start, third.end, third.exits) == (3, 4, ())


def test_calls_end_no_block_and_two_slots_count_twice() -> None:
    code = LE.lddw(R1, 1 << 40) + LE.call(5) + LE.ja(-4) + LE.exit()
    loop, unreachable = blocks_of(program(code))
    assert (loop.start, loop.end) == (0, 4)
    assert [(e.target, e.kind) for e in loop.exits] == [(0, ExitKind.JUMP)]
    assert (unreachable.start, unreachable.end) == (4, 5)


def test_jumps_into_a_second_slot_or_out_of_the_function_lead_nowhere() -> None:
    inside = LE.jump("jeq", R1, 0, 1) + LE.lddw(R2, 7) + LE.exit()
    head, *_ = blocks_of(program(inside))
    assert [(e.target, e.insn) for e in head.exits] == [(None, 2), (1, 1)]
    (only,) = blocks_of(program(LE.mov(R0, 0)))
    assert [(e.target, e.insn) for e in only.exits] == [(None, 1)]


def test_a_computed_jump_leads_to_what_nothing_else_leads_to() -> None:
    code = LE.gotox(R1) + LE.mov(R0, 1) + LE.exit() + LE.mov(R0, 2) + LE.exit()
    first, *_ = blocks_of(program(code))
    assert [(e.target, e.insn, e.kind) for e in first.exits] == [
        (1, 1, ExitKind.COMPUTED),
        (2, 3, ExitKind.COMPUTED),
    ]


@given(st.binary(max_size=400).map(lambda data: data[: len(data) // 8 * 8]))
def test_any_bytes_are_covered_once(code: bytes) -> None:
    blocks = blocks_of(program(code))
    assert sum(block.end - block.start for block in blocks) == len(code) // 8
    assert all(a.end == b.start for a, b in pairwise(blocks))
    starts = {block.start: n for n, block in enumerate(blocks)}
    for block in blocks:
        assert all(it.target == starts.get(it.insn) for it in block.exits)
