"""The rules ebpf-static ships: first-party plugins that use only the public contracts.

The registry finds this package by the dotted name ``ebpf_static_rules:builtin``; other people's
rules come through the entry-point group ``ebpf_static.rules`` and have the same rights.

One rule a file, ``<family>/<code>_<slug>.py``. Beside them: ``bases`` (rules that differ only in
what they look for), ``code`` and ``facts`` (what instructions and call graph show, worked out once
per object), ``evidence`` and ``wording``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module

from ebpf_static.findings import Severity
from ebpf_static.package_data import read_data
from ebpf_static.plugins import Rule, RuleEntry, RuleStatus
from ebpf_static.target import Platform

FAMILIES = (
    "plt",
    "elf",
    "btf",
    "map",
    "prg",
    "hlp",
    "lic",
    "ins",
    "rel",
    "win",
    "ctx",
    "sop",
    "att",
    "val",
    "ldr",
)
INDEX = "index.json"
"""What :func:`builtin` reads: every rule's identity, made by ``scripts/make_rule_index.py``."""


def builtin() -> tuple[RuleEntry, ...]:
    """Return every rule of this package, listed but not imported."""
    rows = json.loads(read_data(__name__, INDEX))
    return tuple(
        RuleEntry(
            code=row["code"],
            name=row["name"],
            severity=Severity(row["severity"]),
            status=RuleStatus(row["status"]),
            platforms=tuple(Platform(name) for name in row["platforms"]),
            module=f"{__name__}.{row['module']}",
            class_name=row["class"],
            release_only=row["release_only"],
        )
        for row in rows
    )


def iter_classes() -> Iterator[type[Rule]]:
    """Yield every rule class by family, imported: what the index is made from."""
    for family in FAMILIES:
        yield from import_module(f"{__name__}.{family}.all_rules").RULES
