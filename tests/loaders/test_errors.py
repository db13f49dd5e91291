"""What is left of a verifier log, and which rule it points to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static_loaders.linux.errors import errno_name, predicted_rule, rejected, trim_log

ROOT = Path(__file__).resolve().parents[2]
LOG = """\
func#0 @0
0: R1=ctx() R10=fp0
; int zero = 0; @ probe.c:10
0: (b7) r1 = 0
R1_w=0
; value = map_lookup_elem(&table, &zero); @ probe.c:12
1: (85) call bpf_map_lookup_elem#1
R0=map_value_or_null(id=1)
; return *value; @ probe.c:13
2: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
verification time 120 usec
stack depth 4
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0
"""


def test_statistics_and_states_go_and_the_verdict_stays() -> None:
    lines = trim_log(LOG).splitlines()
    assert lines[-1] == "R0 invalid mem access 'map_value_or_null'"
    assert "; return *value; @ probe.c:13" in lines
    assert not any("processed" in line or line.startswith("R1_w") for line in lines)


def test_the_line_of_c_is_kept_however_far_above() -> None:
    log = "; start @ a.c:1\n" + "".join(f"{i}: (b7) r1 = 0\n" for i in range(40)) + "verdict\n"
    assert trim_log(log).splitlines()[0] == "; start @ a.c:1"
    assert len(trim_log(log).splitlines()) < 20
    assert trim_log("") == ""


@pytest.mark.parametrize(
    ("log", "rule"),
    [
        ("unknown func bpf_frobnicate#999", "HLP201"),
        ("cannot call GPL-restricted function from non-GPL compatible program", "LIC001"),
        ("unreachable insn 7", "INS006"),
        ("R1 invalid mem access 'scalar'", "INS211"),
        (LOG, "INS212"),
        ("something nobody foresaw", None),
    ],
)
def test_known_causes_name_their_rule(log: str, rule: str | None) -> None:
    assert predicted_rule(log) == rule
    error = rejected("program `p` is refused", 22, log)
    assert (error.result, error.rule, error.log) == ("EINVAL", rule, log)
    assert ("see rule" in str(error)) is (rule is not None)


def test_errors_of_the_kernel_python_does_not_know() -> None:
    assert errno_name(524) == "ENOTSUPP"
    assert errno_name(9999) == "errno 9999"


def test_every_rule_named_exists() -> None:
    known = {meta.code for meta in es.rules()}
    sources = (ROOT / "loaders").rglob("*.py")
    named = {
        code
        for path in sources
        for code in re.findall(r'"([A-Z]{3}\d{3})"', path.read_text("utf-8"))
    }
    assert len(named) > 20
    assert named <= known
