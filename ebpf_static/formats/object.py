"""One ELF object, read whole: the container, then BTF, maps, functions and their references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ebpf_static import limits
from ebpf_static.btf import Btf, BtfExt
from ebpf_static.errors import LimitError, ObjectError, UnsupportedObjectError
from ebpf_static.formats.datasecs import Datasecs
from ebpf_static.formats.draft import MapDraft, ObjectDraft
from ebpf_static.formats.elf import ElfObject
from ebpf_static.formats.elf_constants import (
    SHT_NOBITS,
    SHT_PROGBITS,
)
from ebpf_static.formats.externs import layout_kconfig, read_externs
from ebpf_static.formats.functions import read_functions
from ebpf_static.formats.map_values import fill_values
from ebpf_static.formats.maps_btf import read_btf_maps
from ebpf_static.formats.maps_data import (
    VariableReader,
    read_data_map,
    read_kconfig_map,
    read_struct_ops_maps,
)
from ebpf_static.formats.maps_legacy import is_legacy_section, read_legacy_maps
from ebpf_static.formats.references import Resolver
from ebpf_static.formats.sniff import EM_BPF
from ebpf_static.formats.symbols import SymbolTable
from ebpf_static.specs.collection import ReadProblem
from ebpf_static.specs.section import SectionSpec
from ebpf_static.uapi.sections import data_section_kind

TAG_SECTION: Final = ".ebpf_for_windows"
_DATA_KINDS: Final = {
    "data": SHT_PROGBITS,
    "rodata": SHT_PROGBITS,
    "percpu": SHT_PROGBITS,
    "arena": SHT_PROGBITS,
    "bss": SHT_NOBITS,
}
"""Sections that become maps, and the type libbpf wants each to have."""

_STRUCT_OPS_KINDS: Final = ("struct_ops", "struct_ops_link")


def read_elf_object(data: bytes) -> ObjectDraft:
    """Read a compiled BPF object.

    Raises:
        UnsupportedObjectError: the bytes are no BPF object.
        FormatError: they are, but malformed where it matters.
    """
    elf = ElfObject(data)
    kinds = {s.index: data_section_kind(s.name) for s in elf.sections}
    _require_bpf(elf, kinds)
    draft = ObjectDraft(elf.spec)
    symbols = SymbolTable(elf)
    draft.btf, draft.btf_ext = _read_btf(elf, draft.problems)
    datasecs = None if draft.btf is None else Datasecs(draft.btf)
    draft.functions = read_functions(elf, symbols, draft.btf_ext)
    draft.externs = read_externs(symbols, datasecs)
    kconfig, kconfig_size = layout_kconfig(draft.externs, draft.btf)
    maps = _read_maps(elf, draft, symbols, datasecs, kinds, kconfig_size)
    jump_tables = frozenset(index for index, kind in kinds.items() if kind == "jumptables")
    resolver = Resolver(
        elf, draft.functions, maps, draft.externs, kconfig, jump_tables, draft.problems
    )
    draft.functions = resolver.resolve_all()
    draft.maps = fill_values(elf, maps, draft.functions, draft.problems)
    _read_texts(elf, draft)
    return draft


def _require_bpf(elf: ElfObject, kinds: Mapping[int, str | None]) -> None:
    """Refuse an ELF without a machine that shows nothing of BPF (old LLVM wrote none)."""
    if elf.spec.machine == EM_BPF:
        return
    if not any(kinds.values()):
        raise UnsupportedObjectError("an ELF file for no machine, without any BPF section")


def _read_btf(elf: ElfObject, problems: list[ReadProblem]) -> tuple[Btf | None, BtfExt | None]:
    """Read ``.BTF`` and ``.BTF.ext``; what is malformed is noted and done without."""
    section = _find_progbits(elf, ".BTF")
    if section is None:
        return None, None
    try:
        btf = Btf.parse(
            elf.section_data(section), byte_order=elf.byte_order, file_offset=section.offset
        )
    except ObjectError as error:
        problems.append(ReadProblem("btf", error.what, error.where or ".BTF", error.offset))
        return None, None
    section = _find_progbits(elf, ".BTF.ext")
    if section is None:
        return btf, None
    try:
        return btf, BtfExt.parse(elf.section_data(section), btf, file_offset=section.offset)
    except ObjectError as error:
        problems.append(ReadProblem("btf-ext", error.what, error.where or ".BTF.ext", error.offset))
        return btf, None


def _find_progbits(elf: ElfObject, name: str) -> SectionSpec | None:
    found = (s for s in elf.sections if s.name == name and s.type == SHT_PROGBITS and s.size)
    return next(found, None)


def _read_maps(
    elf: ElfObject,
    draft: ObjectDraft,
    symbols: SymbolTable,
    datasecs: Datasecs | None,
    kinds: Mapping[int, str | None],
    kconfig_size: int,
) -> tuple[MapDraft, ...]:
    """Return every map in libbpf's order: declared, data, kconfig, struct_ops."""
    declared: list[MapDraft] = []
    data: list[MapDraft] = []
    struct_ops: list[MapDraft] = []
    variables = VariableReader(elf, symbols, datasecs)
    for section in elf.sections:
        kind = kinds[section.index]
        if section.is_executable or not section.size:
            continue
        if section.name == ".maps" or section.name.startswith(".maps/"):
            declared += _declared_maps(elf, draft, section, symbols, datasecs)
        elif is_legacy_section(section):
            declared += read_legacy_maps(elf, section, symbols)
        elif kind in _DATA_KINDS and section.type == _DATA_KINDS[kind]:
            found = read_data_map(elf, datasecs, section, symbols, read_only=kind == "rodata")
            _read_variables(draft, variables, section, found.data)
            if kind != "arena":
                data.append(found)
        elif kind in _STRUCT_OPS_KINDS and section.type == SHT_PROGBITS and datasecs:
            struct_ops += read_struct_ops_maps(elf, datasecs, section, symbols)
        if len(declared) + len(data) + len(struct_ops) > limits.MAX_MAPS:
            raise LimitError(f"more than {limits.MAX_MAPS} maps", where=f"section {section.name}")
    draft.variables = tuple(variables.found)
    kconfig = [read_kconfig_map(kconfig_size)] if kconfig_size else []
    maps = [*declared, *data, *kconfig, *struct_ops]
    return tuple(_with_arena(elf, maps, kinds))


