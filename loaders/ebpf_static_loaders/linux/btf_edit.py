"""Changing BTF in place: the records of an object as words, and its strings, to be written again.

Every change a loader makes keeps a record's length, so ids and offsets stay what they are; new
types and strings only come at the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from ebpf_static.btf import Btf, Kind

_HEADER_BYTES: Final = 24
_MAGIC: Final = 0xEB9F
_KIND_SHIFT: Final = 24
_VLEN_MASK: Final = 0xFFFF
_KFLAG: Final = 1 << 31


class BtfEditor:
    """The BTF of an object, being changed."""

    def __init__(self, btf: Btf) -> None:
        self.btf = Btf.parse(btf.raw)  # type offsets counted from the start of the bytes
        header = self.btf.header
        start = header.header_len + header.type_off
        self._prefix = "<" if btf.byte_order == "little" else ">"
        count = header.type_len // 4
        self._words = list(struct.unpack_from(f"{self._prefix}{count}I", btf.raw, start))
        self._start = start
        at = header.header_len + header.str_off
        self._strings = bytearray(btf.raw[at : at + header.str_len])
        self._count = len(self.btf)
        self._added: dict[int, int] = {}

    def iter_ids(self, kind: Kind) -> Iterator[int]:
        """Yield the ids that came as ``kind``, then those added as it."""
        yield from self.btf.iter_ids(kind)
        yield from [i for i, at in self._added.items() if self._words[at + 1] >> 24 & 0x1F == kind]

    def at(self, type_id: int) -> int:
        """Return the index of a type's first word."""
        if type_id in self._added:
            return self._added[type_id]
        return (self.btf.type_offset(type_id) - self._start) // 4

    def word(self, type_id: int, index: int) -> int:
        """Return a word of a type's record: 0 its name, 1 ``info``, 2 size or type, then more."""
        word: int = self._words[self.at(type_id) + index]
        return word

    def set_word(self, type_id: int, index: int, value: int) -> None:
        """Change a word of a type's record."""
        self._words[self.at(type_id) + index] = value & 0xFFFFFFFF

    def set_kind(self, type_id: int, kind: Kind, vlen: int | None = None) -> None:
        """Change a record's kind, and how much follows when ``vlen`` says so."""
        info = self.word(type_id, 1)
        count = info & _VLEN_MASK if vlen is None else vlen
        self.set_word(type_id, 1, kind << _KIND_SHIFT | count)

    def clear_kflag(self, type_id: int) -> None:
        """Forget the flag of a record's ``info``."""
        self.set_word(type_id, 1, self.word(type_id, 1) & ~_KFLAG)

    def name_of(self, name: int) -> str:
        """Return the string at an offset."""
        end = self._strings.index(0, name)
        return self._strings[name:end].decode("utf-8", "surrogateescape")

    def add_string(self, text: str) -> int:
        """Return the offset of a string, added when it is not there."""
        raw = text.encode("utf-8", "surrogateescape") + b"\0"
        found = self._strings.find(b"\0" + raw)
        if found >= 0:
            return found + 1
        self._strings += raw
        return len(self._strings) - len(raw)

    def add_type(self, *words: int) -> int:
        """Append a record and return its id."""
        self._added[self._count] = len(self._words)
        self._words += words
        self._count += 1
        return self._count - 1

    def build(self) -> bytes:
        """Return the changed BTF."""
        types = struct.pack(f"{self._prefix}{len(self._words)}I", *self._words)
        header = struct.pack(
            self._prefix + "HBBIIIII",
            _MAGIC, 1, 0, _HEADER_BYTES, 0, len(types), len(types), len(self._strings),
        )  # fmt: skip
        return header + types + bytes(self._strings)
