"""The container: header, sections, symbols and relocations, and what a broken one is told."""

from __future__ import annotations

import struct

import pytest

from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError
from ebpf_static.formats.elf import ElfObject
from ebpf_static.reading import read
from tests.build.elf_writer import (
    R_BPF_64_64,
    SHN_ABS,
    SHN_XINDEX,
    SHT_NOBITS,
    STB_GLOBAL,
    STB_WEAK,
    STT_FILE,
    STT_FUNC,
    STT_OBJECT,
    STT_SECTION,
    STV_HIDDEN,
    STV_INTERNAL,
    ByteOrder,
    ElfWriter,
)
from tests.formats.writing import CODE, DATA, EMPTY, ORDERS, ObjectWriter

both_orders = pytest.mark.parametrize("order", ORDERS)


@both_orders
def test_header_and_sections(order: ByteOrder) -> None:
    writer = ElfWriter(order)
    writer.header = {"e_flags": 5, "ei_osabi": 3, "e_phnum": 2}
    writer.section("xdp", EMPTY, CODE, align=8)
    writer.section(".bss", bytes(64), DATA, SHT_NOBITS, align=16)
    data = writer.build()
    spec = ElfObject(data).spec
    assert (spec.byte_order, spec.machine, spec.type, spec.flags) == (order, 247, 1, 5)
    assert (spec.os_abi, spec.program_header_count, spec.file_size) == (3, 2, len(data))
    assert spec.section_table_end == len(data) == spec.section_table_offset + 64 * 4
    assert [s.name for s in spec.sections] == ["", "xdp", ".bss", ".shstrtab"]
    assert [s.index for s in spec.sections] == [0, 1, 2, 3]
    xdp = spec.sections[1]
    assert (xdp.flags, xdp.size, xdp.alignment, xdp.is_executable) == (CODE, 16, 8, True)
    assert spec.find_section("xdp") is xdp
    assert spec.find_section("none") is None


def test_nobits_has_no_bytes() -> None:
    writer = ElfWriter()
    writer.section(".bss", bytes(64), DATA, SHT_NOBITS).header = {"sh_offset": 1 << 40}
    elf = ElfObject(writer.build())
    assert elf.section_data(elf.sections[1]) == b""


@both_orders
def test_symbols(order: ByteOrder) -> None:
    writer = ElfWriter(order)
    data = writer.section(".data", bytes(16), DATA)
    writer.symbol("file.c", SHN_ABS, type=STT_FILE)
    writer.symbol("", data, type=STT_SECTION)
    writer.symbol("s", data, 8, 4, type=STT_OBJECT)
    writer.symbol("g", data, 0, 8, type=STT_OBJECT, bind=STB_GLOBAL, other=STV_HIDDEN)
    writer.symbol("w", bind=STB_WEAK)
    writer.symbol("odd", data, bind=13, other=STV_INTERNAL)
    symbols = ElfObject(writer.build()).symbols
    assert [s.name for s in symbols] == ["", "file.c", "", "s", "g", "w", "odd"]
    assert [s.linkage for s in symbols[3:]] == ["static", "global", "weak", "other"]
    assert [s.is_hidden for s in symbols[3:]] == [False, True, False, True]
    assert [s.is_undefined for s in symbols[1:]] == [False, False, False, False, True, False]
    assert (symbols[3].value, symbols[3].size, symbols[3].section) == (8, 4, 1)


def test_object_without_symbols_has_none() -> None:
    writer = ElfWriter()
    writer.section("xdp", EMPTY, CODE)
    assert ElfObject(writer.build()).symbols == ()


@both_orders
def test_relocations_of_both_kinds(order: ByteOrder) -> None:
    writer = ElfWriter(order)
    text = writer.section("xdp", EMPTY * 4, CODE)
    data = writer.section(".data", bytes(8), DATA)
    target = writer.symbol("v", data, type=STT_OBJECT)
    writer.relocation(text, 8, target, R_BPF_64_64)
    writer.relocation(text, 0, target, R_BPF_64_64)
    writer.relocation(text, 16, target, 10, addend=-8)
    built = writer.build()
    elf = ElfObject(built)
    found = elf.relocations(elf.sections[1])
    assert [(r.offset, r.symbol, r.type, r.addend) for r in found] == [
        (8, 1, R_BPF_64_64, 0),
        (0, 1, R_BPF_64_64, 0),
        (16, 1, 10, -8),
    ]
    word = struct.Struct(("<" if order == "little" else ">") + "Q")
    assert [word.unpack_from(built, r.file_offset)[0] for r in found] == [8, 0, 16]
    assert elf.relocations(elf.sections[2]) == ()


