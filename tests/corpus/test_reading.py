"""What the manifest states of every object of the corpus, the reader finds: no more, no less."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from corpus import build
from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec, MapSpec, ProgramSpec
from ebpf_static.specs.variable import ExternKind, ExternSpec

CORPUS = Path(build.__file__).parent
ENTRIES: list[dict[str, Any]] = json.loads((CORPUS / "MANIFEST.json").read_text("utf-8"))["objects"]
OTHER = {"linux": "windows", "windows": "linux"}

every_object = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["path"])


@cache
def _read(path: str) -> CollectionSpec:
    return read(CORPUS / path)


@every_object
def test_platform(entry: dict[str, Any]) -> None:
    found = _read(entry["path"]).platform.value
    stated = entry["expectations"]["platform"]
    if stated is None:
        assert found != OTHER[entry["written_for"]]
    else:
        assert found == stated


@every_object
def test_programs(entry: dict[str, Any]) -> None:
    assert [_program(p) for p in _read(entry["path"]).programs] == [
        {"autoload": True} | row | {"type": row["type"] or "UNSPEC"}
        for row in entry["expectations"]["programs"]
    ]


def _program(program: ProgramSpec) -> dict[str, Any]:
    return {
        "name": program.name,
        "section": program.section,
        "type": program.type.name,
        "attach_type": program.attach_type.uapi if program.attach_type else None,
        "autoload": program.autoload,
    }


@every_object
def test_maps(entry: dict[str, Any]) -> None:
    stated = entry["expectations"]["maps"]
    if stated is None:
        # Nothing is stated where the definitions cannot be read: then the reader says so.
        assert "maps" in [problem.kind for problem in _read(entry["path"]).problems]
        return
    found = _read(entry["path"]).maps
    assert found.keys() == tuple(row["name"] for row in stated)
    for row, item in zip(stated, found, strict=True):
        assert {key: _field(item, key, value) for key, value in row.items()} == row


def _field(item: MapSpec, key: str, stated: Any) -> Any:
    """Return a map's field the way the manifest writes it."""
    if key == "type":
        return item.type.name
    if key == "values":
        return {str(value.index): value.name for value in item.values}
    if key == "inner":
        if item.inner is None or isinstance(stated, str):
            return item.inner_name
        return {name: _field(item.inner, name, value) for name, value in stated.items()}
    return getattr(item, key)


@every_object
def test_subprograms(entry: dict[str, Any]) -> None:
    spec = _read(entry["path"])
    found = [f.name for f in spec.functions if not isinstance(f, ProgramSpec)]
    if "subprograms" in entry["expectations"]:
        assert sorted(found) == sorted(entry["expectations"]["subprograms"])
    assert len(found) + len(spec.programs) == len(spec.functions)


@every_object
def test_externs(entry: dict[str, Any]) -> None:
    stated = entry["expectations"].get("externs", [])
    found = {e.name: _extern(e) for e in _read(entry["path"]).externs}
    assert found == {row["name"]: {"weak": False} | row for row in stated}


def _extern(extern: ExternSpec) -> dict[str, Any]:
    typeless = extern.kind is ExternKind.KSYM and not extern.typed
    kind = f"typeless {extern.kind.value}" if typeless else extern.kind.value
    return {"name": extern.name, "kind": kind, "weak": extern.weak}


@every_object
def test_byte_order(entry: dict[str, Any]) -> None:
    assert _read(entry["path"]).byte_order == entry["byte_order"]


@every_object
def test_reader_steps_over_nothing_but_maps_without_btf(entry: dict[str, Any]) -> None:
    kinds = {problem.kind for problem in _read(entry["path"]).problems}
    assert kinds == (set() if entry["expectations"]["maps"] is not None else {"maps"})
