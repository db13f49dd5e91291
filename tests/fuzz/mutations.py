"""Mutations of objects: what rots, breaks or lies in a file that was a good one.

Each takes the bytes of an object that may already be broken, so every step reads the table it
wants to damage defensively and falls back to damaging bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Literal, NamedTuple

BOUNDARIES = (
    0, 1, 2, 3, 4, 7, 8, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFF00, 0xFFF1, 0xFFFF,
    0x10000, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF,
    1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1,
)  # fmt: skip
"""Numbers at which sizes, counts and offsets turn over."""

_EHDR = {"e_type": (16, 2), "e_machine": (18, 2), "e_version": (20, 4), "e_phoff": (32, 8),
         "e_shoff": (40, 8), "e_flags": (48, 4), "e_ehsize": (52, 2), "e_phentsize": (54, 2),
         "e_phnum": (56, 2), "e_shentsize": (58, 2), "e_shnum": (60, 2),
         "e_shstrndx": (62, 2)}  # fmt: skip
_SHDR = ((0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 4), (44, 4), (48, 8), (56, 8))
_SYM = ((0, 4), (4, 1), (5, 1), (6, 2), (8, 8), (16, 8))
_REL = ((0, 8), (8, 4), (12, 4))
_SYMTAB, _RELOCATIONS = 2, (4, 9)


class _Section(NamedTuple):
    header: int
    name: bytes
    type: int
    offset: int
    size: int


class Object:
    """A mutable copy of an object, with what can still be found in it."""

    def __init__(self, data: bytes) -> None:
        self.raw = bytearray(data)
        self.order: Literal["little", "big"] = "big" if data[5:6] == b"\2" else "little"

    def number(self, at: int, size: int) -> int:
        """Return an unsigned number, 0 where the file ends before it."""
        return int.from_bytes(self.raw[at : at + size], self.order)

    def put(self, at: int, size: int, value: int) -> None:
        """Overwrite a number where the file has room for it."""
        if 0 <= at <= len(self.raw) - size:
            number = value & ((1 << 8 * size) - 1)
            self.raw[at : at + size] = number.to_bytes(size, self.order)

    def sections(self) -> list[_Section]:
        """Return the sections the headers still describe."""
        start, count = self.number(40, 8), min(self.number(60, 2), 512)
        if start + 64 * count > len(self.raw):
            return []
        names = self.number(start + 64 * self.number(62, 2) + 24, 8)
        return [self._section(start + 64 * i, names) for i in range(count)]

    def _section(self, header: int, names: int) -> _Section:
        at = names + self.number(header, 4)
        name = bytes(self.raw[at : at + 64]).split(b"\0", 1)[0]
        values = (self.number(header + offset, size) for offset, size in ((4, 4), (24, 8), (32, 8)))
        return _Section(header, name, *values)

    def rows(self, types: tuple[int, ...], size: int) -> Iterator[int]:
        """Yield the file offset of every entry of the tables of a type."""
        for section in self.sections():
            if section.type in types:
                end = min(section.offset + section.size, len(self.raw))
                yield from range(section.offset, end - size + 1, size)


Mutation = Callable[[Object, Random], None]


def _any_number(random: Random, old: int, size: int) -> int:
    choice = random.randrange(4)
    if choice == 0:
        return old + random.choice((-8, -4, -1, 1, 4, 8))
    if choice == 1:
        return random.getrandbits(8 * size)
    if choice == 2:
        return old ^ 1 << random.randrange(8 * size)
    return random.choice(BOUNDARIES)


def _hit(it: Object, random: Random, at: int, size: int) -> None:
    it.put(at, size, _any_number(random, it.number(at, size), size))


def flip_bits(it: Object, random: Random) -> None:
    """Flip one to sixteen bits anywhere."""
    for _ in range(random.randint(1, 16)):
        if it.raw:
            it.raw[random.randrange(len(it.raw))] ^= 1 << random.randrange(8)


def truncate(it: Object, random: Random) -> None:
    """Cut the file off."""
    del it.raw[random.randrange(len(it.raw) + 1) :]


def overwrite(it: Object, random: Random) -> None:
    """Overwrite a run of bytes with one byte or with noise."""
    at, size = random.randrange(len(it.raw) + 1), random.choice((1, 4, 8, 64, 512))
    noise = random.randbytes(size) if random.randrange(2) else bytes([random.randrange(256)]) * size
    it.raw[at : at + size] = noise[: len(it.raw) - at]


def insert(it: Object, random: Random) -> None:
    """Insert or delete bytes, so that everything behind moves."""
    at, size = random.randrange(len(it.raw) + 1), random.choice((1, 4, 8, 24, 64))
    if random.randrange(2):
        it.raw[at:at] = random.randbytes(size)
    else:
        del it.raw[at : at + size]


def copy_block(it: Object, random: Random) -> None:
    """Copy one piece of the file over another."""
    size = random.choice((8, 16, 24, 64, 256))
    source, target = random.randrange(len(it.raw) + 1), random.randrange(len(it.raw) + 1)
    piece = it.raw[source : source + size]
    it.raw[target : target + len(piece)] = piece[: len(it.raw) - target]


def elf_header(it: Object, random: Random) -> None:
    """Change a field of the ELF header."""
    _hit(it, random, *random.choice(tuple(_EHDR.values())))


def section_header(it: Object, random: Random) -> None:
    """Change fields of section headers: sizes, offsets, links, types, names."""
    sections = it.sections()
    for _ in range(random.randint(1, 3)):
        if sections:
            offset, size = random.choice(_SHDR)
            _hit(it, random, random.choice(sections).header + offset, size)


def swap_headers(it: Object, random: Random) -> None:
    """Swap two section headers, or make one a copy of the other."""
    sections = it.sections()
    if len(sections) > 2:
        one, two = random.sample(sections, 2)
        first, second = (bytes(it.raw[s.header : s.header + 64]) for s in (one, two))
        it.raw[two.header : two.header + 64] = first
        if random.randrange(2):
            it.raw[one.header : one.header + 64] = second


def swap_places(it: Object, random: Random) -> None:
    """Let two sections point at each other's contents."""
    sections = it.sections()
    if len(sections) > 2:
        one, two = random.sample(sections, 2)
        for section, other in ((one, two), (two, one)):
            it.put(section.header + 24, 8, other.offset)
            it.put(section.header + 32, 8, other.size)


