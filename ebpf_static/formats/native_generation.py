"""Which generation of ``bpf2c.h`` an image was built from, and its maps and programs.

From 0.21 on each entry names its size in a version header. Before, only arithmetic and the
entries themselves tell: the entry size has to divide the section, and every field of every entry
has to hold. The metadata table, where it is found, confirms or decides.
"""

from __future__ import annotations

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_entries import EntryHeader, bounded_contents, find_header
from ebpf_static.formats.native_headerless import read_headerless
from ebpf_static.formats.native_layouts import Generation, layouts
from ebpf_static.formats.native_metadata import Metadata
from ebpf_static.formats.native_rows import Tables, find_table_section
from ebpf_static.formats.native_tables import NEWEST
from ebpf_static.formats.native_versioned import FIRST_VERSIONED, read_versioned
from ebpf_static.target import Version


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
        tables = read_versioned(pe, programs, maps)
    else:
        tables = read_headerless(pe, programs, maps, metadata)
    for section, found in ((programs, tables.programs.entries), (maps, tables.maps.entries)):
        if section and not found:
            raise FormatError("holds no entry", where=section.name, offset=section.offset)
    _name(tables, metadata)
    return tables


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
    confirmed = {it.name for it in layouts().with_metadata(metadata.size)}
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
