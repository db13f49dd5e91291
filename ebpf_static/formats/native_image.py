"""A native image put together: tables, values, and what confirms or contradicts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeVar

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.native_container import FILE_DLL, SUBSYSTEM_NATIVE, PeFile
from ebpf_static.formats.native_directories import (
    module_stem,
    read_exports,
    read_imports,
    read_pdb_path,
    read_relocations,
)
from ebpf_static.formats.native_generation import read_tables
from ebpf_static.formats.native_layouts import layouts
from ebpf_static.formats.native_metadata import Metadata, find_metadata
from ebpf_static.formats.native_records import Ledger
from ebpf_static.formats.native_rows import Tables, find_table_section
from ebpf_static.formats.native_specs import build_maps, build_programs
from ebpf_static.formats.native_tables import MapEntry, ProgramEntry
from ebpf_static.formats.native_values import read_global_sections, read_initial_values
from ebpf_static.specs.base import ByName
from ebpf_static.specs.collection import ReadProblem
from ebpf_static.specs.evidence import Evidence
from ebpf_static.specs.native import Authenticode, NativeImageSpec, NativeLayout, PeImport
from ebpf_static.target import Platform

_MAX_HASH: Final = 64
T = TypeVar("T")


def read_image(
    pe: PeFile, authenticode: Authenticode, problems: list[ReadProblem]
) -> NativeImageSpec:
    """Read everything a native image declares.

    Raises:
        FormatError: its tables are malformed or of no known layout.
    """
    metadata = find_metadata(pe)
    tables = read_tables(pe, metadata)
    _require_bounds(tables)
    values = read_initial_values(pe, tables.reader, metadata)
    sections = read_global_sections(pe, tables.reader, metadata)
    confirmed = _compare_counts(pe, tables, metadata, problems)
    maps = build_maps(pe, tables, values, sections, problems)
    no_exports: tuple[str | None, tuple[str, ...]] = (None, ())
    no_imports: tuple[PeImport, ...] = ()
    no_path: str | None = None
    module, exports = _lenient(problems, "exports", no_exports, lambda: read_exports(pe))
    imports = _lenient(problems, "imports", no_imports, lambda: read_imports(pe))
    pdb = _lenient(problems, "debug", no_path, lambda: read_pdb_path(pe))
    named = module or pdb
    return NativeImageSpec(
        platform=Platform.WINDOWS,
        numbering=Platform.WINDOWS,
        byte_order="little",
        evidence=_evidence(tables),
        maps=maps,
        functions=ByName(build_programs(pe, tables)),
        machine=pe.machine,
        kind=_kind(pe),
        module_name=module_stem(named) if named else None,
        pdb_path=pdb,
        image_base=pe.image_base,
        sections=pe.sections,
        imports=imports,
        exports=exports,
        layout=_layout(tables, metadata, confirmed),
        bpf2c_version=metadata.version if metadata else None,
        elf_hash=_elf_hash(pe, metadata, problems),
        initial_values=values,
        global_sections=sections,
        npi_guid=_has_npi_guid(pe),
        relocatable=_check_relocations(pe, tables.reader.ledger, problems),
        authenticode=authenticode,
        problems=tuple(problems),
    )


def _require_bounds(tables: Tables) -> None:
    if len(tables.maps.entries) > limits.MAX_MAPS:
        raise LimitError(f"{len(tables.maps.entries)} maps", where="maps")
    count = len(tables.maps.entries)
    for entry in tables.programs.entries:
        bad = next((index for index in entry.maps if index >= count), None)
        if bad is not None:
            raise FormatError(
                f"program {entry.name} refers to map {bad} of {count}", where="programs"
            )


def _lenient(problems: list[ReadProblem], kind: str, otherwise: T, read: Callable[[], T]) -> T:
    """Return what ``read`` gives, or ``otherwise`` and a problem when it cannot."""
    try:
        return read()
    except FormatError as error:
        problems.append(ReadProblem(kind, error.what, error.where or kind, error.offset))
        return otherwise


def _kind(pe: PeFile) -> Literal["driver", "dll"]:
    if pe.subsystem == SUBSYSTEM_NATIVE or not pe.headers.flags & FILE_DLL:
        return "driver"
    return "dll"


def _compare_counts(
    pe: PeFile, tables: Tables, metadata: Metadata | None, problems: list[ReadProblem]
) -> list[str]:
    """Compare what the sections hold with what the metadata table's getters hand out."""
    said = []
    found: dict[str, tuple[ProgramEntry, ...] | tuple[MapEntry, ...]] = {
        "programs": tables.programs.entries,
        "maps": tables.maps.entries,
    }
    for name, entries in found.items():
        told = metadata.tables.get(name) if metadata else None
        if told is None:
            continue
        rva, count = told
        first = entries[0].rva if entries else 0
        if count == len(entries) and (not count or rva == first):
            said.append(f"the getter of the metadata table hands out {count} {name}")
        else:
            where = pe.find_section_at(rva)
            problems.append(
                ReadProblem(
                    "native-count",
                    f"the section holds {len(entries)} entries, the metadata table's getter "
                    f"hands out {count}",
                    where.name if where else name,
                    pe.file_offset(rva),
                )
            )
    return said


