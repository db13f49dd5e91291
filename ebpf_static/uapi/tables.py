"""The generated name tables, read from package data on first use.

Each table is a JSON file made by ``scripts/make_uapi_tables.py``; every row names its source (a
kernel commit, or a repository and path).
"""

from __future__ import annotations

import json
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ebpf_static.package_data import read_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ebpf_static.target import Platform


@cache
def read_rows(platform: Platform, table: str) -> tuple[Mapping[str, Any], ...]:
    """Return the rows of ``table`` (``map_types``, ``helpers``, ``sections`` …) in order."""
    document = json.loads(read_data("ebpf_static.uapi", "data", platform.value, f"{table}.json"))
    return tuple(MappingProxyType(row) for row in document["rows"])


@cache
def rows_by_number(platform: Platform, table: str) -> Mapping[int, Mapping[str, Any]]:
    """Return the rows of ``table`` that belong to no single program type, by number."""
    rows = read_rows(platform, table)
    return MappingProxyType({row["number"]: row for row in rows if "scope" not in row})
