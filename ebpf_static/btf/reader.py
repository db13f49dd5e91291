"""Lazy reading of BTF: one fast pass indexes the types, which decode when asked for.

A vmlinux BTF has some 130 000 types in 5 MB; most questions touch a dozen. Nothing but the type
offsets is computed on opening; names, tags and records are found on first use.
"""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.btf import layout
from ebpf_static.btf.decode import (
    KIND_MASK,
    VLEN_MASK,
    BadRecordError,
    Words,
    decode_type,
    index_types,
    words_of,
)
from ebpf_static.btf.header import ByteOrder, Header, read_header, read_layout
from ebpf_static.btf.name_index import NameIndex
from ebpf_static.btf.strings import StringTable
from ebpf_static.btf.types import BtfType, Kind, Void
from ebpf_static.errors import FormatError
from ebpf_static.limits import MAX_BTF_TYPES

_CACHED_TYPES = 4096
_CACHED_NAMES = 4096
_OLD_VLEN_MASK = 0xFFFF
_OLD_KIND_MASK = 0x1F
_VOID = Void()


class Btf:
    """The types of one BTF, with those of its base below them.

    Ids run from 0 (``void``) over the base's types to this BTF's own; ``len()`` counts all of
    them including ``void``, so every id is below it. Equal, and hashed, by bytes and base.
    Instances do not change and can be pickled.
    """

    __slots__ = (
        "_align", "_base", "_cache", "_count", "_file_offset", "_find_cache", "_header",
        "_name_index", "_offsets", "_own_pointer_size", "_pointer_size", "_raw", "_start",
        "_strings", "_tags", "_where", "_words",
    )  # fmt: skip

    def __init__(
        self,
        data: bytes,
        *,
        base: Btf | None,
        byte_order: ByteOrder | None,
        where: str,
        file_offset: int,
        pointer_size: int | None,
    ) -> None:
        self._raw = data
        self._base = base
        self._where = where
        self._file_offset = file_offset
        self._own_pointer_size = pointer_size
        self._pointer_size = pointer_size
        self._header = header = read_header(
            data, byte_order, where, file_offset, split=base is not None
        )
        if base is not None and base.byte_order != header.byte_order:
            what = f"{header.byte_order}-endian BTF on a {base.byte_order}-endian base"
            raise FormatError(what, where=where, offset=file_offset)
        start = header.header_len + header.type_off
        self._words = words_of(data[start : start + header.type_len], header.byte_order)
        start = header.header_len + header.str_off
        own_strings = data[start : start + header.str_len]
        self._strings = StringTable(own_strings, base.strings if base else None, where)
        self._start = len(base) if base else 1
        try:
            self._offsets = index_types(self._words, read_layout(data, header), MAX_BTF_TYPES)
        except BadRecordError as err:
            what, at = err.args
            raise FormatError(what, where=where, offset=self._file_position(at)) from None
        self._count = self._start + len(self._offsets)
        self._cache: dict[int, BtfType] = {}
        self._find_cache: dict[str, tuple[int, ...]] = {}
        self._name_index: NameIndex | None = None
        self._tags: dict[tuple[int, int], tuple[str, ...]] | None = None
        self._align: dict[int, int] = {}

    @classmethod
    def parse(
        cls,
        data: bytes,
        *,
        base: Btf | None = None,
        byte_order: ByteOrder | None = None,
        where: str = ".BTF",
        file_offset: int = 0,
        pointer_size: int | None = None,
    ) -> Btf:
        """Check the header of ``data`` and index its types.

        Args:
            data: contents of a ``.BTF`` section or raw BTF file.
            base: what a split BTF (a module's) continues: its ids and string offsets go on
                where the base's end.
            byte_order: the order to insist on; None takes the magic's.
            where: name of the data in error messages.
            file_offset: offset of ``data`` in its file, for error messages.
            pointer_size: bytes of a pointer; None finds out, see :attr:`pointer_size`.

        Raises:
            FormatError: with the byte offset of what is malformed.
            LimitError: more types than :data:`~ebpf_static.limits.MAX_BTF_TYPES`.
        """
        return cls(
            bytes(data), base=base, byte_order=byte_order, where=where,
            file_offset=file_offset, pointer_size=pointer_size,
        )  # fmt: skip

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Btf):
            return NotImplemented
        return self._raw == other._raw and self._base == other._base

    def __hash__(self) -> int:
        return hash((self._raw, self._base))

    def __repr__(self) -> str:
        return f"<Btf {self._where}: {self._count - 1} types, {self.byte_order}-endian>"

    def __reduce__(self) -> tuple[object, ...]:
        where = (self._where, self._file_offset, self._own_pointer_size)
        return (_thaw, (self._raw, self._base, *where))

    @property
    def raw(self) -> bytes:
        """The bytes this BTF was read from, without its base."""
        return self._raw

    @property
    def base(self) -> Btf | None:
        """The BTF this one continues."""
        return self._base

    @property
    def header(self) -> Header:
        """The header as read, for what readers tolerate and the kernel does not."""
        return self._header

    @property
    def byte_order(self) -> ByteOrder:
        """Byte order the BTF, so the object it belongs to, is written in."""
        return self._header.byte_order

    @property
    def where(self) -> str:
        """Name of the data in error messages."""
        return self._where

    @property
    def start_id(self) -> int:
        """Lowest id of an own type: 1, or the number of ids of the base."""
        return self._start

    @property
    def strings(self) -> StringTable:
        """The string section, continuing the base's."""
        return self._strings

    @property
    def table(self) -> tuple[Words, Words]:
        """The own type section as 32-bit words, and the word each own type starts at."""
        return self._words, self._offsets

    @property
    def own_kinds(self) -> frozenset[int]:
        """The kind numbers of the own types."""
        words = self._words
        return frozenset((words[at + 1] >> 24) & KIND_MASK for at in self._offsets)

    @property
    def uses_wide_info(self) -> bool:
        """Whether a type needs the wider vlen and kind fields of Linux 7.2 (own types only)."""
        words = self._words
        narrow = _OLD_VLEN_MASK | _OLD_KIND_MASK << 24 | 1 << 31
        return any(words[at + 1] & ~narrow for at in self._offsets)

    @property
    def pointer_size(self) -> int:
        """Bytes of a pointer: as given to :meth:`parse`, else the size of ``long``, else 8."""
        if self._pointer_size is None:
            self._pointer_size = layout.guess_pointer_size(self)
        return self._pointer_size

    def type(self, type_id: int) -> BtfType:
        """Return the type ``type_id``.

        Raises:
            FormatError: no such id, or a name of the type is out of bounds.
        """
        cached = self._cache.get(type_id)
        if cached is not None:
            return cached
        if type_id < self._start and self._base is not None:
            return self._base.type(type_id)
        decoded = self._decode(type_id)
        if len(self._cache) >= _CACHED_TYPES:
            self._cache.clear()
        self._cache[type_id] = decoded
        return decoded

    def iter_types(self, *, own: bool = False) -> Iterator[BtfType]:
        """Yield every type from id 1 (from :attr:`start_id` when ``own``) in order.

        Raises:
            FormatError: as :meth:`type`, when the type at fault is reached.
        """
        if self._base is not None and not own:
            yield from self._base.iter_types()
        for type_id in range(self._start, self._count):
            yield self._decode(type_id)

    def iter_ids(self, kind: int) -> Iterator[int]:
        """Yield the ids of every type of ``kind`` in order, the base's first."""
        if self._base is not None:
            yield from self._base.iter_ids(kind)
        words = self._words
        for type_id, at in enumerate(self._offsets, self._start):
            if (words[at + 1] >> 24) & KIND_MASK == kind:
                yield type_id

    def kind(self, type_id: int) -> int:
        """Return the kind number of a type without decoding it."""
        if type_id < self._start and self._base is not None:
            return self._base.kind(type_id)
        return (self._words[self._at(type_id) + 1] >> 24) & KIND_MASK if type_id else Kind.VOID

    def vlen(self, type_id: int) -> int:
        """Return how many members, values, parameters or variables a type has."""
        if type_id < self._start and self._base is not None:
            return self._base.vlen(type_id)
        return self._words[self._at(type_id) + 1] & VLEN_MASK if type_id else 0

    def name(self, type_id: int) -> str:
        """Return the name of a type without decoding it; empty when anonymous."""
        if type_id < self._start and self._base is not None:
            return self._base.name(type_id)
        return self._strings.name(self._words[self._at(type_id)]) if type_id else ""

    def words(self, type_id: int) -> tuple[int, int, int, int]:
        """Return a type as stored: offset of its name, ``info``, size or type, and what follows.

        The last one is the first word behind the record, 0 behind the last type's.
        """
        if type_id < self._start and self._base is not None:
            return self._base.words(type_id)
        if not type_id:
            return (0, 0, 0, 0)
        words, at = self._words, self._at(type_id)
        return (
            words[at],
            words[at + 1],
            words[at + 2],
            words[at + 3] if at + 3 < len(words) else 0,
        )

    def string(self, offset: int) -> str:
        """Return the string at ``offset`` of the string section (base included).

        Raises:
            FormatError: the offset is out of range, or the string longer than 64 KiB.
        """
        return self._strings.text(offset)

    def type_offset(self, type_id: int) -> int:
        """Return the byte offset of a type's record in the file it was read from."""
        if type_id < self._start and self._base is not None:
            return self._base.type_offset(type_id)
        return self._file_position(self._at(type_id))

    def find(self, name: str, kind: int | None = None) -> int | None:
        """Return the lowest id of a type called ``name`` (and of ``kind``), or None."""
        for type_id in self.find_all(name):
            if kind is None or self.kind(type_id) == kind:
                return type_id
        return None

    def find_all(self, name: str) -> tuple[int, ...]:
        """Return every id of a type called ``name`` in ascending order; not the anonymous."""
        known = self._find_cache.get(name)
        if known is None:
            base = self._base.find_all(name) if self._base else ()
            known = base + tuple(self._names().find(name))
            if len(self._find_cache) >= _CACHED_NAMES:
                self._find_cache.clear()
            self._find_cache[name] = known
        return known

    def find_flavours(self, name: str) -> tuple[int, ...]:
        """Return every id of a type called ``name``, or ``name___`` and more, in order."""
        base = self._base.find_flavours(name) if self._base else ()
        return base + tuple(self._names().find_flavours(name))

    def resolve(self, type_id: int) -> int:
        """Return the id under typedefs, qualifiers and type tags.

        Raises:
            FormatError: an id out of range, or a cycle.
        """
        return layout.resolve(self, type_id)

    def size_of(self, type_id: int) -> int:
        """Return the size in bytes of a type as libbpf computes it (a variable's is its type's).

        Raises:
            FormatError: the type has no size (``void``, a function, a forward declaration), a
                cycle, or an array of 4 GiB or more.
        """
        return layout.size_of(self, type_id)

    def align_of(self, type_id: int) -> int:
        """Return the alignment in bytes a C compiler gives the type; 1 for a packed struct.

        Raises:
            FormatError: the type has no alignment, or a cycle.
        """
        return layout.align_of(self, type_id, self._align)

    def decl_tags(self, type_id: int, component: int = -1) -> tuple[str, ...]:
        """Return the declaration tags on a type, or on its member or parameter ``component``."""
        if self._tags is None:
            self._tags = layout.index_decl_tags(self)
        return self._tags.get((type_id, component), ())

    def _decode(self, type_id: int) -> BtfType:
        if type_id == 0:
            return _VOID
        at = self._at(type_id)
        try:
            return decode_type(self._words, at, type_id, self._strings.name)
        except FormatError as err:
            where = f"{self._where}: type {type_id}"
            position = self._file_position(at)
            raise type(err)(err.what, where=where, offset=position) from None

    def _at(self, type_id: int) -> int:
        """Return the word offset of an own type."""
        if self._start <= type_id < self._count:
            return self._offsets[type_id - self._start]
        what = f"type id {type_id} is out of range (0..{self._count - 1})"
        raise FormatError(what, where=self._where, offset=self._file_offset)

    def _file_position(self, word: int) -> int:
        return self._file_offset + self._header.header_len + self._header.type_off + 4 * word

    def _names(self) -> NameIndex:
        if self._name_index is None:
            self._name_index = NameIndex(self._words, self._offsets, self._start, self._strings)
        return self._name_index


def _thaw(
    data: bytes, base: Btf | None, where: str, file_offset: int, pointer_size: int | None
) -> Btf:
    return Btf.parse(
        data, base=base, where=where, file_offset=file_offset, pointer_size=pointer_size
    )
