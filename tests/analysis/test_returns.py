"""Constants that reach an exit, and those that do not."""

from __future__ import annotations

import pytest

from ebpf_static.analysis.returns import returned_constants
from tests.rules.spec_builder import build_spec


def _returned(*code: str) -> dict[int, int]:
    spec = build_spec({"programs": [{"name": "f", "code": list(code)}]})
    return returned_constants(spec.programs["f"])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (("mov r0 1", "exit"), {0: 1}),
        (("mov r0 -1 bits=32", "exit"), {0: 0xFFFFFFFF}),
        (("mov r0 1", "jump jeq r2 0 1", "mov r0 2", "exit"), {0: 1, 2: 2}),
        (("mov r0 1", "ja 1", "mov r0 2", "exit"), {0: 1, 2: 2}),
        (("mov r0 1", "mov r0 2", "exit"), {1: 2}),
        (("mov r0 1", "alu add r0 1", "exit"), {}),
        (("mov r0 1", "call 5", "exit"), {}),
        (("mov r0 1", "ldx 64 r0 r1 0", "exit"), {}),
        (("mov r0 1", "stx 64 r10 -8 r0", "exit"), {0: 1}),
        (("mov r0 1", "lddw r0 5", "exit"), {}),
        (("mov r0 1", "ld_abs 32 0", "exit"), {}),
        (("mov r0 1", "atomic 64 r10 -8 r1 0xf1", "exit"), {}),
        (("mov r0 1", "atomic 64 r10 -8 r0 0xe1", "exit"), {}),
        (("mov r0 1", "atomic 64 r10 -8 r0 0", "exit"), {}),
        (("mov r0 1", "jump jeq r2 0 -1", "exit"), {0: 1}),
        (("mov r1 1", "exit"), {}),
        (("mov r0 1", "insn 0x8e", "exit"), {}),
        (("mov r0 1", "gotox r1", "exit"), {}),
    ],
)
def test_returned_constants(code: tuple[str, ...], expected: dict[int, int]) -> None:
    assert _returned(*code) == expected


def test_a_loop_ends() -> None:
    assert _returned("mov r0 7", "ja -1") == {}
    assert _returned("mov r0 7", "jump jeq r1 0 -2", "exit") == {0: 7}
