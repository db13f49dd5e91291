"""What one pass over code shows: the parts of it no single rule's cases pin down."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf_static.specs import FunctionSpec
from ebpf_static_rules import facts as facts_module
from ebpf_static_rules.code import read_code
from ebpf_static_rules.facts import facts_of
from tests.rules.spec_builder import assemble, build_spec


def _function(code: bytes) -> FunctionSpec:
    return FunctionSpec(
        name="f",
        section="xdp",
        section_index=1,
        section_offset=0,
        linkage="global",
        byte_order="little",
        code=code,
    )


@pytest.mark.parametrize(
    ("lines", "unreachable"),
    [
        (["mov r0 0", "exit"], []),
        (["mov r0 0", "exit", "mov r0 1", "exit"], [2]),
        (["jump jeq r1 0 1", "exit", "exit"], []),
        (["ja 1", "mov r0 1", "exit"], [1]),
        # A loop nobody enters keeps itself alive, not reachable.
        (["exit", "ja -1"], [1]),
        (["exit", "mov r0 0", "ja -2"], [1]),
        # Backwards into the middle of a stretch, then to its start.
        (["ja 2", "mov r0 0", "exit", "jump jeq r1 0 -2", "ja -4"], []),
        (["ja 2", "mov r0 0", "mov r0 1", "jump jeq r1 0 -2", "exit"], [1]),
        (["may_goto 1", "mov r0 0", "exit"], []),
        (["lddw r1 5", "mov r0 0", "exit"], []),
        # Where indirect jumps go is not known.
        (["gotox r1", "mov r0 0", "exit"], []),
    ],
)
def test_reachability(lines: list[str], unreachable: list[int]) -> None:
    assert read_code(_function(assemble(lines))).unreachable == unreachable


def _reachable(lines: list[bytes]) -> set[int]:
    """The obvious way to the same answer."""
    seen: set[int] = set()
    todo = [0]
    while todo:
        at = todo.pop()
        if at in seen or not 0 <= at < len(lines):
            continue
        seen.add(at)
        opcode = lines[at][0]
        offset = int.from_bytes(lines[at][2:4], "little", signed=True)
        if opcode == 0x95:
            continue
        if opcode in (0x05, 0x15):
            todo.append(at + 1 + offset)
        if opcode != 0x05:
            todo.append(at + 1)
    return seen


@given(st.lists(st.tuples(st.sampled_from(["mov", "ja", "jeq", "exit"]), st.integers(-9, 9)),
                min_size=1, max_size=40))  # fmt: skip
def test_reachability_is_that_of_a_plain_walk(choices: list[tuple[str, int]]) -> None:
    size = len(choices)
    lines = []
    for at, (op, jump) in enumerate(choices):
        offset = max(0, min(size - 1, at + 1 + jump)) - at - 1
        text = {
            "mov": "mov r0 0",
            "ja": f"ja {offset}",
            "jeq": f"jump jeq r1 0 {offset}",
            "exit": "exit",
        }[op]
        lines.append(assemble([text]))
    dead = set(range(size)) - _reachable(lines)
    found = read_code(_function(b"".join(lines))).unreachable
    assert set(found) <= dead
    assert bool(found) == bool(dead)
    assert min(found, default=None) == min(dead, default=None)


@given(st.binary(max_size=400).map(lambda raw: raw[: len(raw) // 8 * 8]))
def test_any_bytes_are_judged(code: bytes) -> None:
    found = read_code(_function(code))
    size = len(code) // 8
    indices = [i.index for i in found.unknown] + [j.instruction.index for j in found.jumps]
    assert all(0 <= index < size for index in [*indices, *found.unreachable, *found.seconds])


def test_facts_are_kept_for_one_object_as_long_as_it_lives() -> None:
    first, second = build_spec({}), build_spec({"platform": "windows"})
    kept = facts_of(first)
    assert facts_of(first) is kept
    assert facts_of(second) is not kept
    assert facts_of(first) is not kept
    del first
    gc.collect()
    assert facts_module._latest is None


def test_subprograms_are_judged_by_their_callers() -> None:
    spec = build_spec(
        {
            "programs": [
                {"name": "a", "section": "xdp", "references": [
                    {"index": 0, "kind": "call", "name": "shared"}]},
                {"name": "b", "section": "tc", "references": [
                    {"index": 0, "kind": "call", "name": "shared"}]},
            ],
            "functions": [{"name": "shared"}, {"name": "alone"}],
        }
    )  # fmt: skip
    facts = facts_of(spec)
    assert facts.loaded == (0, 1, 2)
    types = facts.types(2, spec.numbering)
    assert types is not None
    assert {type_.name for type_ in types} == {"XDP", "SCHED_CLS"}
    assert facts.types(3, spec.numbering) == frozenset()
