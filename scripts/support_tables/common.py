"""What all parts share: reading snapshots, writing spans, knowing which kernel trees were read."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SNAPSHOTS = ROOT / "scripts" / "snapshots"
UAPI_HEADER = "torvalds/linux:include/uapi/linux/bpf.h"

Row = dict[str, Any]


class Table:
    """One output file: its sources, header fields and rows.

    Attributes:
        source: what its facts were read from.
        rows: one JSON object a line in the file.
        header: other top-level members, small ones.
    """

    def __init__(self, source: list[str], rows: list[Row], **header: Any) -> None:
        self.source = source
        self.rows = rows
        self.header = header


@cache
def snapshot(name: str) -> Row:
    """Return the fact file ``linux/helpers``."""
    facts: Row = json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))
    return facts


def compact(**fields: Any) -> Row:
    """Return ``fields`` without the empty ones (False and 0 stay)."""
    return {key: value for key, value in fields.items() if value not in (None, [], {}, ())}


def shorten(name: str, *prefixes: str) -> str:
    """Return ``name`` without the first of ``prefixes`` it starts with."""
    for prefix in prefixes:
        if name.startswith(prefix):
            return name[len(prefix) :]
    raise ValueError(f"{name!r} starts with none of {prefixes}")


def key(version: str) -> tuple[int, ...]:
    """Return a sortable key: 6.10 is newer than 6.9; a candidate older than its release."""
    number, _, candidate = version.partition("-rc")
    parts = [int(part) for part in number.split(".")]
    return (*parts, *[0] * (3 - len(parts)), int(candidate or 1 << 20))


@cache
def columns() -> tuple[str, ...]:
    """Return the mainline lines of which a source tree was read, in order."""
    trees = snapshot("linux/trees")["trees"]
    lines = [tree["column"] for tree in trees if re.fullmatch(r"\d+\.\d+", tree["column"])]
    return tuple(sorted(lines, key=key))


def seen(since: str) -> str | None:
    """Return the first tree at or after ``since``, None when that line itself was read."""
    found = next((column for column in columns() if key(column) >= key(since)), since)
    return None if found == since else found


def span(
    since: str,
    until: str | None = None,
    *,
    when: str | None = None,
    dated: bool = False,
    bound: bool = False,
) -> Row:
    """Return a span.

    Args:
        since: first release.
        until: first release without it again.
        when: key of the table's ``conditions``.
        dated: whether ``since`` is from commit dates or documents, because no tree was read.
        bound: whether ``since`` is a lower bound only.
    """
    row = compact(since=since, until=until, when=when)
    first = seen(since) if dated or bound else None
    if first is not None:
        row["seen"] = first
        if bound:
            row["bound"] = True
    return row


def in_absent_line(since: str) -> bool:
    """Whether no tree of the line of ``since`` was read although older ones were."""
    return key(since) > key(columns()[0]) and since not in columns()


class Conditions:
    """The conditions of a table, each list of texts stored once under a short key."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, ...], str] = {}

    def key(self, texts: list[str]) -> str | None:
        """Return the key of ``texts``, None for no condition."""
        if not texts:
            return None
        return self._keys.setdefault(tuple(texts), f"c{len(self._keys)}")

    def table(self) -> Row:
        """Return key to texts."""
        return {name: list(texts) for texts, name in self._keys.items()}


def attach_names(names: list[str]) -> str:
    """Return attach types without ``BPF_``, as conditions name them."""
    return " ".join(shorten(name, "BPF_") for name in names)


JITS = {"x86": "x86_64"}
"""Names of JIT folders that are not the architecture's name (32-bit x86 has almost no hook)."""


def architectures(hook: str, *, x86_64: str | None = None) -> str:
    """Return the condition on the architecture that a JIT hook makes.

    Args:
        hook: a function of ``arch/*/net``.
        x86_64: the release x86-64 has the feature from, where that is before the hook.
    """
    found = snapshot("linux/arch_features")["features"][hook]
    first = {JITS.get(arch, arch): since for arch, since in sorted(found.items())}
    if x86_64 is not None:
        first["x86_64"] = x86_64
    return "arch=" + " ".join(f"{arch}:{since}" for arch, since in first.items())
