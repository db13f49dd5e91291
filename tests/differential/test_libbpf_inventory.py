"""Our view of real objects equals libbpf 1.7's: programs, maps, their order, names and numbers.

``tests/data/libbpf-inventory-bookworm.jsonl`` is what libbpf 1.7 answered for the 120 distinct BPF
objects of seven Debian 12 packages: its programs and maps, or why it would not open the object.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec
from tests.differential.objects import ROOT, get_debian_object

_DATA = ROOT / "tests" / "data" / "libbpf-inventory-bookworm.jsonl"
_ROWS = [json.loads(line) for line in _DATA.read_text("utf-8").splitlines()]
_OPENED = [row for row in _ROWS if row["event"] == "inventory"]
_REFUSED = [row for row in _ROWS if row["event"] == "result"]


def _read(row: dict[str, Any]) -> CollectionSpec:
    return read(get_debian_object(row["object"], row["sha256_16"]))


def _name(row: dict[str, Any]) -> str:
    return str(row["object"])


@pytest.mark.parametrize("row", _OPENED, ids=_name)
def test_programs_are_libbpfs(row: dict[str, Any]) -> None:
    keys = ("name", "section", "type", "attach", "insns", "autoload")
    ours = [
        (
            p.name,
            p.section,
            p.type.number,
            p.attach_type.number if p.attach_type else 0,
            p.insn_count,
            p.autoload,
        )
        for p in _read(row).programs
    ]
    assert ours == [tuple(program[key] for key in keys) for program in row["programs"]]


@pytest.mark.parametrize("row", _OPENED, ids=_name)
def test_maps_are_libbpfs(row: dict[str, Any]) -> None:
    ours = [
        (m.libbpf_name(row["object"]), m.type.number, m.key_size, m.value_size, m.max_entries)
        for m in _read(row).maps
    ]
    keys = ("name", "type", "key", "value", "max")
    assert ours == [tuple(item[key] for key in keys) for item in row["maps"]]


@pytest.mark.parametrize("row", _REFUSED, ids=_name)
def test_what_libbpf_refuses_is_read_all_the_same(row: dict[str, Any]) -> None:
    spec = _read(row)
    assert spec.functions or spec.maps


def test_every_object_of_the_packages_is_listed() -> None:
    assert len(_ROWS) == 120
    assert len(_OPENED) == 94
