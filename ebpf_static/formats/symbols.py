"""Symbols looked up the ways the readers need them."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from ebpf_static.formats.elf import ElfObject, Symbol
from ebpf_static.formats.elf_constants import (
    SHN_ABS,
    SHN_COMMON,
    SHN_UNDEF,
    STT_FILE,
    STT_FUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_SECTION,
)

_NOT_A_SECTION = (SHN_UNDEF, SHN_ABS, SHN_COMMON)


class SymbolTable:
    """An object's symbols by section and by name."""

    def __init__(self, elf: ElfObject) -> None:
        self.all = elf.symbols

    @cached_property
    def _by_section(self) -> dict[int, list[Symbol]]:
        found: dict[int, list[Symbol]] = defaultdict(list)
        for symbol in self.all:
            if symbol.section not in _NOT_A_SECTION and symbol.type not in (STT_SECTION, STT_FILE):
                found[symbol.section].append(symbol)
        return found

    @cached_property
    def _objects(self) -> dict[tuple[str, int, int | None], Symbol]:
        """The first symbol of each name in a section, and of each name at each place."""
        found: dict[tuple[str, int, int | None], Symbol] = {}
        for section, symbols in self._by_section.items():
            for symbol in symbols:
                found.setdefault((symbol.name, section, None), symbol)
                found.setdefault((symbol.name, section, symbol.value), symbol)
        return found

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Names of the symbols that only their own object sees."""
        return frozenset(s.name for s in self.all if s.bind and s.is_hidden)

    def in_section(self, section: int) -> list[Symbol]:
        """Return the named symbols defined in a section, in table order."""
        return self._by_section.get(section, [])

    def find_object(self, name: str, section: int, offset: int) -> Symbol | None:
        """Return the symbol called ``name`` in a section, the one at ``offset`` when several are.

        Linked objects may have several static variables of a name; BTF then says where each is.
        In what a compiler makes it says 0 and the name tells.
        """
        found = self._objects.get((name, section, offset))
        return self._objects.get((name, section, None)) if found is None else found

    def functions(self, section: int) -> list[Symbol]:
        """Return a code section's functions ordered by offset.

        LLVM before 7 left function symbols untyped, so where no symbol says STT_FUNC the global
        untyped ones count; local ones are branch labels.
        """
        symbols = self.in_section(section)
        found = [s for s in symbols if s.type == STT_FUNC]
        if not found:
            found = [s for s in symbols if s.type == STT_NOTYPE and s.bind and s.name]
        return sorted(found, key=lambda s: (s.value, s.index))

    def data(self, section: int) -> list[Symbol]:
        """Return a data section's variables ordered by offset."""
        kinds = (STT_OBJECT, STT_NOTYPE)
        found = [s for s in self.in_section(section) if s.type in kinds and s.name]
        return sorted(found, key=lambda s: (s.value, s.index))

    def undefined(self) -> list[Symbol]:
        """Return the named symbols nothing in the object defines."""
        return [s for s in self.all if s.section == SHN_UNDEF and s.name]
