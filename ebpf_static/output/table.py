"""Columns of plain text: aligned, or separated by tabs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ebpf_static.errors import escape
from ebpf_static.output.style import Style

Cell = str | int | None
_GAP = "  "
_MAX_CELL = 80
"""Characters of a cell shown; an object can claim names of any length."""


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    style: Style,
    indent: str = "  ",
    longest: int = _MAX_CELL,
) -> str:
    """Return rows below a header; numbers are aligned to the right, ``None`` shows as ``-``.

    Columns in which no row holds anything are left out; a cell is cut after ``longest`` characters.
    """
    cells = [list(row) for row in rows]
    kept = [i for i in range(len(header)) if any(row[i] not in (None, "") for row in cells)]
    numeric = {i for i in kept if all(isinstance(row[i], int | None) for row in cells)}
    shown = [[_text(row[i], longest) for i in kept] for row in cells]
    titles = [header[i] for i in kept]
    widths = [max(len(t), *(len(row[n]) for row in shown)) for n, t in enumerate(titles)]
    right = {n for n, i in enumerate(kept) if i in numeric}
    lines = [style("dim", _line(titles, widths, right)), *(_line(r, widths, right) for r in shown)]
    return "".join(f"{indent}{line}\n" for line in lines)


def tsv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return the same for programs: a tab between cells, every column, nothing cut or aligned."""
    lines = [header, *(["" if cell is None else str(cell) for cell in row] for row in rows)]
    return "".join("\t".join(escape(cell) for cell in line) + "\n" for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: set[int]) -> str:
    padded = (
        f"{cell:>{width}}" if n in right else f"{cell:<{width}}"
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join(padded).rstrip()


def _text(cell: Cell, longest: int) -> str:
    if cell is None or cell == "":
        return "-"
    text = escape(str(cell))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
