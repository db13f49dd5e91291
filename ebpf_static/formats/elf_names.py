"""String tables: names by offset, bounded."""

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError


class Names:
    """The names of a string table, remembered by offset.

    Offsets may point into the middle of other names, so a small table could hold gigabytes of
    them; all together are held in proportion to the table.
    """

    def __init__(self, table: bytes, where: str) -> None:
        self.known: dict[int, str] = {}
        self._table = table
        self._where = where
        self._budget = 4 * len(table) + (1 << 20)

    def read(self, at: int, offset: int) -> str:
        """Return the NUL-terminated name at ``at``; what is no UTF-8 becomes surrogates.

        Args:
            at: offset in the table.
            offset: where in the file it is asked for, for the error.
        """
        known = self.known.get(at)
        if known is not None:
            return known
        table = self._table
        if at == 0 and not table:
            return ""
        if at >= len(table):
            raise self._error(FormatError, f"name offset {at:#x} is beyond its table", offset)
        end = table.find(b"\0", at, at + limits.MAX_NAME_BYTES + 1)
        if end < 0:
            what = f"name at {at:#x} is not terminated within {limits.MAX_NAME_BYTES} bytes"
            raise self._error(FormatError, what, offset)
        self._budget -= end - at
        if self._budget < 0:
            raise self._error(LimitError, "names overlap beyond any honest table", offset)
        name = self.known[at] = table[at:end].decode("utf-8", "surrogateescape")
        return name

    def _error(self, kind: type[FormatError], what: str, offset: int) -> FormatError:
        return kind(what, where=self._where, offset=offset)
