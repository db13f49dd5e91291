"""The support tables as package data: read on first use, rows turned into facts when asked for.

Each file is made by ``scripts/make_support_tables.py`` and follows ``data/table.schema.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ebpf_static.support.facts import Backport, Condition, Fact, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ebpf_static.target import Platform

Row = dict[str, Any]
_DATA = Path(__file__).with_name("data")


@dataclass(frozen=True, slots=True)
class Table:
    """One file of facts about one platform.

    Attributes:
        platform: whose.
        name: of the file.
        header: everything beside the rows: sources, shared conditions, small tables.
        rows: the rows, in file order.
        by_name: the rows by name; of Windows helpers with a scope, by ``SCOPE.name``.
    """

    platform: Platform
    name: str
    header: Mapping[str, Any]
    rows: tuple[Row, ...]
    by_name: Mapping[str, Row] = field(repr=False)

    def spans(self, row: Row, key: str = "spans") -> tuple[Span, ...]:
        """Return the spans ``row`` has under ``key``."""
        return self.read_spans(row.get(key, ()))

    def read_spans(self, spans: Iterable[Row]) -> tuple[Span, ...]:
        """Return spans with their conditions looked up in the header."""
        return tuple(
            Span(
                since=it["since"],
                until=it.get("until"),
                seen=it.get("seen"),
                bound=it.get("bound", False),
                when=self._conditions(it.get("when")),
            )
            for it in spans
        )

    def _conditions(self, when: str | list[str] | None) -> tuple[Condition, ...]:
        if when is None:
            return ()
        texts = self.header["conditions"][when] if isinstance(when, str) else when
        return tuple(Condition.parse(text) for text in texts)

    def fact(
        self,
        kind: str,
        row: Row,
        spans: tuple[Span, ...] | None = None,
        backports: Iterable[Row] = (),
    ) -> Fact:
        """Return the fact a row tells.

        Args:
            kind: what it is about, in words.
            row: the row.
            spans: spans other than the row's own.
            backports: rows of backports that concern these spans.
        """
        return Fact(
            kind=kind,
            name=row["name"],
            platform=self.platform,
            spans=self.spans(row) if spans is None else spans,
            source=row["source"],
            backports=tuple(
                Backport(it["line"], it["present"], it["by"], it["after"], it["source"])
                for it in backports
            ),
            note=row.get("note"),
        )


@cache
def read_table(platform: Platform, name: str) -> Table:
    """Return the table ``name`` (``map_types``, ``helpers`` …) of ``platform``."""
    path = _path(platform, name)
    document = json.loads(path.read_text(encoding="utf-8"))
    rows = tuple(document.pop("rows"))
    by_name = {
        f"{row['scope']}.{row['name']}" if "scope" in row else row["name"]: row for row in rows
    }
    return Table(platform.numbering, name, document, rows, by_name)


def has_table(platform: Platform, name: str) -> bool:
    """Whether ``platform`` has a table ``name`` (kfuncs and BTF kinds are Linux facts only)."""
    return _path(platform, name).is_file()


def _path(platform: Platform, name: str) -> Path:
    return _DATA / platform.numbering.value / f"{name}.json"
