"""The string section: names decoded on demand, bounded, never failing on their bytes.

Names are UTF-8 by convention only (C identifiers in C, anything in Rust or in hostile data). What
is not UTF-8 decodes with ``surrogateescape``: the bytes survive a round trip, two different names
stay different, and :func:`ebpf_static.errors.escape` prints them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.limits import MAX_NAME_BYTES

MAX_TEXT_BYTES = 1 << 16
"""Longest string returned by :meth:`StringTable.text`: a source line, not a name."""

_MEMO_FACTOR = 4
_MEMO_FLOOR = 1 << 20


class StringTable:
    """Strings of one BTF, continuing those of its base.

    Offsets below ``start`` belong to ``base``.
    """

    __slots__ = ("_budget", "_data", "_memo", "_where", "base", "end", "start")

    def __init__(self, data: bytes, base: StringTable | None, where: str) -> None:
        self._data = data
        self._where = where
        self._memo: dict[int, str] = {0: ""} if base is None else {}
        # Overlapping offsets into one long string could otherwise blow a small file up.
        self._budget = _MEMO_FACTOR * len(data) + _MEMO_FLOOR
        self.base = base
        self.start: int = base.end if base else 0
        self.end: int = self.start + len(data)

    def name(self, offset: int) -> str:
        """Return the name at ``offset``, remembered.

        Raises:
            FormatError: the offset is out of range.
            LimitError: the name, or all names together, are longer than any honest BTF has.
        """
        known = self._memo.get(offset)
        if known is not None:
            return known
        if offset < self.start and self.base is not None:
            return self.base.name(offset)
        return self._remember(offset, MAX_NAME_BYTES)

    def text(self, offset: int) -> str:
        """Return the string at ``offset``, which may be as long as :data:`MAX_TEXT_BYTES`."""
        known = self._memo.get(offset)
        if known is not None:
            return known
        if offset < self.start and self.base is not None:
            return self.base.text(offset)
        return self._remember(offset, MAX_TEXT_BYTES)

    def _remember(self, offset: int, limit: int) -> str:
        raw = self._bytes(offset, limit)
        self._budget -= len(raw)
        if self._budget < 0:
            raise LimitError("strings overlap beyond any honest section", where=self._where)
        text = self._memo[offset] = raw.decode("utf-8", "surrogateescape")
        return text

    def iter_offsets(self, needle: bytes, limit: int) -> Iterator[int | None]:
        """Yield every own offset at which ``needle`` stands, inside of strings too.

        Yields None and stops when ``limit`` occurrences are passed: the caller then looks from
        its own side.
        """
        find = self._data.find
        at = find(needle)
        while at >= 0:
            if limit <= 0:
                yield None
                return
            limit -= 1
            yield at + self.start
            at = find(needle, at + 1)

    def holds(self, offset: int, needle: bytes) -> bool:
        """Whether ``needle`` stands at own ``offset``."""
        return self._data.startswith(needle, offset - self.start)

    def _bytes(self, offset: int, limit: int) -> bytes:
        at = offset - self.start
        if not 0 <= at < len(self._data):
            what = f"string offset {offset} is outside the strings (0..{self.end})"
            raise FormatError(what, where=self._where)
        end = self._data.find(b"\0", at, at + limit + 1)
        if end < 0:
            raise LimitError(f"string at {offset} is longer than {limit} bytes", where=self._where)
        return self._data[at:end]
