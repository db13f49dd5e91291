"""What the ELF writer writes, read back by pyelftools: an independent reader."""

from __future__ import annotations

import io

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from tests.build.asm import BE, LE, R0, R1, Assembler
from tests.build.elf_writer import (
    EM_BPF,
    R_BPF_64_32,
    R_BPF_64_64,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    SHN_UNDEF,
    SHT_NOBITS,
    STB_GLOBAL,
    STB_WEAK,
    STT_FUNC,
    STT_OBJECT,
    STT_SECTION,
    STV_HIDDEN,
    ElfWriter,
    Section,
)

WRITERS = pytest.mark.parametrize("asm", [LE, BE], ids=["little", "big"])


def written(asm: Assembler) -> tuple[ElfWriter, Section, bytes]:
    """An object with a program, a map, a NOBITS section and relocations of both kinds."""
    writer = ElfWriter(asm.byte_order)
    code = asm.lddw(R1, 0) + asm.call_local() + asm.mov(R0, 2) + asm.exit()
    xdp = writer.section("xdp", code, SHF_ALLOC | SHF_EXECINSTR, align=8)
    maps = writer.section("maps", bytes(20), SHF_ALLOC | SHF_WRITE, align=4)
    writer.section(".bss", bytes(1 << 20), SHF_ALLOC | SHF_WRITE, SHT_NOBITS, align=8)
    writer.section(b"caf\xe9", b"\1\2\3")
    writer.symbol("drop", xdp, size=len(code), type=STT_FUNC, bind=STB_GLOBAL)
    section_symbol = writer.symbol("", xdp, type=STT_SECTION)
    writer.symbol("helper", SHN_UNDEF, bind=STB_WEAK, other=STV_HIDDEN)
    events = writer.symbol("events", maps, 4, 16, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.relocation(xdp, 0, events, R_BPF_64_64)
    writer.relocation(xdp, 16, section_symbol, R_BPF_64_32)
    writer.relocation(maps, 8, events, R_BPF_64_64, addend=-4)
    return writer, xdp, writer.build()


def parse(data: bytes) -> ELFFile:
    return ELFFile(io.BytesIO(data))


@WRITERS
def test_header_and_sections(asm: Assembler) -> None:
    _, xdp, data = written(asm)
    elf = parse(data)
    assert elf.little_endian is (asm.byte_order == "little")
    assert (elf.elfclass, elf["e_machine"], elf["e_type"]) == (64, "EM_BPF", "ET_REL")
    names = [section.name for section in elf.iter_sections()]
    assert names[:4] == ["", "xdp", "maps", ".bss"]
    assert names[5:] == [".relxdp", ".relamaps", ".symtab", ".strtab", ".shstrtab"]
    first = elf.get_section(1)
    assert first.data() == xdp.data
    assert first["sh_offset"] == xdp.offset
    assert first["sh_offset"] % 8 == 0
    assert data[xdp.offset :].startswith(xdp.data)
    assert elf.get_section(3)["sh_size"] == 1 << 20
    assert len(data) < 4096, "a NOBITS section takes no room in the file"
    assert elf["e_shoff"] + elf["e_shnum"] * 64 == len(data), "the table ends the file"


@WRITERS
def test_symbols_are_local_first_and_keep_their_fields(asm: Assembler) -> None:
    symtab = parse(written(asm)[2]).get_section_by_name(".symtab")
    assert isinstance(symtab, SymbolTableSection)
    symbols = list(symtab.iter_symbols())
    assert [symbol.name for symbol in symbols[2:]] == ["drop", "helper", "events"]
    assert symtab["sh_info"] == 2
    assert symbols[1]["st_info"]["type"] == "STT_SECTION"
    events = symbols[4]
    assert (events["st_shndx"], events["st_value"], events["st_size"]) == (2, 4, 16)
    assert symbols[3]["st_info"]["bind"] == "STB_WEAK"
    assert symbols[3]["st_other"]["visibility"] == "STV_HIDDEN"
    assert symbols[3]["st_shndx"] == "SHN_UNDEF"


@WRITERS
def test_relocations_name_their_section_symbol_and_addend(asm: Assembler) -> None:
    elf = parse(written(asm)[2])
    rel = elf.get_section_by_name(".relxdp")
    rela = elf.get_section_by_name(".relamaps")
    assert isinstance(rel, RelocationSection)
    assert isinstance(rela, RelocationSection)
    assert (rel["sh_info"], rela["sh_info"]) == (1, 2)
    assert elf.get_section(rel["sh_link"]).name == ".symtab"
    found = [(r["r_offset"], r["r_info_sym"], r["r_info_type"]) for r in rel.iter_relocations()]
    assert found == [(0, 4, R_BPF_64_64), (16, 1, R_BPF_64_32)]
    assert [r["r_addend"] for r in rela.iter_relocations()] == [-4]


def test_same_object_twice_is_the_same_bytes() -> None:
    writer, _, data = written(LE)
    assert writer.build() == data


def test_fields_are_broken_where_asked() -> None:
    writer = ElfWriter()
    section = writer.section("xdp", LE.exit())
    symbol = writer.symbol("f", section)
    writer.header["e_shnum"] = 0xFFFF
    writer.header["ei_class"] = 1
    section.header["sh_size"] = 1 << 60
    symbol.fields["st_name"] = 0xFFFFFFF0
    writer.generated[".symtab"] = {"sh_entsize": 7}
    writer.generated[""] = {"sh_size": 99}
    writer.patch(0, b"\x7fELG")
    data = writer.build()
    assert data[:5] == b"\x7fELG\1"
    assert int.from_bytes(data[60:62], "little") == 0xFFFF
    table = int.from_bytes(data[40:48], "little")
    rows = [data[start : start + 64] for start in range(table, len(data), 64)]
    assert int.from_bytes(rows[0][32:40], "little") == 99
    assert int.from_bytes(rows[1][32:40], "little") == 1 << 60
    assert int.from_bytes(rows[2][56:64], "little") == 7
    symbols = int.from_bytes(rows[2][24:32], "little")
    assert int.from_bytes(data[symbols + 24 : symbols + 28], "little") == 0xFFFFFFF0


def test_unknown_field_is_refused() -> None:
    writer = ElfWriter(machine=EM_BPF)
    writer.header["e_shnumm"] = 1
    with pytest.raises(KeyError, match="e_shnumm"):
        writer.build()


def test_foreign_symbol_is_refused() -> None:
    writer = ElfWriter()
    section = writer.section("xdp", LE.exit())
    writer.relocation(section, 0, ElfWriter().symbol("other"), R_BPF_64_64)
    with pytest.raises(KeyError):
        writer.build()


def test_empty_object_has_a_null_section_and_names_only() -> None:
    elf = parse(ElfWriter(machine=0).build())
    assert elf["e_machine"] == "EM_NONE"
    assert [section.name for section in elf.iter_sections()] == ["", ".shstrtab"]
