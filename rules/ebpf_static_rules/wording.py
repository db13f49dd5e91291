"""How rules put lists and doubts into words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from ebpf_static.findings import Confidence
from ebpf_static.uapi.constants import UapiConstant

SHOWN = 5
"""Items of a list that a report shows; an object may hold thousands."""

_NEXT_NUMBERS = 16


def tick(text: object) -> str:
    """Return a name as messages quote it."""
    return f"`{text}`"


def listed(items: Sequence[object]) -> str:
    """Return items in one sentence: the first few, and how many more there are."""
    texts = [str(item) for item in items[:SHOWN]]
    if len(items) > SHOWN:
        return f"{', '.join(texts)} and {len(items) - SHOWN} more"
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def capped(lines: Iterable[str], total: int) -> tuple[str, ...]:
    """Return the first few lines, and one that says how many of ``total`` are left out."""
    shown = tuple(islice(lines, SHOWN))
    return shown if total <= SHOWN else (*shown, f"and {total - SHOWN} more")


def count(number: int, noun: str) -> str:
    """Return ``1 map``, ``3 maps``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def unknown_confidence(constant: UapiConstant) -> Confidence:
    """Return how sure it is that a number no table has means nothing.

    The numbers just behind the last one known may belong to a release newer than the tables.
    """
    last = max(it.number for it in type(constant).members(constant.platform))
    if last < constant.number <= last + _NEXT_NUMBERS:
        return Confidence.MEDIUM
    return Confidence.HIGH
