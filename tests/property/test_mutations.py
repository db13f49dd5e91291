"""Damaged real objects give a spec or an error of ours, whatever is then asked of the spec."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf_static.errors import EbpfStaticError
from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec
from tests.differential.objects import OURS
from tests.fuzz.mutations import MUTATIONS, mutate
from tests.fuzz.readers import holds
from tests.fuzz.walk import walk

_OBJECTS = tuple(sorted(OURS.rglob("*.o")))
_any_object = st.sampled_from(_OBJECTS)
_seeds = st.integers(0, 1 << 32)


@pytest.mark.parametrize("kind", MUTATIONS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(path=_any_object, seed=_seeds)
def test_reading_survives(kind: str, path: Path, seed: int) -> None:
    data = path.read_bytes()
    walk(mutate(data, Random(seed), kind)[1])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(path=_any_object, seed=_seeds)
def test_checking_survives_several_damages(path: Path, seed: int) -> None:
    random = Random(seed)
    data = path.read_bytes()
    for _ in range(3):
        data = mutate(data, random)[1]
        if len(data) < 64:
            break
    holds("object", data)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(path=_any_object, seed=_seeds)
def test_what_was_read_comes_back_from_json(path: Path, seed: int) -> None:
    data = path.read_bytes()
    spec = walk(mutate(data, Random(seed))[1])
    if spec is not None:
        assert CollectionSpec.model_validate_json(spec.model_dump_json()) == spec


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.sampled_from((b"", b"\x7fELF\2\1\1", b"\x7fELF\2\2\1")))
def test_any_bytes(data: bytes, start: bytes) -> None:
    walk(start + data)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(path=_any_object, size=st.integers(0, 4096))
def test_any_beginning_of_an_object(path: Path, size: int) -> None:
    data = path.read_bytes()[:size]
    with pytest.raises(EbpfStaticError):
        read(data[: min(size, len(data) - 1)])
