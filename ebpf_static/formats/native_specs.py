"""Table entries of a native image turned into the vocabulary every object is described in."""

from __future__ import annotations

from typing import Final

from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_layouts import layouts
from ebpf_static.formats.native_metadata import MAX_JUMPS, skip_jumps
from ebpf_static.formats.native_rows import Tables
from ebpf_static.formats.native_tables import HelperEntry, MapEntry, ProgramEntry
from ebpf_static.specs.base import ByName
from ebpf_static.specs.collection import ReadProblem
from ebpf_static.specs.map import MapOrigin, MapSpec, MapValue
from ebpf_static.specs.native import GlobalSection, InitialValues, NativeHelper, NativeProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType

_PROGRAM_ARRAY: Final = "PROG_ARRAY"
_NO_GUID: Final = "00000000-0000-0000-0000-000000000000"


def build_maps(
    pe: PeFile,
    tables: Tables,
    values: tuple[InitialValues, ...],
    sections: tuple[GlobalSection, ...],
    problems: list[ReadProblem],
) -> ByName[MapSpec]:
    """Return the maps, with inner maps, initial elements and initial contents joined to them."""
    entries = tables.maps.entries
    maps = [_map(pe, entry) for entry in entries]
    by_name = {it.map: it.values for it in values}
    data = {it.name: it.data for it in sections}
    names = {entry.name for entry in entries}
    for name in [*by_name, *data]:
        if name not in names:
            what = f"initial contents for {name!r}, which is no map of the image"
            problems.append(ReadProblem("native-values", what, "maps"))
    built = []
    for entry, spec in zip(entries, maps, strict=True):
        inner = _inner(entry, entries, problems)
        built.append(
            spec.model_copy(
                update={
                    "inner": None if inner is None else maps[inner],
                    "inner_name": None if inner is None else entries[inner].name,
                    "values": _values(spec, by_name.get(spec.name, ())),
                    "data": data.get(spec.name),
                }
            )
        )
    return ByName(built)


def _map(pe: PeFile, entry: MapEntry) -> MapSpec:
    layout = layouts().definition
    number = {field: layout.get(entry.definition, field) for field in layout.offsets}
    section = pe.find_section_at(entry.rva)
    return MapSpec(
        name=entry.name,
        type=MapType.of(Platform.WINDOWS, number["type"]),
        key_size=number["key_size"],
        value_size=number["value_size"],
        max_entries=number["max_entries"],
        pinning=number["pinning"],
        origin=MapOrigin.IMAGE,
        section="maps",
        section_offset=entry.rva - section.address if section else 0,
        layout="efw",
        record=entry.definition,
        legacy_id=number["id"],
    )


def _inner(
    entry: MapEntry, entries: tuple[MapEntry, ...], problems: list[ReadProblem]
) -> int | None:
    """Return the position of the inner map: by index, where 0 means none, else by its id."""
    layout = layouts().definition
    index = layout.get(entry.definition, "inner_map_idx")
    wanted = layout.get(entry.definition, "inner_id")
    if index:
        if index < len(entries):
            return index
        what = f"inner map {index} of {len(entries)}"
        problems.append(ReadProblem("native-inner-map", what, entry.name))
        return None
    if not wanted:
        return None
    ids = [layout.get(other.definition, "id") for other in entries]
    if wanted in ids:
        return ids.index(wanted)
    problems.append(ReadProblem("native-inner-map", f"no map has id {wanted}", entry.name))
    return None


def _values(spec: MapSpec, names: tuple[str | None, ...]) -> tuple[MapValue, ...]:
    kind = "program" if spec.type.name == _PROGRAM_ARRAY else "map"
    return tuple(MapValue(i, kind, name) for i, name in enumerate(names) if name is not None)


def build_programs(pe: PeFile, tables: Tables) -> tuple[NativeProgramSpec, ...]:
    """Return the programs in the image's order."""
    return tuple(
        _program(pe, tables, entry, helpers)
        for entry, helpers in zip(tables.programs.entries, tables.helpers, strict=True)
    )


def _program(
    pe: PeFile, tables: Tables, entry: ProgramEntry, helpers: tuple[HelperEntry, ...]
) -> NativeProgramSpec:
    program_type = ProgramType.from_guid(entry.program_type)
    attach_type = AttachType.from_guid(entry.attach_type)
    known = program_type or ProgramType.of(Platform.WINDOWS, 0)
    code = skip_jumps(pe, entry.function, MAX_JUMPS)
    section = pe.find_section_at(code)
    index = pe.sections.index(section) if section else 0
    return NativeProgramSpec(
        name=entry.name,
        section=entry.section,
        section_index=index,
        section_offset=code - section.address if section else 0,
        linkage="global",
        byte_order="little",
        code=b"",
        type=known,
        attach_type=None if entry.attach_type == _NO_GUID else attach_type,
        bpf_insn_count=entry.insn_count,
        pe_section=entry.pe_section,
        code_section=section.name if section else "",
        code_address=code,
        helpers=tuple(_helper(it, program_type) for it in helpers),
        referenced_maps=entry.maps,
        program_type_guid=entry.program_type,
        attach_type_guid=entry.attach_type,
        info_hash=entry.info_hash,
        info_hash_algorithm=entry.hash_type,
        resolved_functions=tables.reader.read_resolved(*entry.resolved),
        entry_header=entry.header,
        entry_offset=pe.file_offset(entry.rva) or 0,
    )


def _helper(entry: HelperEntry, program_type: ProgramType | None) -> NativeHelper:
    return NativeHelper(HelperId.of(Platform.WINDOWS, entry.id, program_type), entry.symbol)
