"""Calls behind a question only the target's types answer: sure beside it, a note behind it."""

from __future__ import annotations

from typing import Any

import pytest

from ebpf_static.api import check
from ebpf_static.findings import Finding, Severity
from tests.rules.spec_builder import build_spec

_ENUM, _TYPE_EXISTS, _TYPE_SIZE, _ENUMVAL_EXISTS = 2, 8, 9, 10
_RINGBUF = ["mov r1 8", "mov r2 0", "call 131"]  # bpf_ringbuf_reserve, since Linux 5.8
_EXIT = ["mov r0 0", "exit"]


def _findings(code: list[str], *kinds: int, select: str = "HLP201", **more: Any) -> list[Finding]:
    program = {"name": "f", "section": "kprobe/x", "code": code}
    spec = build_spec(
        {
            "programs": [program],
            "types": ["integer int 4", "enum bpf_func_id BPF_FUNC_ringbuf_reserve:131"],
            "core": [
                {"section": "kprobe/x", "insn": at, "type": _ENUM, "kind": kind}
                for at, kind in enumerate(kinds)
            ],
            **more,
        }
    )
    return list(check(spec, targets=["linux:5.4"], select=[select]).findings)


@pytest.mark.parametrize("kind", [_TYPE_EXISTS, _ENUMVAL_EXISTS])
@pytest.mark.parametrize("test", ["jeq", "jne"])
def test_guarded_call_is_undecided(kind: int, test: str) -> None:
    (finding,) = _findings(["mov r6 1", f"jump {test} r6 0 3", *_RINGBUF, *_EXIT], kind)
    assert (finding.severity, finding.undecided) == (Severity.NOTE, True)
    assert finding.message.endswith("not given, make it dead")


def test_call_beside_a_guard_is_an_error() -> None:
    code = ["mov r6 1", "jump jeq r6 0 1", "mov r7 0", *_RINGBUF, *_EXIT]
    (finding,) = _findings(code, _TYPE_EXISTS)
    assert (finding.severity, finding.undecided) == (Severity.ERROR, False)


def test_call_behind_either_of_two_guards_is_undecided() -> None:
    code = ["mov r6 1", "mov r7 1", "jump jne r6 0 1", "jump jeq r7 0 3", *_RINGBUF, *_EXIT]
    (finding,) = _findings(code, _TYPE_EXISTS, _TYPE_EXISTS)
    assert finding.undecided


def test_sizes_may_be_anything() -> None:
    (finding,) = _findings(["mov r6 1", "jump jne r6 8 3", *_RINGBUF, *_EXIT], _TYPE_SIZE)
    assert finding.undecided


def test_map_of_the_other_branch_is_undecided() -> None:
    code = ["mov r6 1", "jump jne r6 0 4", "lddw r2 0", "mov r4 0", "call 25", *_EXIT]
    (finding,) = _findings(
        code,
        _TYPE_EXISTS,
        select="HLP203",
        maps=[{"name": "events", "type": "RINGBUF", "max_entries": 4096}],
        programs=[
            {
                "name": "f",
                "section": "kprobe/x",
                "code": code,
                "references": [{"index": 2, "kind": "map", "name": "events"}],
            }
        ],
    )
    assert "`events`, of type RINGBUF, which it does not take" in finding.message
    assert finding.undecided


@pytest.mark.parametrize(
    ("section", "release", "taken"),
    [
        ("iter/tcp", "5.10", False),
        ("iter/tcp", "5.15", True),
        ("iter/tcp", "6.1", True),
        ("iter/unix", "5.15", False),
        ("iter/unix", "6.1", True),
        ("iter/udp", "6.1", False),
        ("lsm_cgroup/sock_graft", "6.1", True),
        ("lsm_cgroup/socket_bind", "6.1", False),
    ],
)
def test_hooks_and_iterators_may_call_what_their_sockets_take(
    section: str, release: str, *, taken: bool
) -> None:
    program = {"name": "f", "section": section, "code": ["call 57", *_EXIT]}
    spec = build_spec({"programs": [program]})
    findings = check(spec, targets=[f"linux:{release}"], select=["HLP202"]).findings
    assert [(it.severity, it.undecided) for it in findings] == (
        [] if taken else [(Severity.ERROR, False)]
    )
