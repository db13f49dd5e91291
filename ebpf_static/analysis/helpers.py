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


def gives_number(helper: int) -> bool:
    """Tell whether a helper returns a number, and no address (``RET_INTEGER``)."""
    return helper in _table()[0]


def may_give_null(helper: int) -> bool:
    """Tell whether a helper returns an address or NULL (``PTR_MAYBE_NULL``)."""
    return helper in _table()[2]


def memory_of(helper: int) -> tuple[Memory, ...]:
    """Return the memory a helper is handed."""
    return _table()[1].get(helper, ())


@cache
def _table() -> tuple[frozenset[int], dict[int, tuple[Memory, ...]], frozenset[int]]:
    table = json.loads(read_data("ebpf_static.analysis", "data", "helpers.json"))
    memory = {
        row["id"]: tuple(Memory(*it) for it in row.get("memory", ())) for row in table["helpers"]
    }
    numbers = frozenset(row["id"] for row in table["helpers"] if row.get("number"))
    nullable = frozenset(row["id"] for row in table["helpers"] if row.get("nullable"))
    return numbers, memory, nullable
