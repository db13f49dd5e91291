"""Initial values of a native image: map elements, and sections of global variables.

bpf2c puts the lists of names into the same section as the descriptions that point to them, so the
descriptions are taken from where the metadata table's getter says they are, or looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from ebpf_static.errors import FormatError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_entries import bounded_contents, read_header
from ebpf_static.formats.native_layouts import Struct
from ebpf_static.formats.native_metadata import Metadata
from ebpf_static.formats.native_rows import find_table_section
from ebpf_static.formats.native_tables import TableReader
from ebpf_static.specs.native import GlobalSection, InitialValues, PeSection

INITIAL_VALUES: Final = ("map_init", "map_initial_values")
"""Windows linkers cut section names of images at eight characters, others keep them."""

GLOBAL_VARIABLES: Final = ("global_v", "global_variables")
_MAX_ELEMENTS: Final = 4096

T = TypeVar("T")


def read_initial_values(
    pe: PeFile, reader: TableReader, metadata: Metadata | None
) -> tuple[InitialValues, ...]:
    """Return the initial elements of maps, by map.

    Raises:
        FormatError: the section is there but cannot be made sense of.
    """
    section = _find_section(pe, INITIAL_VALUES)
    layout = reader.generation.initial_values
    if section is None or layout is None:
        return ()
    told = _told(metadata, "map_initial_values")
    found = _read(pe, section, layout, told, reader.read_initial_values)
    return tuple(entry.values for entry in found)


def read_global_sections(
    pe: PeFile, reader: TableReader, metadata: Metadata | None
) -> tuple[GlobalSection, ...]:
    """Return the initial contents of global variables.

    Raises:
        FormatError: the section is there but cannot be made sense of.
    """
    section = _find_section(pe, GLOBAL_VARIABLES)
    layout = reader.generation.global_section
    if section is None or layout is None:
        return ()
    told = _told(metadata, "global_variable_sections")
    return tuple(_read(pe, section, layout, told, reader.read_global_section))


def _find_section(pe: PeFile, names: tuple[str, ...]) -> PeSection | None:
    for name in names:
        section = find_table_section(pe, name)
        if section is not None:
            return section
    return None


def _told(metadata: Metadata | None, name: str) -> tuple[int, int] | None:
    return metadata.tables.get(name) if metadata else None


def _read(
    pe: PeFile,
    section: PeSection,
    layout: Struct,
    told: tuple[int, int] | None,
    decode: Callable[[int], T],
) -> list[T]:
    if told is not None and told[1] <= _MAX_ELEMENTS and pe.find_section_at(told[0]) == section:
        stride = _stride(pe, told[0], layout, section)
        return [decode(told[0] + index * stride) for index in range(told[1])]
    return _search(pe, section, layout, decode)


def _stride(pe: PeFile, rva: int, layout: Struct, section: PeSection) -> int:
    if layout.header is None:
        return layout.size
    header = read_header(pe.read(rva, layout.size, section.name), layout.header)
    return header.total_size if header else layout.size


def _search(pe: PeFile, section: PeSection, layout: Struct, decode: Callable[[int], T]) -> list[T]:
    raw = bounded_contents(pe, section)
    found: list[T] = []
    start = 0
    while start + layout.size <= len(raw):
        header = None if layout.header is None else read_header(raw, start + layout.header)
        stride = header.total_size if header else layout.size
        if header is not None:
            found.append(decode(section.address + start))
        elif layout.header is None:
            entry = _try(decode, section.address + start) if any(raw[start : start + 8]) else None
            if entry is not None:
                found.append(entry)
            else:
                stride = 8
        else:
            stride = 8
        start += stride
    if not found and any(raw):
        raise FormatError("holds no entry", where=section.name, offset=section.offset)
    return found


def _try(decode: Callable[[int], T], rva: int) -> T | None:
    """Return an entry without version header, None when the bytes are something else.

    A list of names can only be taken for one when a name's address is a plausible count, which
    no address is.
    """
    try:
        return decode(rva)
    except FormatError:
        return None
