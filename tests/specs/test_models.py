"""Specs are values: frozen, hashable, with computed parts that never outlive their fields."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from ebpf_static.reading import read
from ebpf_static.specs import ByName, CollectionSpec, FunctionSpec, VariableSpec
from ebpf_static.target import Platform
from tests.differential.objects import OURS

_PATH = OURS / "linux" / "subprograms-clang19-el.o"


@pytest.fixture(scope="module")
def spec() -> CollectionSpec:
    return read(_PATH)


@pytest.mark.parametrize("name", ["license", "maps", "unheard_of"])
def test_nothing_can_be_changed(spec: CollectionSpec, name: str) -> None:
    with pytest.raises(ValidationError):
        setattr(spec, name, None)
    with pytest.raises(ValidationError):
        setattr(spec.functions[0], name, None)


def test_equal_bytes_are_equal_and_hash_alike(spec: CollectionSpec) -> None:
    other = read(_PATH)
    assert other is not spec
    assert other == spec
    assert len({other, spec}) == 1
    assert {*other.functions} == {*spec.functions}
    # What was computed on one of them plays no part.
    assert other.functions[0].instructions
    assert other.programs
    assert other == spec
    assert hash(other) == hash(spec)


def test_copies_compute_anew(spec: CollectionSpec) -> None:
    assert spec.programs
    assert spec.get_linked(spec.programs[0])
    fewer = spec.model_copy(update={"functions": ByName(spec.functions[:1])})
    assert len(fewer.functions) == 1
    assert len(fewer.programs) <= 1
    assert fewer.license == spec.license
    function = spec.functions[0]
    assert function.instructions
    shorter = function.model_copy(update={"code": function.code[:8]})
    assert len(shorter.instructions) == 1
    assert function.model_copy() == function


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_copied_specs_link_their_own_functions(again: object, spec: CollectionSpec) -> None:
    assert callable(again)
    assert spec.get_linked(spec.programs[0])
    other = again(spec)
    assert other == spec
    linked = other.get_linked(other.programs[0])
    assert [f.name for f in linked] == [f.name for f in spec.get_linked(spec.programs[0])]
    assert linked[0] is other.programs[0]


def test_equal_functions_link_by_identity_first() -> None:
    code = bytes.fromhex("b700000000000000 9500000000000000")
    one = FunctionSpec(
        name="f", section="xdp", section_index=1, section_offset=0, linkage="global",
        byte_order="little", code=code,
    )  # fmt: skip
    twin = one.model_copy()
    spec = CollectionSpec(
        platform=Platform.LINUX,
        numbering=Platform.LINUX,
        byte_order="little",
        functions=ByName((one, twin)),
    )
    assert spec.get_linked(spec.functions[1])[0] is spec.functions[1]


def test_by_name() -> None:
    rows = tuple(
        VariableSpec(name=name, section=".data", offset=at, size=1)
        for at, name in enumerate(("a", "", "b", "a"))
    )
    named = ByName(rows)
    assert named["a"] is rows[0]
    assert named[""] is rows[1]
    assert named[-1] is rows[3]
    assert named[1:3] == rows[1:3]
    assert named.get("b") is rows[2]
    assert named.get("c") is None
    assert named.get("c", 5) == 5
    assert named.get_all("a") == (rows[0], rows[3])
    assert named.keys() == ("a", "", "b", "a")
    assert named.values() == rows
    assert list(named.items())[3] == ("a", rows[3])
    keys: ByName[Any] = named
    assert "a" in keys
    assert "c" not in keys
    assert rows[0] in keys
    assert len(named) == 4
    assert list(named) == list(rows)
    assert named == rows
    assert hash(named) == hash(rows)
    assert isinstance(named, tuple)
    with pytest.raises(KeyError):
        named["c"]
    with pytest.raises(IndexError):
        keys[4]


def test_models_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        VariableSpec(name="a", section=".data", offset=0, size=1, colour="red")  # type: ignore[call-arg]
