"""The matrix as text, JSON and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ebpf_static.errors import escape
from ebpf_static.findings import Finding
from ebpf_static.markdown import code, message, text
from ebpf_static.output.json_text import dumps
from ebpf_static.output.style import Style
from ebpf_static.output.table import table

if TYPE_CHECKING:
    from ebpf_static.matrix import Cell, Matrix, Row

SCHEMA_VERSION = 1

_RELEASE = re.compile(r"(?:about )?Linux \d+\.\d+(?:\.\d+)?")
_LONGEST_NAME = 4096
"""Characters of an object's name shown: it is looked for in the lines below the table."""


def render_text(matrix: Matrix, style: Style) -> str:
    """Return a table of verdicts, and below it why objects are rejected or in doubt."""
    if not matrix.rows:
        return ""
    header, rows = _cells(matrix)
    parts = [table(header, rows, style, indent="", longest=_LONGEST_NAME)]
    for row in matrix.rows:
        lines = list(_reasons(row))
        if lines:
            parts.append(f"\n{escape(row.object)}\n" + "".join(f"  {line}\n" for line in lines))
    return "".join(parts)


def render_markdown(matrix: Matrix) -> str:
    """Return the same in Markdown."""
    header, rows = _cells(matrix)
    lines = [f"| {' | '.join(text(it) for it in header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join((code(name), *map(text, cells)))} |" for name, *cells in rows]
    for row in matrix.rows:
        reasons = list(_reasons(row))
        if reasons:
            lines += ["", f"## {text(row.object)}", "", *(f"* {message(it)}" for it in reasons)]
    return "\n".join(lines) + "\n"


def render_json(matrix: Matrix) -> str:
    """Return every verdict with its reasons, for programs too."""
    return dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "targets": [str(target) for target in matrix.targets],
            "objects": [_row(row) for row in matrix.rows],
        }
    )


def _cells(matrix: Matrix) -> tuple[list[str], list[list[str]]]:
    """Return the head of the table and its rows, with the lowest release if it was asked for."""
    lowest = any(row.lowest is not None for row in matrix.rows)
    header = ["object", *(str(target) for target in matrix.targets)]
    rows = [[row.object, *(_word(cell) for cell in row.cells)] for row in matrix.rows]
    if lowest:
        header.append("lowest")
        for row, cells in zip(matrix.rows, rows, strict=True):
            cells.append(str(row.lowest or "-"))
    return header, rows


def _row(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {
        "object": escape(row.object),
        "targets": {str(cell.target): _cell_json(cell) for cell in row.cells},
    }
    if row.lowest is not None:
        found["lowest"] = {
            "line": row.lowest.line,
            "rejected_by": row.lowest.below,
            "reason": None if row.lowest.reason is None else _finding(row.lowest.reason),
        }
    return found


def _cell_json(cell: Cell) -> dict[str, Any]:
    return {
        "status": cell.verdict.status.value,
        "reasons": [_finding(it) for it in cell.verdict.reasons],
        "programs": {
            escape(name): {
                "status": verdict.status.value,
                "reasons": [_finding(it) for it in verdict.reasons],
            }
            for name, verdict in cell.programs.items()
        },
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": escape(finding.message),
        "where": finding.location.logical,
    }


def _word(cell: Cell) -> str:
    return cell.verdict.status.value


def _reasons(row: Row) -> Iterator[str]:
    """Yield why, once for all targets with the same reason."""
    from ebpf_static.verdict import deciding

    targets: dict[tuple[str, str], list[str]] = {}
    for cell in row.cells:
        reason = deciding(cell.verdict)
        if reason is not None:
            key = (cell.verdict.status.value, _told(reason))
            targets.setdefault(key, []).append(str(cell.target))
    for (status, why), names in targets.items():
        yield f"{', '.join(names)}: {status}: {why}"
    if row.lowest is not None and row.lowest.reason is not None:
        reason = row.lowest.reason
        yield f"not before {row.lowest.line}: {_told(reason)}"


def _told(reason: Finding) -> str:
    return f"{reason.code} {escape(message_without_release(reason))}"


def message_without_release(finding: Finding) -> str:
    """Return a message without the release, which stands before it."""
    return _RELEASE.sub("that release", finding.message.split(" (target ", 1)[0])