def _layout(tables: Tables, metadata: Metadata | None, confirmed: list[str]) -> NativeLayout:
    releases = {
        it.name: (it.first, it.last) if it.first and it.last else None
        for it in layouts().generations
    }
    generation = tables.reader.generation
    first = next((it for it in tables.helpers if it), None)
    return NativeLayout(
        name="|".join(tables.names),
        releases=tuple(releases.get(name) for name in tables.names),
        program_stride=tables.programs.stride or None,
        map_stride=tables.maps.stride or None,
        helper_stride=generation.helper.size if first else None,
        metadata_size=metadata.size if metadata else None,
        established=(*tables.established, *confirmed),
    )


def _evidence(tables: Tables) -> tuple[Evidence, ...]:
    present = [
        name
        for name, table in (("programs", tables.programs), ("maps", tables.maps))
        if table.entries
    ]
    return tuple(
        Evidence(
            platform=Platform.WINDOWS,
            kind="native-image",
            weight=100,
            what="table of a native image",
            where=name,
        )
        for name in present
    )


def _elf_hash(pe: PeFile, metadata: Metadata | None, problems: list[ReadProblem]) -> bytes | None:
    section = find_table_section(pe, "hash")
    if section is not None:
        if 0 < section.virtual_size <= _MAX_HASH:
            return pe.read(section.address, section.virtual_size, "hash")
        what = f"{section.virtual_size} bytes are no hash"
        problems.append(ReadProblem("native-hash", what, "hash", section.offset))
    if metadata is None or metadata.hash is None:
        return None
    rva, size = metadata.hash
    if not rva or not 0 < size <= _MAX_HASH:
        return None
    return _lenient(problems, "native-hash", None, lambda: pe.read(rva, size, "hash"))


def _has_npi_guid(pe: PeFile) -> bool:
    guid = layouts().npi_guid
    return any(guid in pe.contents(section) for section in pe.sections if section.is_data)


def _check_relocations(pe: PeFile, ledger: Ledger, problems: list[ReadProblem]) -> bool | None:
    relocated = _lenient(problems, "relocations", None, lambda: read_relocations(pe))
    if relocated is None:
        return None
    missing = ledger.pointers - relocated
    if missing:
        first = min(missing)
        section = pe.find_section_at(first)
        problems.append(
            ReadProblem(
                "relocations",
                f"{len(missing)} of {len(ledger.pointers)} pointers are not relocated when "
                "Windows moves the image",
                section.name if section else "relocations",
                pe.file_offset(first),
            )
        )
    return not missing
