r"""Build ELF64 relocatable objects in memory, well-formed or broken on purpose.

A tagged XDP object with one map, its program loading the map's address::

    writer = ElfWriter()
    code = LE.lddw(R1, 0) + LE.mov(R0, 2) + LE.exit()
    xdp = writer.section("xdp", code, SHF_ALLOC | SHF_EXECINSTR)
    maps = writer.section("maps", bytes(20), SHF_ALLOC | SHF_WRITE)
    writer.section(".ebpf_for_windows", b"\1")
    writer.symbol("drop", xdp, size=len(code), type=STT_FUNC, bind=STB_GLOBAL)
    events = writer.symbol("events", maps, size=20, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.relocation(xdp, 0, events, R_BPF_64_64)
    data = writer.build()

Sections come in the order added, from index 1; behind them the writer puts the relocation
sections, ``.symtab``, ``.strtab`` and ``.shstrtab``, and at the end of the file the section
header table. To break an object, name the field and its value::

    writer.header["e_shnum"] = 0xFFFF
    maps.header["sh_size"] = 1 << 60
    events.fields["st_name"] = 0xFFFFFFF0
    writer.generated[".symtab"] = {"sh_entsize": 0}
    writer.patch(0, b"\x7fELG")

Layout: System V gABI, chapters "ELF Header", "Sections", "Symbol Table", "Relocation".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Literal

ByteOrder = Literal["little", "big"]

EM_NONE = 0
EM_BPF = 247
ET_REL = 1

SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA = 0, 1, 2, 3, 4
SHT_NOBITS, SHT_REL = 8, 9
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
SHN_UNDEF, SHN_ABS, SHN_COMMON, SHN_XINDEX = 0, 0xFFF1, 0xFFF2, 0xFFFF

STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE = range(5)
STB_LOCAL, STB_GLOBAL, STB_WEAK = range(3)
STV_DEFAULT, STV_INTERNAL, STV_HIDDEN, STV_PROTECTED = range(4)

R_BPF_NONE, R_BPF_64_64, R_BPF_64_ABS64, R_BPF_64_ABS32, R_BPF_64_NODYLD32 = range(5)
R_BPF_64_32 = 10

_EHDR = (
    *(("ei_mag", "4s"), ("ei_class", "B"), ("ei_data", "B"), ("ei_version", "B")),
    *(("ei_osabi", "B"), ("ei_abiversion", "B"), ("ei_pad", "7s"), ("e_type", "H")),
    *(("e_machine", "H"), ("e_version", "I"), ("e_entry", "Q"), ("e_phoff", "Q")),
    *(("e_shoff", "Q"), ("e_flags", "I"), ("e_ehsize", "H"), ("e_phentsize", "H")),
    *(("e_phnum", "H"), ("e_shentsize", "H"), ("e_shnum", "H"), ("e_shstrndx", "H")),
)
_SHDR = (
    *(("sh_name", "I"), ("sh_type", "I"), ("sh_flags", "Q"), ("sh_addr", "Q")),
    *(("sh_offset", "Q"), ("sh_size", "Q"), ("sh_link", "I"), ("sh_info", "I")),
    *(("sh_addralign", "Q"), ("sh_entsize", "Q")),
)
_SYM = (
    *(("st_name", "I"), ("st_info", "B"), ("st_other", "B"), ("st_shndx", "H")),
    *(("st_value", "Q"), ("st_size", "Q")),
)
_EHDR_SIZE, _SHDR_SIZE, _SYM_SIZE = 64, 64, 24
_REL_SIZE, _RELA_SIZE = 16, 24

Fields = dict[str, int | bytes]


@dataclass(eq=False)
class Section:
    """A section of the object under construction.

    Attributes:
        index: its place in the section header table.
        name: its name; bytes for one that is not UTF-8.
        data: its contents; for SHT_NOBITS only the length counts.
        header: header fields to write instead of the true ones, by their gABI name.
        offset: file offset of the contents, known after ``build()``.
    """

    index: int
    name: str | bytes
    data: bytes
    flags: int = 0
    type: int = SHT_PROGBITS
    link: Section | int = 0
    info: Section | int = 0
    entsize: int = 0
    align: int = 1
    header: Fields = field(default_factory=dict)
    offset: int = 0


@dataclass(eq=False)
class Symbol:
    """A symbol; ``fields`` are written instead of the true ones, by their gABI name."""

    name: str | bytes
    section: Section | int
    value: int = 0
    size: int = 0
    type: int = STT_NOTYPE
    bind: int = STB_LOCAL
    other: int = STV_DEFAULT
    fields: Fields = field(default_factory=dict)


@dataclass(frozen=True)
class _Relocation:
    section: Section
    offset: int
    symbol: Symbol | int
    type: int
    addend: int | None


class _StringTable:
    """A string table: offset 0 is the empty name, equal names share one entry."""

    def __init__(self) -> None:
        self.data = bytearray(1)
        self._offsets = {b"": 0}

    def add(self, name: str | bytes) -> int:
        raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
        if raw not in self._offsets:
            self._offsets[raw] = len(self.data)
            self.data += raw + b"\0"
        return self._offsets[raw]


class ElfWriter:
    """An ELF64 object under construction; see the module for an example.

    Attributes:
        header: ELF header fields to write instead of the true ones, by their gABI name
            (``ei_class`` and its like for the identification bytes).
        generated: the same for the headers of sections the writer makes itself, by section name;
            ``""`` is the null section at index 0.
        sort_symbols: put local symbols before the others, as the gABI demands.
    """

    def __init__(
        self,
        byte_order: ByteOrder = "little",
        machine: int = EM_BPF,
        e_type: int = ET_REL,
    ) -> None:
        self.byte_order: ByteOrder = byte_order
        self.machine = machine
        self.e_type = e_type
        self.header: Fields = {}
        self.generated: dict[str, Fields] = {}
        self.sort_symbols = True
        self._sections: list[Section] = []
        self._symbols: list[Symbol] = []
        self._relocations: list[_Relocation] = []
        self._patches: list[tuple[int, bytes]] = []

    def section(
        self,
        name: str | bytes,
        data: bytes = b"",
        flags: int = 0,
        type: int = SHT_PROGBITS,
        *,
        link: Section | int = 0,
        info: Section | int = 0,
        entsize: int = 0,
        align: int = 1,
    ) -> Section:
        """Add a section; ``link`` and ``info`` take a section or a raw number."""
        added = Section(
            len(self._sections) + 1, name, data, flags, type, link, info, entsize, align
        )
        self._sections.append(added)
        return added

    def symbol(
        self,
        name: str | bytes,
        section: Section | int = SHN_UNDEF,
        value: int = 0,
        size: int = 0,
        *,
        type: int = STT_NOTYPE,
        bind: int = STB_LOCAL,
        other: int = STV_DEFAULT,
    ) -> Symbol:
        """Add a symbol of ``section``, or of a raw section number such as SHN_UNDEF."""
        added = Symbol(name, section, value, size, type, bind, other)
        self._symbols.append(added)
        return added

    def relocation(
        self,
        section: Section,
        offset: int,
        symbol: Symbol | int,
        type: int,
        addend: int | None = None,
    ) -> None:
        """Relocate byte ``offset`` of ``section``; with an addend it goes to a RELA section.

        ``symbol`` is one of this writer's or a raw symbol number.
        """
        self._relocations.append(_Relocation(section, offset, symbol, type, addend))

    def patch(self, offset: int, data: bytes) -> None:
        """Overwrite bytes of the finished file, after everything else."""
        self._patches.append((offset, data))

    def build(self) -> bytes:
        """Return the file; may be called again after further changes."""
        sections = [Section(0, "", b"", type=SHT_NULL, align=0), *self._sections]
        if self._symbols or self._relocations:
            self._add_symbols(sections)
        names = _StringTable()
        for section in (*sections, shstrtab := self._append(sections, ".shstrtab", SHT_STRTAB)):
            names.add(section.name)
        shstrtab.data = bytes(names.data)

        file = bytearray(_EHDR_SIZE)
        for section in sections[1:]:
            section.offset = _pad(file, section.align)
            file += b"" if section.type == SHT_NOBITS else section.data
        table_offset = _pad(file, 8)
        for section in sections:
            file += self._section_header(section, names)
        file[:_EHDR_SIZE] = self._elf_header(table_offset, len(sections), shstrtab.index)
        for offset, data in self._patches:
            file[offset : offset + len(data)] = data
        return bytes(file)

    def _append(self, sections: list[Section], name: str | bytes, type: int) -> Section:
        """Append a section the writer makes itself, with the overrides asked for."""
        text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
        made = Section(len(sections), name, b"", type=type)
        made.header = dict(self.generated.get(text, {}))
        sections.append(made)
        return made

    def _add_symbols(self, sections: list[Section]) -> None:
        order = list(self._symbols)
        if self.sort_symbols:
            order.sort(key=lambda symbol: symbol.bind != STB_LOCAL)
        numbers: dict[Symbol, int] = {s: n for n, s in enumerate(order, 1)}
        relocated = self._add_relocations(sections, numbers)

        symtab = self._append(sections, ".symtab", SHT_SYMTAB)
        strtab = self._append(sections, ".strtab", SHT_STRTAB)
        strings = _StringTable()
        packed = [self._pack(_SYM, {}, {})]
        packed += [self._symbol_entry(symbol, strings) for symbol in order]
        symtab.data = b"".join(packed)
        symtab.link, symtab.entsize, symtab.align = strtab, _SYM_SIZE, 8
        symtab.info = 1 + sum(symbol.bind == STB_LOCAL for symbol in order)
        strtab.data = bytes(strings.data)
        for section in relocated:
            section.link = symtab

    def _add_relocations(
        self, sections: list[Section], numbers: dict[Symbol, int]
    ) -> list[Section]:
        """Append a section per relocated section and kind, in the order first used."""
        made: dict[tuple[Section, bool], Section] = {}
        for entry in self._relocations:
            rela = entry.addend is not None
            target = made.get((entry.section, rela))
            if target is None:
                name = _relocation_name(entry.section.name, rela=rela)
                target = self._append(sections, name, SHT_RELA if rela else SHT_REL)
                target.info, target.align = entry.section, 8
                target.entsize = _RELA_SIZE if rela else _REL_SIZE
                made[entry.section, rela] = target
            symbol = entry.symbol
            number = symbol if isinstance(symbol, int) else numbers[symbol]
            info = number << 32 | entry.type
            target.data += self._struct("QQ").pack(entry.offset, info)
            if entry.addend is not None:
                target.data += self._struct("q").pack(entry.addend)
        return list(made.values())

    def _symbol_entry(self, symbol: Symbol, strings: _StringTable) -> bytes:
        true: Fields = {
            "st_name": strings.add(symbol.name),
            "st_info": symbol.bind << 4 | symbol.type,
            "st_other": symbol.other,
            "st_shndx": _number(symbol.section),
            "st_value": symbol.value,
            "st_size": symbol.size,
        }
        return self._pack(_SYM, true, symbol.fields)

    def _section_header(self, section: Section, names: _StringTable) -> bytes:
        true: Fields = {
            "sh_name": names.add(section.name),
            "sh_type": section.type,
            "sh_flags": section.flags,
            "sh_offset": section.offset,
            "sh_size": len(section.data),
            "sh_link": _number(section.link),
            "sh_info": _number(section.info),
            "sh_addralign": section.align,
            "sh_entsize": section.entsize,
        }
        override = section.header if section.index else self.generated.get("", {})
        return self._pack(_SHDR, true, override)

    def _elf_header(self, table_offset: int, count: int, names_index: int) -> bytes:
        true: Fields = {
            "ei_mag": b"\x7fELF",
            "ei_class": 2,
            "ei_data": 1 if self.byte_order == "little" else 2,
            "ei_version": 1,
            "ei_pad": b"",
            "e_type": self.e_type,
            "e_machine": self.machine,
            "e_version": 1,
            "e_shoff": table_offset,
            "e_ehsize": _EHDR_SIZE,
            "e_shentsize": _SHDR_SIZE,
            "e_shnum": count,
            "e_shstrndx": names_index,
        }
        return self._pack(_EHDR, true, self.header)

    def _pack(self, layout: tuple[tuple[str, str], ...], true: Fields, override: Fields) -> bytes:
        """Return a record with ``override`` winning over ``true`` and 0 where neither speaks."""
        if unknown := override.keys() - {name for name, _ in layout}:
            raise KeyError(f"no such field: {', '.join(sorted(unknown))}")
        values = true | override
        kinds = "".join(kind for _, kind in layout)
        return self._struct(kinds).pack(*(values.get(name, 0) for name, _ in layout))

    def _struct(self, kinds: str) -> struct.Struct:
        return struct.Struct(("<" if self.byte_order == "little" else ">") + kinds)


def _number(section: Section | int) -> int:
    return section.index if isinstance(section, Section) else section


def _relocation_name(name: str | bytes, *, rela: bool) -> str | bytes:
    if isinstance(name, bytes):
        return (b".rela" if rela else b".rel") + name
    return (".rela" if rela else ".rel") + name


def _pad(file: bytearray, align: int) -> int:
    """Fill up to the alignment and return the offset reached."""
    file += bytes(-len(file) % max(align, 1))
    return len(file)
