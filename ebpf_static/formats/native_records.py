"""One element of a native table: its fields, and where its pointers lead."""

from __future__ import annotations

from typing import Final

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_entries import EntryHeader, read_header
from ebpf_static.formats.native_layouts import HEADER_BYTES, Struct

MAX_LIST: Final = 1 << 14
"""Helpers, maps or functions one program lists, or initial elements of one map."""

MAX_ITEMS: Final = 1 << 16
"""List elements of the whole image."""


class Ledger:
    """What reading an image has touched and may still touch.

    Attributes:
        pointers: RVA of every pointer field that was followed.
    """

    def __init__(self) -> None:
        self.pointers: set[int] = set()
        self._items = 0
        self._bytes = 0

    def take_bytes(self, size: int) -> bool:
        """Account for initial data; False when that is too much for one image."""
        self._bytes += size
        return self._bytes <= limits.MAX_INITIAL_DATA_BYTES

    def take(self, count: int) -> bool:
        """Account for a list of ``count`` elements; False when that is too many."""
        if count > MAX_LIST:
            return False
        self._items += count
        return self._items <= MAX_ITEMS


class Record:
    """One element at an RVA.

    Attributes:
        pe: the image.
        layout: its struct.
        rva: where it lies.
        where: table it belongs to, for messages.
        header: its version header, None in generations without.
    """

    def __init__(self, pe: PeFile, ledger: Ledger, layout: Struct, rva: int, where: str) -> None:
        self.pe = pe
        self.layout = layout
        self.rva = rva
        self.where = where
        self.header: EntryHeader | None = None
        self._ledger = ledger
        self._followed: list[int] = []
        size = layout.size
        if layout.header is not None:
            self.header = self._read_header(layout.header)
            size = max(size, self.header.total_size)
        self._raw = pe.read(rva, size, where)

    def _read_header(self, start: int) -> EntryHeader:
        head = self.pe.read(self.rva, start + HEADER_BYTES, self.where)
        header = read_header(head, start)
        if header is None or any(head[:start]):
            raise FormatError("no version header", where=self.where, offset=self.offset(0))
        if header.size < self.layout.used:
            raise FormatError(
                f"version {header.version} has {header.size} bytes, {self.layout.used} are needed",
                where=self.where,
                offset=self.offset(start),
            )
        return header

    @property
    def stride(self) -> int:
        """Bytes to the next element."""
        return self.header.total_size if self.header else self.layout.size

    def commit(self) -> None:
        """Note the pointers followed: the element holds, so they are pointers."""
        self._ledger.pointers.update(self._followed)

    def extend(self, layout: Struct) -> Record:
        """Return the same element seen with the fields of a newer layout."""
        newer = object.__new__(Record)
        newer.__dict__.update(self.__dict__, layout=layout)
        return newer

    def offset(self, inside: int) -> int | None:
        """Return the byte offset in the file of byte ``inside`` of the element."""
        return self.pe.file_offset(self.rva + inside)

    def error(self, field: str, what: str) -> FormatError:
        """Return the error that says what is wrong with ``field``."""
        offset = self.offset(self.layout.offsets.get(field, 0))
        return FormatError(f"{field}: {what}", where=self.where, offset=offset)

    def number(self, field: str) -> int:
        """Return a scalar field, 0 when this generation lacks it."""
        return self.layout.get(self._raw, field)

    def slice(self, field: str) -> bytes:
        """Return the bytes of ``field``."""
        start = self.layout.offsets[field]
        return self._raw[start : start + self.layout.sizes[field]]

    def require_zero(self, field: str) -> None:
        """Refuse an element whose ``field`` (where this generation has it) is not zero.

        Raises:
            FormatError: it is not.
        """
        if self.number(field):
            raise self.error(field, "is not zero")

    def require_zero_padding(self, field: str, end: int) -> None:
        """Refuse an element with something between ``field`` and its alignment to ``end`` bytes.

        Raises:
            FormatError: there is something.
        """
        start = self.layout.offsets[field] + self.layout.sizes[field]
        if any(self._raw[start : self.layout.offsets[field] + end]):
            raise self.error(field, "padding is not zero")

    def pointer(self, field: str) -> int:
        """Return a pointer field as it stands, to be noted when the element holds."""
        value = self.number(field)
        if value:
            self._followed.append(self.rva + self.layout.offsets[field])
        return value

    def text(self, field: str) -> str:
        """Return the text a pointer field leads to.

        Raises:
            FormatError: it leads out of the image or the text does not end.
        """
        try:
            return self.pe.read_text(self.pointer(field), self.where)
        except FormatError as error:
            raise self.error(field, error.what) from None

    def target(self, field: str, size: int) -> tuple[int, bytes]:
        """Return the RVA a pointer field leads to, and ``size`` bytes from there.

        Raises:
            FormatError: they are not all in one section.
        """
        try:
            rva = self.pe.resolve(self.pointer(field), self.where)
            return rva, self.pe.read(rva, size, self.where)
        except FormatError as error:
            raise self.error(field, error.what) from None

    def count(self, field: str) -> int:
        """Return the length of a list.

        Raises:
            LimitError: no honest image has that many.
        """
        count = self.number(field)
        if not self._ledger.take(count):
            offset = self.offset(self.layout.offsets[field])
            raise LimitError(f"{field}: {count} elements", where=self.where, offset=offset)
        return count

    def listed(self, field: str, count_field: str) -> tuple[int, int]:
        """Return RVA and length of a list with a 16-bit count, zeros for an empty one.

        Raises:
            FormatError: the list is too long or leads out of the image.
        """
        self.require_zero_padding(count_field, 8)
        count = self.count(count_field)
        return (self.target(field, 1)[0], count) if count else (0, 0)
