"""What stays different although both platforms have it, from ``data/differences.json``.

The table is made by ``scripts/make_windows_rule_tables.py`` from the facts on eBPF for Windows;
its notes describe Windows and are told whichever way an object goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from ebpf_static.package_data import read_data
from ebpf_static.target import Platform
from ebpf_static.uapi.base import UapiConstant
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType
from ebpf_static.uapi.tables import read_rows

_KINDS = {MapType: "map type", HelperId: "helper", ProgramType: "program type"}


@cache
def _notes() -> Mapping[tuple[str, str], tuple[str, ...]]:
    text = read_data("ebpf_static.port", "data", "differences.json")
    return {(row["kind"], row["name"]): tuple(row["notes"]) for row in json.loads(text)["rows"]}


def find_differences(constant: UapiConstant | None) -> tuple[str, ...]:
    """Return what is particular about a Windows constant; nothing for a Linux one."""
    if constant is None or constant.platform is not Platform.WINDOWS:
        return ()
    return _notes().get((_KINDS[type(constant)], constant.name), ())


def find_section(
    program_type: ProgramType, attach_type: AttachType | None, like: str
) -> str | None:
    """Return the section that makes programs of this type and attach type.

    ``like`` is the section on the other platform: where both have one of that name, it is that.
    """
    rows = [
        row["pattern"]
        for row in read_rows(program_type.platform, "sections")
        if row["program_type"] == program_type.name
        and row.get("attach_type") == (attach_type.name if attach_type else None)
        and not row.get("until")
    ]
    names = [pattern.rstrip("+") for pattern in rows]
    if like in names:
        return like
    return min(names, key=len) if names else None
