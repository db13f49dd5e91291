"""The tables the Windows rules judge by, read once and as late as possible.

Made by ``scripts/make_windows_rule_tables.py``; each names the files it comes from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from ebpf_static.isa import Instruction
from ebpf_static.package_data import read_data
from ebpf_static.uapi.constants import HelperId, MapType


class Encoding(NamedTuple):
    """What efW's parts make of one encoding.

    Attributes:
        name: the encoding in words.
        verifier: PREVAIL, as efW configures it, takes it.
        jit: uBPF, as JIT or interpreter, runs it.
        native: bpf2c makes code of it.
        native_since: first release whose bpf2c does, where that is not the first of all.
        jit_documented: False where efW's documentation (2024) says that the JIT does not take it.
        note: what else there is to know.
    """

    name: str
    verifier: bool
    jit: bool
    native: bool
    native_since: str | None = None
    jit_documented: bool = True
    note: str = ""


class MapOperations(NamedTuple):
    """What programs may do with a map type.

    Attributes:
        helpers: names of the helpers that work on it; None where an extension decides.
        verified: the verifier knows the type and refuses wrong helpers.
        limit_enforced: ``max_entries`` bounds the map; None where an extension decides.
    """

    helpers: tuple[str, ...] | None
    verified: bool
    limit_enforced: bool | None


def read_table(name: str) -> list[dict[str, Any]]:
    """Return the rows of a table of this package."""
    text = read_data("ebpf_static_rules", "win", "data", f"{name}.json")
    rows: list[dict[str, Any]] = json.loads(text)["rows"]
    return rows


_FIELDS = ("src", "off", "imm")


@cache
def _encodings() -> Mapping[int, tuple[tuple[Mapping[str, int], Encoding], ...]]:
    found: dict[int, list[tuple[Mapping[str, int], Encoding]]] = {}
    for row in read_table("instructions"):
        fixed = {name: row.pop(name) for name in _FIELDS if name in row}
        found.setdefault(row.pop("opcode"), []).append((fixed, Encoding(**row)))
    return {opcode: tuple(rows) for opcode, rows in found.items()}


def find_encoding(instruction: Instruction) -> Encoding | None:
    """Return efW's view of an instruction; None when its table lists no such encoding."""
    for fixed, encoding in _encodings().get(instruction.opcode, ()):
        if all(getattr(instruction, name) == value for name, value in fixed.items()):
            return encoding
    return None


@cache
def _map_operations() -> Mapping[str, MapOperations]:
    found = {}
    for row in read_table("map_operations"):
        names = row["helpers"]
        helpers = None if names is None else tuple(names)
        found[row["type"]] = MapOperations(helpers, row["verified"], row["limit_enforced"])
    return found


def map_operations(map_type: MapType) -> MapOperations | None:
    """Return what programs may do with a Windows map type, None for one no table knows."""
    return _map_operations().get(map_type.name)


@cache
def _arguments() -> Mapping[tuple[int, str | None], tuple[str, ...]]:
    rows = read_table("helper_arguments")
    return {(row["id"], row.get("scope")): tuple(row["arguments"]) for row in rows}


def helper_arguments(helper: HelperId) -> tuple[str, ...] | None:
    """Return the kinds of a Windows helper's arguments (``PTR_TO_MAP`` …), None when unknown."""
    scope = None if helper.scope is None else helper.scope.name
    return _arguments().get((helper.number, scope))
