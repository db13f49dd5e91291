"""What Linux helpers return, and what they do with memory they are given.

Source: the helpers' ``struct bpf_func_proto`` (``data/helpers.json``).
"""

from __future__ import annotations

import json
from functools import cache
from typing import NamedTuple

from ebpf_static.package_data import read_data


class Memory(NamedTuple):
    """Memory handed to a helper.

    Attributes:
        argument: which argument is its address, from 0.
        size: which is its size in bytes; None where the map or the helper says it.
        written: whether the helper writes all of it; else it reads it.
    """

    argument: int
    size: int | None
    written: bool


def argument_count(helper: int) -> int:
    """Return how many arguments a helper surely takes, 0 for what no table knows."""
    return _table().arguments.get(helper, 0)


def addresses_of(helper: int) -> tuple[int, ...]:
    """Return which arguments of a helper, from 0, have to be addresses and not NULL."""
    return _table().addresses.get(helper, ())


def gives_number(helper: int) -> bool:
    """Tell whether a helper returns a number, and no address (``RET_INTEGER``)."""
    return helper in _table().numbers


def may_give_null(helper: int) -> bool:
    """Tell whether a helper returns an address or NULL (``PTR_MAYBE_NULL``)."""
    return helper in _table().nullable


def memory_of(helper: int) -> tuple[Memory, ...]:
    """Return the memory a helper is handed."""
    return _table().memory.get(helper, ())


class _Table(NamedTuple):
    arguments: dict[int, int]
    addresses: dict[int, tuple[int, ...]]
    numbers: frozenset[int]
    nullable: frozenset[int]
    memory: dict[int, tuple[Memory, ...]]


@cache
def _table() -> _Table:
    rows = json.loads(read_data("ebpf_static.analysis", "data", "helpers.json"))["helpers"]
    return _Table(
        {row["id"]: row["arguments"] for row in rows if "arguments" in row},
        {row["id"]: tuple(row.get("addresses", ())) for row in rows},
        frozenset(row["id"] for row in rows if row.get("number")),
        frozenset(row["id"] for row in rows if row.get("nullable")),
        {row["id"]: tuple(Memory(*it) for it in row.get("memory", ())) for row in rows},
    )
