"""What the readers of a generation share: the tables found, and how a row of entries is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_entries import EntryHeader, Table
from ebpf_static.formats.native_tables import HelperEntry, MapEntry, ProgramEntry, TableReader
from ebpf_static.specs.native import PeSection

T = TypeVar("T", MapEntry, ProgramEntry)


@dataclass(slots=True)
class Tables:
    """Maps and programs, and the generation they agree on.

    Attributes:
        reader: decoder of the generation, for the tables still to be read.
        names: generations that remain possible, oldest first.
        established: how they were found, in words.
    """

    reader: TableReader
    maps: Table[MapEntry]
    programs: Table[ProgramEntry]
    helpers: list[tuple[HelperEntry, ...]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    established: list[str] = field(default_factory=list)


NO_MAPS: Final[Table[MapEntry]] = Table((), 0, filled=True)
NO_PROGRAMS: Final[Table[ProgramEntry]] = Table((), 0, filled=True)


def find_table_section(pe: PeFile, name: str) -> PeSection | None:
    """Return the data section called ``name``.

    Raises:
        FormatError: there are several, so which holds the table is anybody's guess.
    """
    named = [section for section in pe.sections.get_all(name) if section.is_data]
    if len(named) > 1:
        raise FormatError(
            f"{len(named)} data sections have this name", where=name, offset=named[1].offset
        )
    return named[0] if named else None


def header_words(header: EntryHeader | None) -> str:
    """Return a version header in words."""
    if header is None:
        return "none"
    return f"version {header.version}, {header.size} bytes used of {header.total_size}"


def read_row(filled: Callable[[], Table[T]], among_text: Callable[[], Table[T]]) -> Table[T]:
    """Return the first reading that holds; when none does, the first says why.

    Text behind the entries, as in a debug DLL, and damaged entries look alike at first.
    """
    try:
        return filled()
    except FormatError as error:
        try:
            table = among_text()
        except FormatError:
            raise error from None
        if not table.entries:
            raise
        return table


def arithmetic(tables: Tables) -> list[str]:
    """Return how the entries fill their sections, in words."""
    said = []
    for name, table in (("programs", tables.programs), ("maps", tables.maps)):
        count = len(table.entries)
        if not count:
            continue
        size = f"{count} × {table.stride} bytes"
        if not table.filled:
            said.append(f"{name}: {size} in a row among text")
        elif table.padding:
            said.append(f"{name}: {size} and {table.padding} bytes of padding fill the section")
        else:
            said.append(f"{name}: {size} fill the section")
    return said
