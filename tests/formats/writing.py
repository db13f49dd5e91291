"""Objects with programs, maps and BTF, in a line each: what the reader tests are made of."""

from __future__ import annotations

from typing import Any

from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec
from tests.build.asm import BE, LE, R0, Assembler
from tests.build.btf_writer import BtfExtWriter, BtfWriter
from tests.build.elf_writer import (
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_WRITE,
    STB_GLOBAL,
    STT_FUNC,
    STT_OBJECT,
    ByteOrder,
    ElfWriter,
    Section,
    Symbol,
)

CODE = SHF_ALLOC | SHF_EXECINSTR
DATA = SHF_ALLOC | SHF_WRITE
EMPTY = LE.mov(R0, 0) + LE.exit()
MAP_BYTES = 32
"""Room each map of :meth:`ObjectWriter.define` takes in its section."""

ORDERS: tuple[ByteOrder, ...] = ("little", "big")


class ObjectWriter(ElfWriter):
    """An ELF writer that also collects BTF, and writes BTF map definitions.

    Attributes:
        asm: assembler of the object's byte order.
        btf: types; written to ``.BTF`` when any were added.
        ext: ``.BTF.ext``; written when ``with_ext`` is set.
        int_id: id of ``int``, made on first use.
    """

    def __init__(self, byte_order: ByteOrder = "little", machine: int = 247) -> None:
        super().__init__(byte_order, machine)
        self.asm: Assembler = LE if byte_order == "little" else BE
        self.btf = BtfWriter(byte_order)
        self.ext = BtfExtWriter(self.btf)
        self.with_ext = False
        self.map_symbols = True
        self._int = 0
        self._maps: dict[str, list[tuple[int, int]]] = {}
        self._map_sections: dict[str, Section] = {}

    @property
    def int_id(self) -> int:
        self._int = self._int or self.btf.integer("int", 4, encoding=1)
        return self._int

    def number(self, value: int) -> int:
        """Return the type libbpf's ``__uint`` gives a member."""
        return self.btf.ptr(self.btf.array(self.int_id, self.int_id, value))

    def definition(self, **members: int | tuple[str, int]) -> int:
        """Return a map definition struct: numbers, or ("type", id) and ("raw", id) members."""
        rows = []
        for at, (name, value) in enumerate(members.items()):
            if isinstance(value, tuple):
                kind, type_id = value
                member = self.btf.ptr(type_id) if kind == "type" else type_id
            else:
                member = self.number(value)
            rows.append((name, member, 64 * at))
        return self.btf.struct("", 8 * len(rows), rows)

    def declare(
        self, name: str, type_id: int, *, section: str = ".maps", linkage: int = 1
    ) -> Symbol | None:
        """Place a variable of a type in a map section; return its symbol."""
        rows = self._maps.setdefault(section, [])
        if section not in self._map_sections:
            self._map_sections[section] = self.section(section, b"", DATA, align=8)
        place = self._map_sections[section]
        at = len(rows) * MAP_BYTES
        place.data += bytes(MAP_BYTES)
        rows.append((self.btf.var(name, type_id, linkage), at))
        if not self.map_symbols:
            return None
        return self.symbol(name, place, at, MAP_BYTES, type=STT_OBJECT, bind=STB_GLOBAL)

    def define(self, name: str, **members: int | tuple[str, int]) -> Symbol | None:
        """Add a BTF-defined map."""
        return self.declare(name, self.definition(**members))

    def map_section(self, section: str = ".maps") -> Section:
        return self._map_sections[section]

    def program(
        self, section: str = "xdp", code: bytes | None = None, name: str = "p", **symbol: Any
    ) -> Section:
        """Add a section with one function."""
        code = self.asm.mov(R0, 0) + self.asm.exit() if code is None else code
        added = self.section(section, code, CODE, align=8)
        options = {"type": STT_FUNC, "bind": STB_GLOBAL} | symbol
        self.symbol(name, added, 0, len(code), **options)
        return added

    def read(self, **options: Any) -> CollectionSpec:
        """Finish the object and read it."""
        return read(self.finish(), **options)

    def finish(self) -> bytes:
        """Add the BTF sections and return the file; to be called once."""
        for section, rows in self._maps.items():
            entries = [(variable, at, MAP_BYTES) for variable, at in rows]
            self.btf.datasec(section, MAP_BYTES * len(rows), entries)
        if self.with_ext:
            self.section(".BTF.ext", self.ext.build(), align=4)
        if self.btf.types:
            self.section(".BTF", self.btf.build(), align=4)
        return self.build()
