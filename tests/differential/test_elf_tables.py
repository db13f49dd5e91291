"""Our sections, symbols and relocations of real objects are pyelftools' and lief's."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import lief
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from ebpf_static.formats.elf import ElfObject
from ebpf_static.formats.elf_constants import (
    SHT_NULL,
)
from tests.differential.objects import OURS, debian_objects

_OBJECTS = {
    **{path.relative_to(OURS).as_posix(): path for path in sorted(OURS.rglob("*.o"))},
    **debian_objects(),
}
every_object = pytest.mark.parametrize("name", _OBJECTS)


def _ours(name: str) -> ElfObject:
    return ElfObject(_OBJECTS[name].read_bytes())


def _pyelftools(path: Path) -> ELFFile:
    return ELFFile(io.BytesIO(path.read_bytes()))


@every_object
def test_sections_are_pyelftools(name: str) -> None:
    fields = ("sh_type", "sh_flags", "sh_addr", "sh_offset", "sh_size", "sh_link", "sh_info",
              "sh_addralign", "sh_entsize")  # fmt: skip
    theirs = [
        (section.name, *(_number(section[field]) for field in fields))
        for section in _pyelftools(_OBJECTS[name]).iter_sections()
    ]
    assert [tuple(section)[1:] for section in _ours(name).sections] == theirs


_TYPES = {
    "SHT_NULL": 0, "SHT_PROGBITS": 1, "SHT_SYMTAB": 2, "SHT_STRTAB": 3, "SHT_RELA": 4,
    "SHT_NOTE": 7, "SHT_NOBITS": 8, "SHT_REL": 9, "SHT_LLVM_ADDRSIG": 0x6FFF4C03,
    "STT_NOTYPE": 0, "STT_OBJECT": 1, "STT_FUNC": 2, "STT_SECTION": 3, "STT_FILE": 4,
    "STB_LOCAL": 0, "STB_GLOBAL": 1, "STB_WEAK": 2,
    "STV_DEFAULT": 0, "STV_INTERNAL": 1, "STV_HIDDEN": 2, "STV_PROTECTED": 3,
    "SHN_UNDEF": 0, "SHN_ABS": 0xFFF1, "SHN_COMMON": 0xFFF2,
}  # fmt: skip


def _number(value: Any) -> int:
    """Return the number behind a pyelftools name."""
    return _TYPES[value] if isinstance(value, str) else int(value)


@every_object
def test_symbols_are_pyelftools(name: str) -> None:
    table = next(
        (
            s
            for s in _pyelftools(_OBJECTS[name]).iter_sections()
            if isinstance(s, SymbolTableSection)
        ),
        None,
    )
    theirs = [
        (
            index,
            # pyelftools names section symbols after their section; in the file they are nameless.
            symbol.name if symbol["st_name"] else "",
            symbol["st_value"],
            symbol["st_size"],
            _number(symbol["st_info"]["type"]),
            _number(symbol["st_info"]["bind"]),
            _number(symbol["st_other"]["visibility"]),
            _number(symbol["st_shndx"]),
        )
        for index, symbol in enumerate(table.iter_symbols() if table else ())
    ]
    assert [tuple(symbol) for symbol in _ours(name).symbols] == theirs


@every_object
def test_relocations_are_pyelftools(name: str) -> None:
    ours, theirs = _ours(name), _pyelftools(_OBJECTS[name])
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    for table in theirs.iter_sections():
        if isinstance(table, RelocationSection):
            rows = found.setdefault(table["sh_info"], [])
            rows.extend(
                (
                    row["r_offset"],
                    row["r_info_sym"],
                    row["r_info_type"],
                    row["r_addend"] if table.is_RELA() else 0,
                )
                for row in table.iter_relocations()
            )
    assert {
        section.index: [tuple(row)[:4] for row in ours.relocations(section)]
        for section in ours.sections
        if ours.relocations(section)
    } == {index: rows for index, rows in found.items() if rows}


def _lief(name: str) -> lief.ELF.Binary:
    """Return lief's view; its parts do not keep it alive, so whoever asks must."""
    found = lief.ELF.parse(str(_OBJECTS[name]))
    assert found is not None
    return found


@every_object
def test_sections_are_liefs(name: str) -> None:
    binary = _lief(name)
    theirs = [
        (s.name, s.type.value & 0xFFFFFFFF, s.flags, s.file_offset, s.size, s.link,
         s.information, s.alignment, s.entry_size)
        for s in binary.sections
    ]  # fmt: skip
    ours = [
        (s.name, s.type, s.flags, s.offset, s.size, s.link, s.info, s.alignment, s.entry_size)
        for s in _ours(name).sections
    ]
    assert ours == theirs


@every_object
def test_symbols_are_liefs(name: str) -> None:
    binary = _lief(name)
    theirs = [
        (s.name, s.value, s.size, s.type.value, s.binding.value, s.visibility.value, s.shndx)
        for s in binary.symtab_symbols
    ]
    ours = [
        (s.name, s.value, s.size, s.type, s.bind, s.visibility, s.section)
        for s in _ours(name).symbols
    ]
    assert ours == theirs


@every_object
def test_relocations_are_liefs(name: str) -> None:
    binary = _lief(name)
    theirs = sorted(
        (r.section.name if r.section else "", r.address, r.info, r.type.value & 0xFFFF)
        for r in binary.object_relocations
    )
    ours = _ours(name)
    mine = sorted(
        (section.name, r.offset, r.symbol, r.type)
        for section in ours.sections
        if section.type != SHT_NULL
        for r in ours.relocations(section)
    )
    assert mine == theirs
