"""What both platforms' tables share."""

from __future__ import annotations

import re

from scripts.support_tables.common import Row

SPAN = re.compile(r"v([\d.]+)\.\.v([\d.]+)")

Table = tuple[list[str], list[Row]]
"""What a table was read from, and its rows."""


def release(text: str | None) -> str | None:
    """Return ``v0.21.0`` as ``0.21.0``."""
    return None if text is None else text.removeprefix("v")


DATA_KINDS = {
    ".maps": "maps",
    "maps": "legacy_maps",
    "license": "license",
    "version": "version",
    ".data": "data",
    ".rodata": "rodata",
    ".bss": "bss",
    ".kconfig": "kconfig",
    ".ksyms": "ksyms",
    ".struct_ops": "struct_ops",
    ".struct_ops.link": "struct_ops_link",
    ".addr_space.1": "arena",
    ".jumptables": "jumptables",
    ".percpu": "percpu",
}
