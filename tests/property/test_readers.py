"""Every reader of strangers' bytes keeps its promise on damaged inputs; see tests.fuzz.readers."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import BOUNDARIES
from tests.fuzz.readers import READERS, holds

_EDITS = st.lists(
    st.tuples(
        st.integers(0, 1 << 16),
        st.sampled_from((1, 2, 4, 8)),
        st.sampled_from(BOUNDARIES) | st.integers(0, 255),
    ),
    max_size=8,
)


@cache
def seeds(name: str) -> tuple[bytes, ...]:
    """Return the smaller sound inputs of a reader."""
    found = sorted(READERS[name].seeds(), key=len)
    return tuple(found[: max(24, len(found) // 2)])


def damaged(data: bytes, edits: list[tuple[int, int, int]], cut: int) -> bytes:
    """Return ``data`` with numbers overwritten and the end cut off."""
    raw = bytearray(data)
    for place, size, value in edits:
        at = place % len(raw)
        number = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        raw[at : at + size] = number[: len(raw) - at]
    return bytes(raw[: max(1, len(raw) - cut)])


@pytest.mark.parametrize("name", READERS)
def test_sound_inputs_are_taken(name: str) -> None:
    assert any(holds(name, data) for data in seeds(name))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=80, deadline=None, derandomize=True)
@given(number=st.integers(0, 1 << 16), edits=_EDITS, cut=st.sampled_from((0, 0, 0, 1, 7, 64, 500)))
def test_damaged_inputs(
    name: str, number: int, edits: list[tuple[int, int, int]], cut: int
) -> None:
    found = seeds(name)
    holds(name, damaged(found[number % len(found)], edits, cut))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.binary(max_size=300), number=st.integers(0, 1 << 16), keep=st.integers(0, 64))
def test_any_bytes_after_a_sound_beginning(name: str, data: bytes, number: int, keep: int) -> None:
    found = seeds(name)
    holds(name, found[number % len(found)][:keep] + data)
