"""The string section: names decoded on demand, bounded, never failing on their bytes.

Names are UTF-8 by convention only (C identifiers in C, anything in Rust or in hostile data). What
is not UTF-8 decodes with ``surrogateescape``: the bytes survive a round trip, two different names
stay different, and :func:`ebpf_static.errors.escape` prints them.
"""

from __future__ import annotations

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

    @property
    def data(self) -> bytes:
        """The own strings as stored."""
        return self._data

    def chain(self) -> list[StringTable]:
        """Return this table and those below it."""
        return [self, *(self.base.chain() if self.base else ())]

    def find_offsets(self, needle: bytes, limit: int) -> list[int] | None:
        """Return every own offset at which ``needle`` stands, or None beyond ``limit``."""
        offsets: list[int] = []
        find, start = self._data.find, self.start
        at = find(needle)
        while at >= 0:
            if len(offsets) >= limit:
                return None
            offsets.append(at + start)
            at = find(needle, at + 1)
        return offsets

    def holds(self, offset: int, needle: bytes) -> bool:
        """Whether ``needle`` stands at ``offset``."""
        if offset < self.start and self.base is not None:
            return self.base.holds(offset, needle)
        return self._data.startswith(needle, offset - self.start)

    def starts_string(self, offset: int) -> bool:
        """Whether a string starts at ``offset``; elsewhere the tail of one does."""
        if offset < self.start and self.base is not None:
            return self.base.starts_string(offset)
        at = offset - self.start
        return at == 0 or self._data[at - 1 : at] == b"\0"

    def string_start(self, offset: int) -> int:
        """Return where the string at own ``offset`` starts, as far back as a name may reach."""
        at = offset - self.start
        floor = max(at - MAX_NAME_BYTES, 0)
        return max(self._data.rfind(b"\0", floor, at) + 1, floor) + self.start

    def slice(self, first: int, last: int) -> bytes:
        """Return the bytes between two own offsets."""
        return self._data[first - self.start : last - self.start]

    def find_bytes(self, offset: int) -> bytes | None:
        """Return the name at ``offset`` as stored, None where there is none of bearable length."""
        if offset < self.start and self.base is not None:
            return self.base.find_bytes(offset)
        at = offset - self.start
        end = self._data.find(b"\0", at, at + MAX_NAME_BYTES + 1)
        return self._data[at:end] if end >= 0 else None

    def _bytes(self, offset: int, limit: int) -> bytes:
        at = offset - self.start
        if not 0 <= at < len(self._data):
            what = f"string offset {offset} is outside the strings (0..{self.end})"
            raise FormatError(what, where=self._where)
        end = self._data.find(b"\0", at, at + limit + 1)
        if end < 0:
            raise LimitError(f"string at {offset} is longer than {limit} bytes", where=self._where)
        return self._data[at:end]
