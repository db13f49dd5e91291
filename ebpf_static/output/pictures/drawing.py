"""What is drawn, whatever the format: boxes with lines of text, edges between them, marks.

All text here is escaped: printable, and on one line.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from ebpf_static.errors import UsageError

MAX_NODES: Final = 8_000
"""Boxes of one drawing."""
MAX_EDGES: Final = 40_000
MAX_LINES: Final = 60_000
"""Lines of text of one drawing; the boxes of a larger one show fewer each."""
_MAX_NODE_LINES: Final = 120
_MIN_NODE_LINES: Final = 4
MAX_WIDTH: Final = 72
"""Characters of a line drawn."""


class Shape(StrEnum):
    """What a box stands for."""

    BLOCK = "block"
    PROGRAM = "program"
    FUNCTION = "function"
    HELPER = "helper"
    KFUNC = "kfunc"
    MAP = "map"
    NOWHERE = "nowhere"
    """A place outside a function's code that a jump leads to."""


class Line(NamedTuple):
    """A line of text in a box.

    Attributes:
        text: what it says.
        role: ``code``, ``source``, ``fact``, ``remark``, or a severity for a finding.
        severity: the worst of the findings that point to what the line shows, None without one.
    """

    text: str
    role: str = "fact"
    severity: str | None = None


class Node(NamedTuple):
    """A box.

    Attributes:
        shape: what it stands for.
        title: its name.
        lines: what stands below the name.
        severity: the worst of the findings in it, None without one.
        dead: it runs on no target.
        group: position of the group it belongs to.
    """

    shape: Shape
    title: str
    lines: tuple[Line, ...] = ()
    severity: str | None = None
    dead: bool = False
    group: int = 0


class Edge(NamedTuple):
    """An arrow.

    Attributes:
        source: position of the box it leaves.
        target: position of the box it enters.
        kind: one word for what it stands for.
        label: what is written on it, possibly nothing.
    """

    source: int
    target: int
    kind: str
    label: str = ""


class Drawing(NamedTuple):
    """A picture.

    Attributes:
        title: what it shows.
        nodes: the boxes, those of a group together.
        edges: the arrows, all within groups.
        groups: names of the groups; each is laid out by itself.
        sideways: it reads from left to right.
        notes: what is to be known of the whole, one line each.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[str, ...] = ("",)
    sideways: bool = False
    notes: tuple[str, ...] = ()


def ensure_drawable(what: str, nodes: int, edges: int = 0) -> None:
    """Refuse what nobody could look at.

    Raises:
        UsageError: there are too many boxes or arrows.
    """
    if nodes > MAX_NODES:
        raise UsageError(f"{what} has {nodes} boxes, and {MAX_NODES} are the most that are drawn")
    if edges > MAX_EDGES:
        raise UsageError(f"{what} has {edges} arrows, and {MAX_EDGES} are the most that are drawn")


def lines_for_each(nodes: int) -> int:
    """Return how many lines a box may have in a drawing of so many boxes."""
    return max(_MIN_NODE_LINES, min(_MAX_NODE_LINES, MAX_LINES // max(nodes, 1)))


def cut_lines(lines: list[Line], most: int, noun: str = "lines") -> tuple[Line, ...]:
    """Return at most so many lines, each of a width that can be read; findings stay."""
    kept = [line for n, line in enumerate(lines) if n < most or line.severity is not None]
    kept = kept[: 3 * most]
    left_out = len(lines) - len(kept)
    if left_out:
        kept.append(Line(f"… and {left_out} more {noun}", "remark"))
    return tuple(line._replace(text=shorten(line.text)) for line in kept)


def shorten(text: str, width: int = MAX_WIDTH) -> str:
    """Return text that is not wider than a box may be."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def worst(severities: list[str]) -> str | None:
    """Return the worst of some severities, None when there are none."""
    return min(severities, key=_SEVERITIES.index, default=None)


_SEVERITIES: Final = ("error", "warning", "note")
