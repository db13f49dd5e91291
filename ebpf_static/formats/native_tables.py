"""The elements of a native image's tables, decoded and every pointer checked.

Field layouts are in ``data/native_layouts.json``; meanings are those of ``include/bpf2c.h``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ebpf_static import limits
from ebpf_static.errors import LimitError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_entries import EntryHeader
from ebpf_static.formats.native_layouts import Generation, Struct, guid_text, layouts
from ebpf_static.formats.native_records import Ledger, Record
from ebpf_static.specs.native import GlobalSection, InitialValues, ResolvedFunction

_MAX_HASH: Final = 64
NEWEST: Final = "1.5"


class MapEntry(NamedTuple):
    """One map entry: the 32 bytes of its definition, and its name."""

    rva: int
    name: str
    definition: bytes
    header: EntryHeader | None


class ProgramEntry(NamedTuple):
    """One program entry; ``helpers`` and ``resolved`` are RVA and length of lists."""

    rva: int
    header: EntryHeader | None
    function: int
    pe_section: str
    section: str
    name: str
    maps: tuple[int, ...]
    helpers: tuple[int, int]
    insn_count: int
    program_type: str
    attach_type: str
    info_hash: bytes | None
    hash_type: str | None
    resolved: tuple[int, int]


class HelperEntry(NamedTuple):
    """One helper entry."""

    id: int
    symbol: str


class InitialEntry(NamedTuple):
    """The initial values of one map, and where their list lies."""

    rva: int
    values: InitialValues
    list_rva: int


class TableReader:
    """Decodes the elements of one generation.

    Attributes:
        pe: the image.
        generation: struct layouts in force.
        ledger: what has been read so far.
    """

    def __init__(self, pe: PeFile, generation: Generation, ledger: Ledger) -> None:
        self.pe = pe
        self.generation = generation
        self.ledger = ledger

    def _record(self, layout: Struct | None, rva: int, where: str) -> Record:
        if layout is None:
            raise LimitError("this generation has no such table", where=where)
        return Record(self.pe, self.ledger, layout, rva, where)

    def read_map(self, rva: int) -> MapEntry:
        """Return the map entry at ``rva``.

        Raises:
            FormatError: it is none.
        """
        record = self._record(self.generation.map, rva, "maps")
        record.require_zero("address")
        entry = MapEntry(rva, record.text("name"), record.slice("definition"), record.header)
        record.commit()
        return entry

    def read_program(self, rva: int) -> ProgramEntry:
        """Return the program entry at ``rva``.

        Raises:
            FormatError: it is none.
        """
        record = self._record(self.generation.program, rva, "programs")
        record.require_zero("zero")
        insns = record.number("bpf_instruction_count")
        if insns > limits.MAX_INSNS:
            raise LimitError(
                f"{insns} instructions in one program", where="programs", offset=record.offset(0)
            )
        entry = ProgramEntry(
            rva,
            record.header,
            self._entry_point(record),
            record.text("pe_section_name"),
            record.text("section_name"),
            record.text("program_name"),
            self._map_indices(record),
            record.listed("helpers", "helper_count"),
            insns,
            guid_text(record.target("program_type", 16)[1]),
            guid_text(record.target("expected_attach_type", 16)[1]),
            *_info_hash(record),
            _resolved_list(record),
        )
        record.commit()
        return entry

    def _entry_point(self, record: Record) -> int:
        rva, _ = record.target("function", 1)
        section = self.pe.find_section_at(rva)
        if section is None or not section.is_executable:
            raise record.error("function", "entry point lies in no executable section")
        return rva

    def _map_indices(self, record: Record) -> tuple[int, ...]:
        start, count = record.listed("referenced_map_indices", "referenced_map_count")
        if not count:
            return ()
        raw = self.pe.read(start, count * 2, "referenced_map_indices")
        return tuple(int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2))

    def read_helpers(self, start: int, count: int) -> tuple[HelperEntry, ...]:
        """Return the ``count`` helper entries from RVA ``start``.

        Raises:
            FormatError: they are none.
        """
        found = []
        rva = start
        for _ in range(count):
            record = self._record(self.generation.helper, rva, "helpers")
            record.require_zero("address")
            record.require_zero("tail_call")
            record.require_zero_padding("helper_id", 8)
            number = record.number("helper_id")
            placeholder = number == 0 and not record.number("name")
            found.append(HelperEntry(number, "" if placeholder else record.text("name")))
            record.commit()
            rva += record.stride
        return tuple(found)

    def read_resolved(self, start: int, count: int) -> tuple[ResolvedFunction, ...]:
        """Return the functions bound by BTF name listed from RVA ``start``.

        Raises:
            FormatError: they are none.
        """
        layout = layouts().get(NEWEST).resolved_function
        found = []
        rva = start
        for _ in range(count):
            record = self._record(layout, rva, "btf_resolved_functions")
            guid = guid_text(record.slice("module_guid"))
            found.append(ResolvedFunction(record.text("name"), guid))
            record.commit()
            rva += record.stride
        return tuple(found)

    def read_initial_values(self, rva: int) -> InitialEntry:
        """Return the initial values of one map.

        Raises:
            FormatError: there are none at ``rva``.
        """
        where = "map_initial_values"
        record = self._record(self.generation.initial_values, rva, where)
        count = record.count("count")
        if not count:
            raise record.error("count", "no values")
        start, raw = record.target("values", count * 8)
        pointers = [int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8)]
        values = tuple(self.pe.read_text(it, where) if it else None for it in pointers)
        entry = InitialEntry(rva, InitialValues(record.text("name"), values), start)
        record.commit()
        self.ledger.pointers.update(start + i * 8 for i, it in enumerate(pointers) if it)
        return entry

    def read_global_section(self, rva: int) -> GlobalSection:
        """Return the initial contents of one section of global variables.

        Raises:
            FormatError: there are none at ``rva``.
        """
        record = self._record(self.generation.global_section, rva, "global_variables")
        size = record.number("size")
        if not self.ledger.take_bytes(size):
            raise record.error("size", f"{size} bytes of global variables")
        data = record.target("initial_data", size)[1]
        section = GlobalSection(record.text("name"), size, data)
        record.commit()
        return section


def _info_hash(record: Record) -> tuple[bytes | None, str | None]:
    size = record.number("program_info_hash_length")
    if size > _MAX_HASH:
        raise record.error("program_info_hash_length", f"{size} bytes are no hash")
    if not size or not record.number("program_info_hash"):
        return None, None
    _, digest = record.target("program_info_hash", size)
    if not record.number("program_info_hash_type"):
        return digest, None
    return digest, record.text("program_info_hash_type")


def _resolved_list(record: Record) -> tuple[int, int]:
    newest = layouts().get(NEWEST).program
    if record.header is None or record.header.size < newest.used:
        return 0, 0
    return record.extend(newest).listed("btf_resolved_functions", "btf_resolved_function_count")
