"""From names to ids: the own types of one BTF by name, without decoding the strings.

A name is looked up by where it stands in the string section, which a C-speed search tells; only
which types refer to which string offset is kept. Names may be tails of longer strings, and
hostile strings may repeat a name without end: both cost no more than looking at every type once.
"""

from __future__ import annotations

from ebpf_static.btf.decode import Words
from ebpf_static.btf.strings import StringTable

_MANY = 256
"""Occurrences in the strings that are looked at one by one."""

_FEW = 512
"""Names that are read once and for all: an object's types are asked for dozens of names."""

_FLAVOUR = b"___"


class NameIndex:
    """Own types by name.

    Args:
        words: the type section.
        offsets: word offset of each type.
        start_id: id of the first.
        strings: the string section, continuing the base's.
    """

    def __init__(self, words: Words, offsets: Words, start_id: int, strings: StringTable) -> None:
        self._strings = strings
        self._tails: tuple[int, ...] | None = None
        self._flavours: dict[bytes, list[int]] | None = None
        self._many_flavours = False
        self._whole: dict[bytes, list[int]] | None = None
        self._ids = index = dict[int, int | list[int]]()
        for type_id, at in enumerate(offsets, start_id):
            offset = words[at]
            if offset not in index:
                index[offset] = type_id
                continue
            seen = index[offset]
            if isinstance(seen, int):
                index[offset] = [seen, type_id]
            else:
                seen.append(type_id)

    def find(self, name: str) -> list[int]:
        """Return the ids of the types called ``name``, ascending."""
        raw = encoded(name)
        if len(self._ids) > _FEW:
            return sorted(self._starting(raw, b"\0"))
        if self._whole is None:
            self._whole = self._read_whole()
        return self._whole.get(raw, [])

    def find_flavours(self, name: str) -> list[int]:
        """Return the ids of the types called ``name``, or ``name___`` and more, ascending."""
        raw = encoded(name)
        index = self._index_flavours()
        flavours = self._starting(raw, _FLAVOUR) if index is None else index.get(raw, [])
        return sorted(self._starting(raw, b"\0") + flavours)

    def _read_whole(self) -> dict[bytes, list[int]]:
        """Return the ids by name; what has no name, or none that can be read, is left out."""
        whole: dict[bytes, list[int]] = {}
        for offset in self._ids:
            raw = self._strings.find_bytes(offset)
            if raw:
                whole.setdefault(raw, []).extend(self._ids_at(offset))
        return {raw: sorted(ids) for raw, ids in whole.items()}

    def _starting(self, raw: bytes, ending: bytes) -> list[int]:
        """Return the types whose name is ``raw``, or starts with it and ``ending``."""
        if not raw or b"\0" in raw:
            return []
        ids: list[int] = []
        for offset in self._offsets_of(raw + ending):
            ids += self._ids_at(offset)
        return ids

    def _ids_at(self, offset: int) -> tuple[int, ...] | list[int]:
        found = self._ids.get(offset, ())
        return (found,) if isinstance(found, int) else found

    def _offsets_of(self, needle: bytes) -> list[int]:
        """Return the string offsets, of the base too, that ``needle`` stands at."""
        strings = self._strings
        offsets: list[int] = []
        for table in strings.chain():
            found = table.find_offsets(needle, _MANY)
            if found is None:
                # A short name is the tail of countless strings: look for whole ones, and for the
                # rare types whose name is a tail.
                found = table.find_offsets(b"\0" + needle, len(self._ids))
                if found is None:
                    return [offset for offset in self._ids if strings.holds(offset, needle)]
                found = [table.start, *(at + 1 for at in found), *self._tail_offsets()]
                found = [at for at in found if strings.holds(at, needle)]
            offsets += found
        return list(dict.fromkeys(offsets))

    def _tail_offsets(self) -> tuple[int, ...]:
        """Return the string offsets of type names that do not start a string."""
        if self._tails is None:
            starts = self._strings.starts_string
            self._tails = tuple(at for at in self._ids if not starts(at))
        return self._tails

    def _index_flavours(self) -> dict[bytes, list[int]] | None:
        """Return types by what comes before a ``___`` of their name; None if there are many.

        A kernel has some dozens, so that one search of the strings answers for every name.
        """
        if self._flavours is None:
            self._flavours = index = dict[bytes, list[int]]()
            for table in self._strings.chain():
                found = table.find_offsets(_FLAVOUR, _MANY)
                self._many_flavours = self._many_flavours or found is None
                for at in found or ():
                    for offset in range(table.string_start(at), at):
                        for type_id in self._ids_at(offset):
                            index.setdefault(table.slice(offset, at), []).append(type_id)
        return None if self._many_flavours else self._flavours


def encoded(name: str) -> bytes:
    """Return a name's bytes; nothing for what no name of a BTF can be."""
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""