def _declared_maps(
    elf: ElfObject,
    draft: ObjectDraft,
    section: SectionSpec,
    symbols: SymbolTable,
    datasecs: Datasecs | None,
) -> tuple[MapDraft, ...]:
    if datasecs is None:
        # efW reads such a section as legacy records; libbpf refuses it.
        draft.problems.append(
            ReadProblem(
                "maps",
                "maps are declared by BTF, but the object has no usable .BTF",
                f"section {section.name}",
                section.offset,
            )
        )
        return read_legacy_maps(elf, section, symbols)
    return read_btf_maps(datasecs, section, symbols)


def _read_variables(
    draft: ObjectDraft, reader: VariableReader, section: SectionSpec, data: bytes | None
) -> None:
    try:
        reader.read(section, data)
    except ObjectError as error:
        draft.problems.append(
            ReadProblem("variables", error.what, f"section {section.name}", error.offset)
        )


def _with_arena(
    elf: ElfObject, maps: list[MapDraft], kinds: Mapping[int, str | None]
) -> list[MapDraft]:
    """Give the object's arena map the initial contents of ``.addr_space.1``."""
    section = next((s for s in elf.sections if kinds[s.index] == "arena" and s.size), None)
    at = next((i for i, m in enumerate(maps) if m.number == _MAP_TYPE_ARENA), None)
    if section is not None and at is not None:
        maps[at] = maps[at]._replace(data=elf.section_data(section), data_section=section.index)
    return maps


_MAP_TYPE_ARENA: Final = 33


def _read_texts(elf: ElfObject, draft: ObjectDraft) -> None:
    """Read the licence, version and tag sections."""
    for section in elf.sections:
        if section.name == "license" and draft.license is None:
            text = elf.section_data(section).split(b"\0", 1)[0][: limits.MAX_NAME_BYTES]
            draft.license = text.decode("utf-8", "surrogateescape")
        elif section.name == "version" and section.size >= 4:
            draft.version = int.from_bytes(elf.section_data(section)[:4], elf.byte_order)
        elif section.name == TAG_SECTION and draft.tag is None:
            draft.tag = elf.section_data(section)[: limits.MAX_NAME_BYTES]
