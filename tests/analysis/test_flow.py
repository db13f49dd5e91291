"""Reachability and known values: what guards rule out, and what they must not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf_static.analysis import (
    Base,
    ExternState,
    Flow,
    Inputs,
    Patch,
    Pointer,
    Poison,
    analyse,
)
from ebpf_static.specs import ExternKind, ExternSpec, ReferenceKind
from tests.analysis.programs import Ref, collection, data_map, function, program
from tests.build.asm import LE, R0, R1, R2, R6, R10

EXIT = LE.mov(R0, 0) + LE.exit()
GUARDED = LE.jump("jeq", R1, 0, 1) + LE.call(7) + EXIT
"""A call that runs only when r1 is not zero."""


def _run(code: bytes, references: list[Ref] | None = None, inputs: Inputs | None = None) -> Flow:
    main = program(code, references or [])
    return analyse(collection([main]), main, inputs)


def _helpers(flow: Flow) -> set[int | None]:
    return {call.helper for call in flow.calls.values()}


def test_constant_guard_rules_the_call_out() -> None:
    assert _helpers(_run(LE.mov(R1, 0) + GUARDED)) == set()
    assert _helpers(_run(LE.mov(R1, 5) + GUARDED)) == {7}


def test_unknown_guard_rules_nothing_out() -> None:
    flow = _run(LE.ldx(32, R1, R1) + GUARDED)
    assert _helpers(flow) == {7}
    assert flow.reached[0] == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(("left", "expected"), [(0, {9}), (1, {8})])
def test_guard_is_followed_through_stack_and_arithmetic(left: int, expected: set[int]) -> None:
    code = LE.mov(R6, left) + LE.stx(64, R10, -8, R6) + LE.mov(R6, 99)
    code += LE.ldx(64, R2, R10, -8) + LE.alu("lsh", R2, 4) + LE.alu("xor", R2, 16)
    code += LE.jump("jeq", R2, 0, 2) + LE.call(9) + LE.ja(1) + LE.call(8) + EXIT
    assert _helpers(_run(code)) == expected


def test_paths_that_disagree_are_joined() -> None:
    code = LE.ldx(32, R6, R1) + LE.mov(R2, 0) + LE.jump("jeq", R6, 3, 1) + LE.mov(R2, 1)
    assert _helpers(_run(code + LE.jump("jeq", R2, 0, 1) + LE.call(7) + EXIT)) == {7}


def test_equality_edge_tells_the_value() -> None:
    code = LE.ldx(64, R6, R1) + LE.jump("jne", R6, 0, 2)
    code += LE.jump("jeq", R6, 0, 1) + LE.call(7) + EXIT
    assert _helpers(_run(code)) == set()


def test_stack_store_through_unknown_offset_forgets_constants() -> None:
    code = LE.ldx(64, R6, R1) + LE.st(64, R10, -8, 0) + LE.mov(R2, R10) + LE.alu("add", R2, R6)
    code += LE.st(64, R2, 0, 1) + LE.ldx(64, R1, R10, -8) + GUARDED
    assert _helpers(_run(code)) == {7}


def test_helper_that_gets_a_stack_address_may_write_there() -> None:
    code = LE.st(64, R10, -8, 0) + LE.mov(R1, R10) + LE.alu("add", R1, -8) + LE.call(4)
    code += LE.ldx(64, R1, R10, -8) + GUARDED
    assert _helpers(_run(code)) == {4, 7}


def test_loop_ends_and_leaves_no_constant() -> None:
    code = LE.mov(R6, 0) + LE.alu("add", R6, 1) + LE.jump("jne", R6, 10, -2)
    flow = _run(code + LE.mov(R1, R6) + GUARDED)
    assert flow.complete
    assert _helpers(flow) == {7}


def test_read_only_data_is_constant_and_writable_data_is_not() -> None:
    code = LE.lddw(R2, 0) + LE.ldx(32, R1, R2, 0) + GUARDED
    for read_only, expected in ((True, set()), (False, {7})):
        main = program(code, [(0, ReferenceKind.MAP_VALUE, 0, 4)])
        spec = collection([main], [data_map(".rodata", b"\1\0\0\0\0\0\0\0", read_only=read_only)])
        assert _helpers(analyse(spec, main)) == expected
    assert _helpers(analyse(spec, main, Inputs(frozen_data=False))) == {7}


@pytest.mark.parametrize(
    ("bytes_", "expected"), [((1, 0, 0, 0), {7}), ((0, 0, 0, 0), set()), ((None,) * 4, {7})]
)
def test_kconfig_values_decide(bytes_: tuple[int | None, ...], expected: set[int]) -> None:
    code = LE.lddw(R2, 0) + LE.ldx(32, R1, R2, 0) + GUARDED
    main = program(code, [(0, ReferenceKind.KCONFIG, 0, 0)])
    spec = collection([main], [data_map(".kconfig", bytes(4))])
    assert _helpers(analyse(spec, main, Inputs(kconfig=bytes_))) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [(ExternState.PRESENT, {7}), (ExternState.ABSENT, set()), (ExternState.UNKNOWN, {7})],
)
def test_missing_weak_externs_read_as_zero(state: ExternState, expected: set[int]) -> None:
    main = program(LE.lddw(R1, 0) + GUARDED, [(0, ReferenceKind.KSYM, 0, 0)])
    spec = collection([main], externs=[ExternSpec(name="x", kind=ExternKind.KSYM, weak=True)])
    assert _helpers(analyse(spec, main, Inputs(externs={0: state}))) == expected


def test_core_results_decide_and_poison_stops() -> None:
    code = LE.mov(R1, 1) + GUARDED
    places = frozenset({(0, 0)})
    assert _helpers(_run(code, inputs=Inputs(core={(0, 0): Patch(0)}, core_places=places))) == set()
    assert _helpers(_run(code, inputs=Inputs(core={(0, 0): Patch(1)}, core_places=places))) == {7}
    assert _helpers(_run(code, inputs=Inputs(core_places=places))) == {7}
    flow = _run(code, inputs=Inputs(core={(0, 0): Poison("gone")}, core_places=places))
    assert flow.poisoned == {(0, 0): "gone"}
    assert flow.reached[0] == {0}


def test_poison_behind_a_false_guard_is_not_reached() -> None:
    code = LE.mov(R1, 0) + LE.jump("jeq", R1, 0, 1) + LE.mov(R2, 5) + EXIT
    inputs = Inputs(core={(0, 2): Poison("gone")}, core_places=frozenset({(0, 2)}))
    assert _run(code, inputs=inputs).poisoned == {}


def test_subprograms_see_their_arguments_and_return_values() -> None:
    callee = function(LE.mov(R0, R1) + LE.exit(), "same")
    for value, expected in ((0, set()), (3, {7})):
        code = LE.mov(R1, value) + LE.call_local() + LE.mov(R1, R0) + GUARDED
        main = program(code, [(1, ReferenceKind.CALL, 1, 0)])
        flow = analyse(collection([main, callee]), main)
        assert _helpers(flow) == expected
        assert flow.depth == 2


def test_recursion_ends_and_is_told() -> None:
    callee = function(LE.call_local() + EXIT, "again", [(0, ReferenceKind.CALL, 1, 0)])
    main = program(LE.call_local() + EXIT, [(0, ReferenceKind.CALL, 1, 0)])
    assert analyse(collection([main, callee]), main).recursion == {1}


def test_callbacks_are_reached_and_may_change_the_stack() -> None:
    callback = function(LE.call(9) + EXIT, "each")
    code = LE.st(64, R10, -8, 0) + LE.lddw(R2, 0) + LE.call(181)
    code += LE.ldx(64, R1, R10, -8) + GUARDED
    main = program(code, [(1, ReferenceKind.FUNCTION, 1, 0)])
    assert _helpers(analyse(collection([main, callback]), main)) == {9, 181, 7}


def test_context_accesses_are_told_with_offset_size_and_direction() -> None:
    code = LE.mov(R6, R1) + LE.alu("add", R6, 8) + LE.ldx(32, R2, R6, 4) + LE.stx(64, R1, 16, R6)
    found = _run(code + EXIT).accesses
    assert {(a.pointer, a.size, a.writes) for a in found.values()} == {
        (Pointer(Base.CONTEXT, 0, 12), 4, False),
        (Pointer(Base.CONTEXT, 0, 16), 8, True),
    }


def test_registers_no_path_sets_are_told() -> None:
    assert _run(LE.mov(R0, R6) + LE.exit()).unset == {(0, 0, 6)}
    assert _run(LE.exit()).unset == {(0, 0, 0)}
    code = LE.ldx(64, R2, R1) + LE.jump("jeq", R2, 0, 1) + LE.mov(R6, 1)
    assert _run(code + LE.mov(R0, R6) + LE.exit()).unset == set(), "one path sets it"


def test_returned_constants_and_stack_depth() -> None:
    code = LE.ldx(64, R6, R1) + LE.st(32, R10, -36, 1) + LE.mov(R0, 2)
    flow = _run(code + LE.jump("jeq", R6, 0, 1) + LE.exit() + EXIT)
    assert set(flow.returns.values()) == {2, 0}
    assert flow.stack == {0: 36}


@given(st.binary(min_size=8, max_size=8 * 40).map(lambda b: b[: len(b) // 8 * 8]))
def test_any_code_ends_within_bounds(code: bytes) -> None:
    flow = _run(code)
    assert all(0 <= insn < len(code) // 8 for insn in flow.reached.get(0, ()))
