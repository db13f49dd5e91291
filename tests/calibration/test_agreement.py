"""Verdicts agree with real kernels within what was promised; agreement may only get better."""

from __future__ import annotations

import lzma
import re
from functools import cache

import pytest

from ebpf_static.verdict import Status
from tests.calibration.__main__ import disagreements, document, row
from tests.calibration.agreement import CAUSES, KERNELS, WAYS, Agreement, Pair, Row, compare
from tests.differential.objects import MISSING, ROOT

FALSELY_REJECTED = 0.005
FALSELY_LOADS = 0.02
UNKNOWN = 0.03
REASONS = 0.95


@cache
def _compared(kernel: str, way: str) -> Agreement:
    found = compare(kernel, way)
    if not found.pairs:
        pytest.skip(MISSING)
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_agreement(kernel: str, way: str) -> None:
    found = _compared(kernel, way)
    table, whole = found.table(), len(found.pairs)
    wrong = [(pair.row.object, pair.row.program, pair.message) for pair in found.wrong()]
    assert table[Status.REJECTED, True] <= FALSELY_REJECTED * whole, wrong
    assert table[Status.LOADS, False] <= FALSELY_LOADS * whole, wrong
    unknown = table[Status.UNKNOWN, True] + table[Status.UNKNOWN, False]
    assert unknown <= UNKNOWN * whole, wrong


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_first_reasons(kernel: str, way: str) -> None:
    found = _compared(kernel, way)
    agree = [pair.agrees for pair in found.pairs if pair.agrees is not None]
    assert sum(agree) >= REASONS * len(agree)


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_cause_is_some_rule_s(kernel: str) -> None:
    packed = (ROOT / "tests" / "data" / "verdicts" / f"{kernel}.jsonl.xz").read_bytes()
    causes = set(re.findall(r'\[\d+, "([a-z-]+)"\]', lzma.decompress(packed).decode()))
    assert causes <= CAUSES.keys()


def test_the_documented_table_is_current() -> None:
    found = [_compared(kernel, way) for kernel in KERNELS for way in WAYS]
    if any(item.missing for item in found):
        pytest.skip(MISSING)
    text = (ROOT / "docs" / "agreement.md").read_text("utf-8")
    for item in found:
        assert row(item) in text


def _pair(*, loads: bool, predicted: Status, cause: str = "", reason: str = "") -> Pair:
    asked = Row("o", "", "program", "p", None, None)
    return Pair(asked, loads, cause, predicted, reason, "")


def test_what_counts_as_wrong() -> None:
    right = _pair(loads=False, predicted=Status.REJECTED, cause="license", reason="LIC001")
    other = _pair(loads=False, predicted=Status.REJECTED, cause="license", reason="MAP104")
    missed = _pair(loads=False, predicted=Status.LOADS, cause="verifier")
    doubted = _pair(loads=True, predicted=Status.UNKNOWN, reason="PRG203")
    fine = _pair(loads=True, predicted=Status.LOADS)
    item = Agreement("6.1", "sized", [right, other, missed, doubted, fine])
    assert list(item.wrong()) == [other, missed, doubted]
    assert item.table()[Status.REJECTED, False] == 2
    assert "1 of 2 |" in row(item)
    lines = disagreements([item])
    assert lines["loaded, we say unknown (PRG203): o, p"] == 1
    assert "1 × verifier, we say loads: o, p" in document("", lines)
