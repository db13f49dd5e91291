from __future__ import annotations

from ebpf_static.graph.flows import TargetFlows
from ebpf_static.graph.uses import CallKind, calls_of, map_uses_of
from ebpf_static.specs import ExternKind, ExternSpec, ReferenceKind
from tests.analysis.programs import collection, data_map, function, program
from tests.build.asm import ATOMIC_ADD, LE, R0, R1, R2, R3, R6, R10


def test_calls_by_kind_and_how_often() -> None:
    code = (
        LE.call(5) + LE.call(5) + LE.call_local() + LE.call_kfunc() + LE.lddw(R2, 0, 4)
        + LE.exit()
    )  # fmt: skip
    main = program(
        code,
        [
            (2, ReferenceKind.CALL, 1, 0),
            (3, ReferenceKind.KFUNC, 0, 0),
            (4, ReferenceKind.FUNCTION, 2, 0),
        ],
    )
    leaf, callback = function(LE.exit(), "leaf"), function(LE.exit(), "callback")
    extern = ExternSpec(name="symbol", kind=ExternKind.KFUNC, section=".ksyms", weak=False)
    spec = collection([main, leaf, callback], externs=[extern])
    assert calls_of(spec, main) == (
        (CallKind.HELPER, "ktime_get_ns", -1, (0, 1)),
        (CallKind.FUNCTION, "", 1, (2,)),
        (CallKind.KFUNC, "symbol", -1, (3,)),
        (CallKind.CALLBACK, "", 2, (4,)),
    )


def test_uses_of_maps_by_what_is_done() -> None:
    code = (
        LE.lddw(R1, 0, 1) + LE.mov(R2, R10) + LE.call(1)
        + LE.lddw(R6, 0, 2) + LE.ldx(64, R3, R6) + LE.stx(64, R6, 8, R3)
        + LE.atomic(64, R6, 0, R3, ATOMIC_ADD) + LE.mov(R0, 0) + LE.exit()
    )  # fmt: skip
    main = program(code, [(0, ReferenceKind.MAP, 0, 0), (4, ReferenceKind.MAP_VALUE, 1, 0)])
    hashes, data = data_map("hashes", b"\0" * 8), data_map(".data", b"\0" * 16, read_only=False)
    unused = data_map("unused", b"\0")
    spec = collection([main], maps=[hashes, data, unused])
    uses = map_uses_of(spec, main, (main,), TargetFlows(spec).flows(main))
    assert [(use.map, use.what, use.insns) for use in uses[0]] == [
        (0, "lookup", (3,)),
        (1, "atomic", (8,)),
        (1, "read", (6,)),
        (1, "write", (7,)),
    ]


def test_a_map_in_code_that_never_runs_is_only_referred_to() -> None:
    code = LE.mov(R0, 0) + LE.exit() + LE.lddw(R1, 0, 1) + LE.call(1) + LE.exit()
    main = program(code, [(2, ReferenceKind.MAP, 0, 0)])
    spec = collection([main], maps=[data_map("hashes", b"\0" * 8)])
    uses = map_uses_of(spec, main, (main,), TargetFlows(spec).flows(main))
    assert [(use.map, use.what) for use in uses[0]] == [(0, "refer")]


def test_dead_code_is_told_per_program_and_callbacks_are_left_alone() -> None:
    code = (
        LE.mov(R1, 1) + LE.jump("jeq", R1, 1, 1) + LE.call_local() + LE.mov(R0, 0) + LE.exit()
        + LE.lddw(R2, 0, 4)
    )  # fmt: skip
    main = program(code, [(2, ReferenceKind.CALL, 1, 0), (5, ReferenceKind.FUNCTION, 2, 0)])
    leaf, callback = function(LE.exit(), "leaf"), function(LE.exit(), "callback")
    spec = collection([main, leaf, callback])
    flows = TargetFlows(spec)
    assert flows.dead_for(main, 2, (main,)) == ("",)
    assert flows.dead_for(main, 3, (main,)) == ()
    assert flows.dead_for(leaf, 0, (main,)) == ("",)
    assert flows.dead_for(callback, 0, (main,)) == ()
    assert flows.is_dead(("",))
    assert flows.users(leaf) == (main,)
    assert flows.dead_for(leaf, 0, ()) == ()
