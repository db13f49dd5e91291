"""Which generation of ``bpf2c.h`` an image was built from, and its maps and programs.

From 0.21 on each entry names its size in a version header. Before, only arithmetic and the
entries themselves tell: the entry size has to divide the section, and every field of every entry
has to hold. The metadata table, where it is found, confirms or decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_entries import (
    EntryHeader,
    Table,
    bounded_contents,
    find_header,
    read_among_text,
    read_filled,
    read_header,
)
from ebpf_static.formats.native_layouts import Generation, Struct, layouts
from ebpf_static.formats.native_metadata import Metadata
from ebpf_static.formats.native_records import Ledger
from ebpf_static.formats.native_tables import (
    NEWEST,
    HelperEntry,
    MapEntry,
    ProgramEntry,
    TableReader,
)
from ebpf_static.specs.native import PeSection
from ebpf_static.target import Version

T = TypeVar("T", MapEntry, ProgramEntry)
FIRST_VERSIONED: Final = "0.21"


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


_EMPTY: Final[Table[MapEntry]] = Table((), 0, filled=True)
_NO_PROGRAMS: Final[Table[ProgramEntry]] = Table((), 0, filled=True)


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


def read_tables(pe: PeFile, metadata: Metadata | None) -> Tables:
    """Read maps and programs of whichever generation the image is.

    Raises:
        FormatError: no generation fits, or more than one does.
    """
    programs = find_table_section(pe, "programs")
    maps = find_table_section(pe, "maps")
    versioned = [
        section
        for section, layout in (
            (programs, layouts().get(FIRST_VERSIONED).program),
            (maps, layouts().get(FIRST_VERSIONED).map),
        )
        if section and find_header(bounded_contents(pe, section), layout)
    ]
    if versioned:
        tables = _read_versioned(pe, programs, maps)
    else:
        tables = _read_headerless(pe, programs, maps, metadata)
    for section, found in ((programs, tables.programs.entries), (maps, tables.maps.entries)):
        if section and not found:
            raise FormatError("holds no entry", where=section.name, offset=section.offset)
    _name(tables, metadata)
    return tables


def _read_versioned(pe: PeFile, programs: PeSection | None, maps: PeSection | None) -> Tables:
    reader = TableReader(pe, layouts().get(FIRST_VERSIONED), Ledger())
    tables = Tables(reader, _EMPTY, _NO_PROGRAMS)
    if maps:
        tables.maps = _read_versioned_table(pe, maps, reader.generation.map, reader.read_map)
    if programs:
        layout = reader.generation.program
        tables.programs = _read_versioned_table(pe, programs, layout, reader.read_program)
    for name, table in (("program", tables.programs), ("map", tables.maps)):
        if table.entries:
            header = table.entries[0].header
            tables.established.append(f"{name} entries have the version header {_words(header)}")
    tables.established += _arithmetic(tables)
    tables.helpers = [reader.read_helpers(*entry.helpers) for entry in tables.programs.entries]
    return tables


def _words(header: EntryHeader | None) -> str:
    if header is None:
        return "none"
    return f"version {header.version}, {header.size} bytes used of {header.total_size}"


def _read_versioned_table(
    pe: PeFile, section: PeSection, layout: Struct, decode: Callable[[int], T]
) -> Table[T]:
    raw = bounded_contents(pe, section)
    found = find_header(raw, layout)
    if found is None:
        raise FormatError(
            "entries have no version header, those of the other table do",
            where=section.name,
            offset=section.offset,
        )
    start, header = found
    stride = header.total_size
    if start:
        table = _search_versioned(pe, section, layout, stride, decode)
    else:
        table = _read_row(
            lambda: read_filled(pe, section, stride, decode),
            lambda: _search_versioned(pe, section, layout, stride, decode),
        )
    for entry in table.entries:
        if entry.header is None or entry.header.total_size != stride:
            raise FormatError(
                f"an entry has {_words(entry.header)}, the first has {stride} bytes",
                where=section.name,
                offset=pe.file_offset(entry.rva),
            )
    return table


def _read_row(filled: Callable[[], Table[T]], among_text: Callable[[], Table[T]]) -> Table[T]:
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


def _search_versioned(
    pe: PeFile, section: PeSection, layout: Struct, stride: int, decode: Callable[[int], T]
) -> Table[T]:
    position = layout.header or 0

    def starts(raw: bytes, start: int) -> bool:
        marked = not any(raw[start : start + position])
        return marked and read_header(raw, start + position) is not None

    return read_among_text(pe, section, stride, decode, starts, strict=True)


def _arithmetic(tables: Tables) -> list[str]:
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


def _read_headerless(
    pe: PeFile,
    programs: PeSection | None,
    maps: PeSection | None,
    metadata: Metadata | None,
) -> Tables:
    fits: dict[int, Tables] = {}
    failures: list[tuple[bool, FormatError]] = []
    for generation in _by_program_size():
        reader = TableReader(pe, generation, Ledger())
        tables = Tables(reader, _EMPTY, _NO_PROGRAMS)
        try:
            if programs:
                tables.programs = _read_old_table(
                    pe, programs, generation.program.size, reader.read_program
                )
            if maps:
                tables.maps = _read_old_table(pe, maps, generation.map.size, reader.read_map)
        except FormatError as error:
            divides = programs is None or programs.virtual_size % generation.program.size == 0
            failures.append((divides, error))
        else:
            fits[generation.program.size] = tables
    if not fits:
        raise _no_layout(failures)
    tables = _choose(fits, metadata, programs)
    tables.established += _arithmetic(tables)
    _read_old_helpers(pe, tables)
    return tables


def _by_program_size() -> list[Generation]:
    """Return one headerless generation per program entry size, newest first."""
    sizes: dict[int, Generation] = {}
    for generation in layouts().generations:
        if not generation.is_versioned and generation.first:
            sizes[generation.program.size] = generation
    return sorted(sizes.values(), key=lambda it: -it.program.size)


def _no_layout(failures: list[tuple[bool, FormatError]]) -> FormatError:
    _, best = max(failures, key=lambda failure: (failure[0], failure[1].offset or 0))
    return FormatError(
        f"no layout of efW 0.2 to 1.5 fits; the closest fails with: {best.what}",
        where=best.where,
        offset=best.offset,
    )


def _read_old_table(
    pe: PeFile, section: PeSection, stride: int, decode: Callable[[int], T]
) -> Table[T]:
    def starts(raw: bytes, start: int) -> bool:
        return not any(raw[start : start + 8]) and any(raw[start + 8 : start + stride])

    return _read_row(
        lambda: read_filled(pe, section, stride, decode),
        lambda: read_among_text(pe, section, stride, decode, starts, strict=False),
    )


def _choose(
    fits: dict[int, Tables], metadata: Metadata | None, programs: PeSection | None
) -> Tables:
    """Return the one reading that is left when arithmetic and the metadata table have spoken."""
    if programs is None or len(fits) == 1 or not any(it.programs.entries for it in fits.values()):
        return next(iter(fits.values()))
    exact = {
        size: it for size, it in fits.items() if it.programs.filled and not it.programs.padding
    }
    left = exact or {size: it for size, it in fits.items() if it.programs.filled} or fits
    if len(left) > 1 and metadata is not None:
        sizes = {it.program.size for it in _with_metadata(metadata.size)}
        left = {size: it for size, it in left.items() if size in sizes} or left
    if len(left) > 1:
        sizes_text = ", ".join(str(size) for size in sorted(left))
        raise FormatError(
            f"entries of {sizes_text} bytes all fit", where="programs", offset=programs.offset
        )
    return next(iter(left.values()))


def _with_metadata(size: int) -> list[Generation]:
    return [it for it in layouts().generations if it.metadata.size == size]


def _read_old_helpers(pe: PeFile, tables: Tables) -> None:
    """Read the helper lists with the one entry size (32, or 16 of a snapshot) that fits them."""
    lists = [entry.helpers for entry in tables.programs.entries]
    snapshot = layouts().get("main-2025-02-21")
    generations = [tables.reader.generation]
    if tables.programs.stride == snapshot.program.size:
        generations.append(snapshot)
    failure: FormatError | None = None
    fits: list[tuple[TableReader, list[tuple[HelperEntry, ...]]]] = []
    for generation in generations:
        reader = TableReader(pe, generation, Ledger())
        try:
            fits.append((reader, [reader.read_helpers(*where) for where in lists]))
        except FormatError as error:
            failure = failure or error
    if not fits and failure is not None:
        raise failure
    if len(fits) > 1 and any(count for _, count in lists):
        raise FormatError("helper entries of 16 and 32 bytes both fit", where="helpers")
    chosen, tables.helpers = fits[0]
    chosen.ledger.pointers |= tables.reader.ledger.pointers
    tables.reader = chosen


def _name(tables: Tables, metadata: Metadata | None) -> None:
    """Name the generations that the strides, and the metadata table, leave possible."""
    header = tables.programs.entries[0].header if tables.programs.entries else None
    if tables.reader.generation.is_versioned:
        tables.names = _versioned_names(header)
    else:
        tables.names = [it.name for it in _matching(tables)]
    if metadata is None:
        return
    built_by = {it.name for it in layouts().generations if _covers(it, metadata.version)}
    if len(tables.names) > 1 and built_by.intersection(tables.names):
        tables.names = [name for name in tables.names if name in built_by]
        tables.established.append(f"bpf2c calls itself {metadata.version}")
    confirmed = {it.name for it in _with_metadata(metadata.size)}
    if confirmed.intersection(tables.names) or tables.names == ["newer"]:
        tables.names = [it for it in tables.names if it in confirmed or it == "newer"]
        tables.established.append(f"the metadata table has {metadata.size} bytes")


def _covers(generation: Generation, version: Version | None) -> bool:
    """Tell whether bpf2c of ``version`` writes this generation; snapshots answer no."""
    if version is None or generation.first is None or generation.last is None:
        return False
    open_ended = generation.last.startswith("unreleased")
    return Version.parse(generation.first) <= version and (
        open_ended or version <= Version.parse(generation.last)
    )


def _versioned_names(header: EntryHeader | None) -> list[str]:
    if header is None:
        return [FIRST_VERSIONED, NEWEST]
    newest = layouts().get(NEWEST).program
    if header.size < newest.used:
        return [FIRST_VERSIONED]
    return [NEWEST] if header.size == newest.used else ["newer"]


def _matching(tables: Tables) -> list[Generation]:
    has_helpers = any(tables.helpers)
    chosen = tables.reader.generation.helper.size
    return [
        it
        for it in layouts().generations
        if not it.is_versioned
        and (not tables.programs.entries or it.program.size == tables.programs.stride)
        and (not has_helpers or it.helper.size == chosen)
    ]