@both_orders
def test_extended_numbering(order: ByteOrder) -> None:
    """More sections than 16 bits name: counts stand in section 0, indices in a table aside."""
    writer = ElfWriter(order)
    text = writer.section("xdp", EMPTY, CODE)
    symbol = writer.symbol("p", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    symbol.fields = {"st_shndx": SHN_XINDEX}
    word = struct.Struct(("<" if order == "little" else ">") + "I")
    table = writer.section(".symtab_shndx", word.pack(0) + word.pack(text.index), type=18)
    table.header = {"sh_link": 3}
    writer.header = {"e_shnum": 0, "e_shstrndx": SHN_XINDEX}
    writer.generated[""] = {"sh_size": 6, "sh_link": 5}
    elf = ElfObject(writer.build())
    assert [s.name for s in elf.sections] == [
        "", "xdp", ".symtab_shndx", ".symtab", ".strtab", ".shstrtab"
    ]  # fmt: skip
    assert elf.symbols[1].section == text.index
    assert read(writer.build()).programs["p"].section == "xdp"


def test_names_that_are_no_utf8_survive() -> None:
    writer = ElfWriter()
    text = writer.section(b"xdp/\xff\xfe", EMPTY, CODE)
    writer.symbol(b"caf\xe9", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    spec = read(writer.build())
    (program,) = spec.programs
    assert program.name.encode("utf-8", "surrogateescape") == b"caf\xe9"
    assert program.section.encode("utf-8", "surrogateescape") == b"xdp/\xff\xfe"


def test_names_may_repeat_and_be_empty() -> None:
    writer = ElfWriter()
    for _ in range(2):
        text = writer.section("xdp", EMPTY, CODE)
        writer.symbol("same", text, 0, 8, type=STT_FUNC, bind=STB_GLOBAL)
        writer.symbol("", text, 8, 8, type=STT_FUNC, bind=STB_GLOBAL)
    functions = read(writer.build()).functions
    assert [f.name for f in functions] == ["same", "", "same", ""]
    assert [f.section_index for f in functions] == [1, 1, 2, 2]


def test_machine_none_needs_a_bpf_section() -> None:
    writer = ObjectWriter(machine=0)
    writer.program()
    with pytest.raises(UnsupportedObjectError, match="without any BPF section"):
        writer.read()
    writer = ObjectWriter(machine=0)
    writer.program()
    writer.section("license", b"GPL\0")
    spec = writer.read()
    assert spec.elf is not None
    assert (spec.elf.machine, spec.license) == (0, "GPL")


def test_object_without_sections_is_an_empty_spec() -> None:
    writer = ElfWriter()
    writer.header = {"e_shoff": 0, "e_shnum": 0, "e_shentsize": 0}
    spec = read(writer.build())
    assert not spec.functions
    assert not spec.maps
    assert spec.elf is not None
    assert spec.elf.sections == ()


# -- broken ones -----------------------------------------------------------------------------------


def _break(writer: ElfWriter, part: str, fields: dict[str, int | bytes]) -> None:
    if part == "ELF header":
        writer.header = fields
    elif part == "symbol":
        writer._symbols[0].fields = fields
    elif part == "xdp":
        writer._sections[0].header = fields
    else:
        writer.generated[part] = fields


@pytest.mark.parametrize(
    ("part", "fields", "where", "what"),
    [
        ("ELF header", {"e_shoff": 1 << 40}, "ELF header", "reaches beyond the end of the file"),
        (
            "ELF header",
            {"e_shoff": (1 << 64) - 8},
            "ELF header",
            "reaches beyond the end of the file",
        ),
        ("ELF header", {"e_shnum": 900}, "ELF header", "table of 900 entries"),
        ("ELF header", {"e_shentsize": 63}, "ELF header", "section headers of 63 bytes"),
        ("ELF header", {"e_shentsize": 0}, "ELF header", "section headers of 0 bytes"),
        ("ELF header", {"e_shstrndx": 77}, "ELF header", "name table index 77 is out of range"),
        ("ELF header", {"e_shnum": 0xFEFF}, "ELF header", "sections, more than"),
        (".shstrtab", {"sh_size": 1 << 50}, "section 4", "beyond the end of the file"),
        (".shstrtab", {"sh_size": 1}, "section names", "beyond its table"),
        ("xdp", {"sh_name": 0x7FFFFFFF}, "section names", "0x7fffffff is beyond its table"),
        ("xdp", {"sh_size": 1 << 40}, "section xdp", "reaches beyond the end of the file"),
        ("xdp", {"sh_offset": 1 << 63}, "section xdp", "reaches beyond the end of the file"),
        ("xdp", {"sh_size": 12}, "section xdp", "no whole number of 8-byte instructions"),
        ("symbol", {"st_name": 0xFFFFFFF0}, "section .symtab", "0xfffffff0 is beyond its table"),
        ("symbol", {"st_size": 24}, 'section xdp: function "p"', "reaches outside the section"),
        ("symbol", {"st_value": 16}, 'section xdp: function "p"', "reaches outside the section"),
        (
            "symbol",
            {"st_value": 1 << 63},
            'section xdp: function "p"',
            "reaches outside the section",
        ),
        ("symbol", {"st_size": (1 << 64) - 8}, 'section xdp: function "p"', "outside the section"),
        ("symbol", {"st_value": 4, "st_size": 8}, 'section xdp: function "p"', "not aligned"),
        ("symbol", {"st_size": 12}, 'section xdp: function "p"', "not aligned"),
        (".symtab", {"sh_entsize": 23}, "section .symtab", "24-byte entries"),
        (".symtab", {"sh_size": 47}, "section .symtab", "24-byte entries"),
        (".symtab", {"sh_link": 99}, "section .symtab", "index 99 is out of range"),
        (".strtab", {"sh_size": 1 << 40}, "section .strtab", "beyond the end"),
    ],
)
def test_broken_container(part: str, fields: dict[str, int | bytes], where: str, what: str) -> None:
    writer = ElfWriter()
    text = writer.section("xdp", EMPTY, CODE)
    writer.symbol("p", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    _break(writer, part, fields)
    data = writer.build()
    with pytest.raises(FormatError) as caught:
        read(data)
    error = caught.value
    assert what in str(error)
    assert error.where == where
    assert error.offset is not None or error.where
    assert str(error).isprintable()


def test_relocation_against_no_symbol() -> None:
    writer = ElfWriter()
    text = writer.section("xdp", EMPTY, CODE)
    writer.relocation(text, 0, 9, R_BPF_64_64)
    with pytest.raises(FormatError, match="relocation 0 names symbol 9 of 1") as caught:
        read(writer.build())
    assert (caught.value.where, caught.value.offset) == ("section .relxdp", 80)


@pytest.mark.parametrize("size", [20, 40, 63])
def test_cut_off_header(size: int) -> None:
    writer = ElfWriter()
    writer.section("xdp", EMPTY, CODE)
    with pytest.raises(FormatError, match="header is cut off") as caught:
        read(writer.build()[:size])
    assert caught.value.offset == 0


def test_relocation_table_of_broken_size() -> None:
    writer = ElfWriter()
    text = writer.section("xdp", EMPTY, CODE)
    writer.symbol("p", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    writer.section(".relxdp", bytes(17), type=9, info=text)
    with pytest.raises(FormatError, match="whole number of 16-byte entries") as caught:
        read(writer.build())
    assert (caught.value.where, caught.value.offset) == ("section .relxdp", 80)


@pytest.mark.parametrize("name", [b"x" * 4096, b"x" * 4097])
def test_longest_name(name: bytes) -> None:
    writer = ElfWriter()
    writer.section(name, b"")
    if len(name) == 4096:
        assert ElfObject(writer.build()).sections[1].name == name.decode()
        return
    with pytest.raises(FormatError, match="not terminated within 4096 bytes"):
        ElfObject(writer.build())


def test_names_of_an_object_do_not_reach_the_terminal_raw() -> None:
    writer = ElfWriter()
    text = writer.section("a\x1b[31m\nb\u202e", EMPTY + b"\0", CODE)
    writer.symbol("p", text, type=STT_FUNC)
    with pytest.raises(FormatError) as caught:
        read(writer.build())
    assert str(caught.value).isprintable()
    assert "\\x1b[31m\\x0ab\\u202e" in str(caught.value)


def test_too_many_sections() -> None:
    writer = ElfWriter()
    writer.header = {"e_shnum": 0}
    writer.generated[""] = {"sh_size": 1 << 40}
    with pytest.raises(LimitError, match="sections, more than 16384"):
        read(writer.build())


def test_file_beyond_the_size_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebpf_static.limits.MAX_OBJECT_BYTES", 63)
    writer = ElfWriter()
    with pytest.raises(LimitError, match="file is larger than"):
        read(writer.build())
