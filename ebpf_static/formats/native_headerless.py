"""Entries before 0.21: only arithmetic and the entries themselves tell their size."""

from __future__ import annotations

from collections.abc import Callable

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_entries import Table, read_among_text, read_filled
from ebpf_static.formats.native_layouts import Generation, layouts
from ebpf_static.formats.native_metadata import Metadata
from ebpf_static.formats.native_records import Ledger
from ebpf_static.formats.native_rows import (
    NO_MAPS,
    NO_PROGRAMS,
    T,
    Tables,
    arithmetic,
    read_row,
)
from ebpf_static.formats.native_tables import HelperEntry, TableReader
from ebpf_static.specs.native import PeSection


def read_headerless(
    pe: PeFile,
    programs: PeSection | None,
    maps: PeSection | None,
    metadata: Metadata | None,
) -> Tables:
    """Read maps and programs that have no version headers.

    Raises:
        FormatError: no generation fits, or several do.
    """
    fits: dict[int, Tables] = {}
    failures: list[tuple[bool, FormatError]] = []
    for generation in _by_program_size():
        reader = TableReader(pe, generation, Ledger())
        tables = Tables(reader, NO_MAPS, NO_PROGRAMS)
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
    tables.established += arithmetic(tables)
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

    return read_row(
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
        sizes = {it.program.size for it in layouts().with_metadata(metadata.size)}
        left = {size: it for size, it in left.items() if size in sizes} or left
    if len(left) > 1:
        sizes_text = ", ".join(str(size) for size in sorted(left))
        raise FormatError(
            f"entries of {sizes_text} bytes all fit", where="programs", offset=programs.offset
        )
    return next(iter(left.values()))


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