def _table(types: tuple[int, ...], size: int, fields: tuple[tuple[int, int], ...]) -> Mutation:
    def mutate(it: Object, random: Random) -> None:
        rows = list(it.rows(types, size))
        for _ in range(random.randint(1, 4)):
            if rows:
                offset, width = random.choice(fields)
                _hit(it, random, random.choice(rows) + offset, width)

    return mutate


def _named(names: tuple[bytes, ...], size: int) -> Mutation:
    def mutate(it: Object, random: Random) -> None:
        found = [s for s in it.sections() if s.name in names and s.size >= size]
        for _ in range(random.randint(1, 6)):
            if found:
                section = random.choice(found)
                # The beginning is the header and the first types: hit it as often as the rest.
                reach = min(section.size, 64) if random.randrange(2) else section.size
                _hit(it, random, section.offset + random.randrange(reach // size) * size, size)

    return mutate


def code(it: Object, random: Random) -> None:
    """Change instruction bytes of executable sections."""
    found = [s for s in it.sections() if it.number(s.header + 8, 8) & 4 and s.size >= 8]
    for _ in range(random.randint(1, 8)):
        if found:
            section = random.choice(found)
            at = section.offset + random.randrange(section.size)
            if at < len(it.raw):
                it.raw[at] = random.choice((0x05, 0x18, 0x85, 0x95, 0xFF, random.randrange(256)))


MUTATIONS: dict[str, Mutation] = {
    "bits": flip_bits,
    "truncation": truncate,
    "overwrite": overwrite,
    "insert": insert,
    "copy": copy_block,
    "elf header": elf_header,
    "section header": section_header,
    "swapped headers": swap_headers,
    "swapped sections": swap_places,
    "symbols": _table((_SYMTAB,), 24, _SYM),
    "relocations": _table(_RELOCATIONS, 16, _REL),
    "btf": _named((b".BTF",), 4),
    "btf.ext": _named((b".BTF.ext",), 4),
    "data": _named((b".maps", b"maps", b".data", b".rodata", b"license", b"version"), 1),
    "names": _named((b".strtab", b".shstrtab"), 1),
    "code": code,
}


def mutate(data: bytes, random: Random, kind: str | None = None) -> tuple[str, bytes]:
    """Return the kind of damage done and the damaged object; a quarter get two kinds."""
    chosen = kind or random.choice(tuple(MUTATIONS))
    it = Object(data)
    MUTATIONS[chosen](it, random)
    if kind is None and random.randrange(4) == 0 and len(it.raw) > 64:
        MUTATIONS[random.choice(tuple(MUTATIONS))](it, random)
    return chosen, bytes(it.raw)
