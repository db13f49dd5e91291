"""``.BTF.ext``: which function, source line and CO-RE relocation each instruction belongs to.

Source: Documentation/bpf/btf.rst ("The .BTF.ext section") and libbpf's src/btf.c. Instruction
offsets are in bytes from the start of their ELF section. Records longer than ours are read by
their first fields, as libbpf does.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from ebpf_static.btf.header import VERSION, ByteOrder, detect_byte_order
from ebpf_static.btf.reader import Btf
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.limits import MAX_INSNS

_MIN_HEADER_BYTES = 24
_CORE_HEADER_BYTES = 32
_SECTION_HEADER_BYTES = 8
_COLUMN_BITS = 10
_COLUMN_MASK = (1 << _COLUMN_BITS) - 1
_FUNC_BYTES, _LINE_BYTES, _CORE_BYTES = 8, 16, 16


class FuncInfo(NamedTuple):
    """A function of BTF type ``type_id`` starts at ``insn_offset``."""

    insn_offset: int
    type_id: int


class LineRecord(NamedTuple):
    """A line info record as stored: strings still offsets."""

    insn_offset: int
    file_off: int
    line_off: int
    line: int
    column: int


class LineInfo(NamedTuple):
    """The source of an instruction; ``column`` 0 means unknown, ``text`` may be empty."""

    file: str
    line: int
    column: int
    text: str


class CoreRelocation(NamedTuple):
    """A CO-RE relocation: ``access`` (``"0:1:2"``) into local type ``type_id``.

    ``kind`` is a number of ``enum bpf_core_relo_kind``.
    """

    insn_offset: int
    type_id: int
    access: str
    kind: int


class _Run(NamedTuple):
    """Consecutive records of one ELF section."""

    start: int
    records: int
    record_bytes: int


class BtfExt:
    """The records of one ``.BTF.ext``, by ELF section name.

    Opening checks bounds and finds the sections; records decode when asked for. Equal, and
    hashed, by bytes and BTF.
    """

    __slots__ = ("_btf", "_cores", "_data", "_file_offset", "_funcs", "_lines", "_order",
                 "_prefix", "_sorted", "_where")  # fmt: skip

    def __init__(self, data: bytes, btf: Btf, where: str, file_offset: int) -> None:
        self._data = data
        self._btf = btf
        self._where = where
        self._file_offset = file_offset
        self._order = detect_byte_order(data, where, file_offset)
        if self._order != btf.byte_order:
            what = f"{self._order}-endian, but its BTF is {btf.byte_order}-endian"
            raise FormatError(what, where=where, offset=file_offset)
        self._prefix = "<" if self._order == "little" else ">"
        header_len, bounds = self._header()
        budget = [MAX_INSNS]
        self._funcs = self._runs(header_len, bounds[0:2], _FUNC_BYTES, budget)
        self._lines = self._runs(header_len, bounds[2:4], _LINE_BYTES, budget)
        self._cores = self._runs(header_len, bounds[4:6], _CORE_BYTES, budget)
        self._sorted: dict[str, tuple[list[int], list[LineRecord]]] = {}

    @classmethod
    def parse(
        cls, data: bytes, btf: Btf, *, where: str = ".BTF.ext", file_offset: int = 0
    ) -> BtfExt:
        """Check ``data`` and find its sections.

        Args:
            data: contents of the ``.BTF.ext`` section.
            btf: the object's ``.BTF``, which holds the strings.
            where: name of the data in error messages.
            file_offset: offset of ``data`` in its file, for error messages.

        Raises:
            FormatError: with the byte offset of what is malformed.
        """
        return cls(bytes(data), btf, where, file_offset)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BtfExt):
            return NotImplemented
        return self._data == other._data and self._btf == other._btf

    def __hash__(self) -> int:
        return hash((self._data, self._btf))

    def __repr__(self) -> str:
        return f"<BtfExt {self._where}: {', '.join(self.sections)}>"

    @property
    def raw(self) -> bytes:
        """The bytes these records were read from."""
        return self._data

    def __reduce__(self) -> tuple[object, ...]:
        return (BtfExt, (self._data, self._btf, self._where, self._file_offset))

    @property
    def byte_order(self) -> ByteOrder:
        """Byte order of the records, always that of the BTF."""
        return self._order

    @property
    def sections(self) -> tuple[str, ...]:
        """Names of every ELF section with records, in file order, each once."""
        return tuple(dict.fromkeys((*self._funcs, *self._lines, *self._cores)))

    def func_infos(self, section: str) -> tuple[FuncInfo, ...]:
        """Return the function records of an ELF section in file order."""
        return tuple(FuncInfo(*row) for row in self._rows(self._funcs, section, "II"))

    def line_records(self, section: str) -> tuple[LineRecord, ...]:
        """Return the line records of an ELF section in file order."""
        return tuple(
            LineRecord(insn, file, text, packed >> _COLUMN_BITS, packed & _COLUMN_MASK)
            for insn, file, text, packed in self._rows(self._lines, section, "IIII")
        )

    def source_files(self, section: str, records: int) -> tuple[str, ...]:
        """Return the source files that the first line records of an ELF section name, each once.

        Raises:
            FormatError: a string offset is out of bounds.
        """
        rows = islice(self._rows(self._lines, section, "IIII"), records)
        return tuple(map(self._btf.string, dict.fromkeys(file for _, file, _, _ in rows)))

    def core_relocations(self, section: str) -> tuple[CoreRelocation, ...]:
        """Return the CO-RE relocations of an ELF section in file order.

        Raises:
            FormatError: an access string is out of bounds.
        """
        name = self._btf.strings.name
        return tuple(
            CoreRelocation(insn, type_id, name(access), kind)
            for insn, type_id, access, kind in self._rows(self._cores, section, "IIII")
        )

    @property
    def core_sections(self) -> tuple[str, ...]:
        """Names of the ELF sections with CO-RE relocations."""
        return tuple(self._cores)

    def line_for(self, section: str, insn_offset: int) -> LineInfo | None:
        """Return the source of the instruction ``insn_offset`` bytes into an ELF section.

        That is the last record at or before it; None when there is none.

        Raises:
            FormatError: the record's strings are out of bounds.
        """
        if section not in self._sorted:
            records = sorted(self.line_records(section), key=lambda record: record.insn_offset)
            self._sorted[section] = ([record.insn_offset for record in records], records)
        offsets, records = self._sorted[section]
        at = bisect_right(offsets, insn_offset) - 1
        return self.resolve_line(records[at]) if at >= 0 else None

    def resolve_line(self, record: LineRecord) -> LineInfo:
        """Return a line record with its strings looked up.

        Raises:
            FormatError: a string offset is out of bounds.
        """
        string = self._btf.string
        return LineInfo(string(record.file_off), record.line, record.column,
                        string(record.line_off))  # fmt: skip

    def _header(self) -> tuple[int, tuple[int, ...]]:
        """Return the header's length, and offset and length of each of the three parts."""
        data = self._data
        if len(data) < _MIN_HEADER_BYTES:
            raise self._error(f"header cut off: {len(data)} of {_MIN_HEADER_BYTES} bytes", 0)
        version, _, header_len = struct.unpack_from(self._prefix + "BBI", data, 2)
        if version != VERSION:
            raise self._error(f"version {version} is unknown", 2)
        if not _MIN_HEADER_BYTES <= header_len <= len(data):
            raise self._error(f"header length {header_len} is out of range", 4)
        bounds = struct.unpack_from(self._prefix + "IIII", data, 8)
        core = (0, 0)
        if header_len >= _CORE_HEADER_BYTES:
            core = struct.unpack_from(self._prefix + "II", data, _MIN_HEADER_BYTES)
        return header_len, (*bounds, *core)

    def _runs(
        self, header_len: int, bounds: tuple[int, ...], min_bytes: int, budget: list[int]
    ) -> dict[str, list[_Run]]:
        """Return the runs of one part by section name, in file order."""
        offset, length = bounds
        if not length:
            return {}
        at, end = header_len + offset, header_len + offset + length
        if offset % 4 or end > len(self._data) or length < 4:
            what = f"part of {length} bytes at {offset} is unaligned or out of bounds"
            raise self._error(what, 0)
        (record_bytes,) = struct.unpack_from(self._prefix + "I", self._data, at)
        if record_bytes < min_bytes or record_bytes % 4:
            raise self._error(f"records of {record_bytes} bytes", at)
        at += 4
        runs: dict[str, list[_Run]] = {}
        while at < end:
            section, run, at = self._run(at, end, record_bytes)
            runs.setdefault(section, []).append(run)
            budget[0] -= run.records
            if budget[0] < 0:
                raise LimitError("too many records", where=self._where, offset=self._file_offset)
        return runs

    def _run(self, at: int, end: int, record_bytes: int) -> tuple[str, _Run, int]:
        if end - at < _SECTION_HEADER_BYTES:
            raise self._error("section header cut off", at)
        name, count = struct.unpack_from(self._prefix + "II", self._data, at)
        start = at + _SECTION_HEADER_BYTES
        if not count:
            raise self._error("section without records", at)
        if start + count * record_bytes > end:
            raise self._error(f"{count} records of {record_bytes} bytes do not fit", at)
        try:
            section = self._btf.strings.name(name)
        except FormatError as err:
            raise self._error(err.what, at) from None
        return section, _Run(start, count, record_bytes), start + count * record_bytes

    def _rows(
        self, runs: dict[str, list[_Run]], section: str, fields: str
    ) -> Iterator[tuple[int, ...]]:
        for run in runs.get(section, ()):
            padding = run.record_bytes - 4 * len(fields)
            row = struct.Struct(f"{self._prefix}{fields}{padding}x")
            chunk = self._data[run.start : run.start + run.records * run.record_bytes]
            yield from row.iter_unpack(chunk)

    def _error(self, what: str, at: int) -> FormatError:
        return FormatError(what, where=self._where, offset=self._file_offset + at)
