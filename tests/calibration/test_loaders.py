"""Verdicts for other loaders than libbpf agree with what those said; agreement may only grow."""

from __future__ import annotations

from functools import cache

import pytest

from ebpf_static.verdict import Status
from tests.calibration.agreement import WAYS
from tests.calibration.loaders import LOADERS, Pair, compare, row_of, table_of
from tests.calibration.test_agreement import FALSELY_LOADS, FALSELY_REJECTED, UNKNOWN
from tests.differential.objects import MISSING, ROOT, debian_objects

READ = ("cilium-0.22", "aya-0.13")
"""Releases whose sources were read; of others much is not known."""


@cache
def _compared(name: str, way: str) -> tuple[Pair, ...]:
    return tuple(compare(name, way))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LOADERS)
def test_agreement(name: str, way: str) -> None:
    pairs = _compared(name, way)
    table, whole = table_of(list(pairs)), len(pairs)
    assert whole > 100
    wrong = [pair for pair in pairs if (pair.predicted is Status.LOADS) != (pair.refusal is None)]
    assert table[Status.REJECTED, True] <= FALSELY_REJECTED * whole, wrong
    assert table[Status.LOADS, False] <= FALSELY_LOADS * whole or not debian_objects(), wrong
    if name in READ:
        unknown = table[Status.UNKNOWN, True] + table[Status.UNKNOWN, False]
        assert unknown <= UNKNOWN * whole, wrong


def test_the_documented_table_is_current() -> None:
    if not debian_objects():
        pytest.skip(MISSING)
    text = (ROOT / "docs" / "object-loaders.md").read_text("utf-8")
    for name in LOADERS:
        for way in WAYS:
            assert row_of(name, way, list(_compared(name, way))) in text
