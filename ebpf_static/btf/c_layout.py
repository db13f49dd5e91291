"""Where a C compiler puts members, and the padding that makes it put them where BTF says.

The rules are those of the System V ABI as clang's BPF target follows them: a field starts at its
alignment, a bitfield does not cross a unit of its type, unnamed bitfields neither align nor name
anything. Padding is emitted only where these rules alone would not reach the offset BTF gives.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import (
    Array,
    Composite,
    Enum,
    Enum64,
    Float,
    Int,
    Member,
    Ptr,
    Struct,
    Union,
)
from ebpf_static.errors import FormatError
from ebpf_static.limits import MAX_BTF_DEPTH

BPF_POINTER_BYTES = 8
_PAD_TYPES = ((8, "char"), (16, "short"), (32, "int"), (64, "long"))
_LONG_GAP_BITS = 2048


class Field(NamedTuple):
    """A member to print; ``width`` is 0 for what is not a bitfield."""

    member: Member
    width: int


class BitPad(NamedTuple):
    """An unnamed bitfield ``type_name: bits``."""

    type_name: str
    bits: int


class BytePad(NamedTuple):
    """A long gap of ``size`` bytes at byte ``offset``, printed as a char array."""

    offset: int
    size: int


class CLayout:
    """Alignment and padding of the types of one BTF, with alignments remembered."""

    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._packed: dict[int, bool] = {}
        self._align: dict[int, int] = {}

    def is_packed(self, composite: Composite) -> bool:
        """Whether only ``__attribute__((packed))`` gives the members their offsets.

        Raises:
            FormatError: a member has no alignment, or structs nest in a cycle.
        """
        self._composite_align(composite, 0)
        return self._packed[composite.id]

    def align(self, type_id: int, depth: int = 0) -> int:
        """Return the alignment in bytes the type has once printed.

        Raises:
            FormatError: the type has none (a function, a forward declaration), or a cycle.
        """
        if depth > MAX_BTF_DEPTH:
            raise self._error(type_id, "types nest too deeply, or in a cycle")
        found = self._btf.type(self._btf.resolve(type_id))
        if isinstance(found, (Int, Enum, Enum64, Float)):
            return found.size if found.size in (1, 2, 4, 8, 16) else 1
        if isinstance(found, Ptr):
            return BPF_POINTER_BYTES
        if isinstance(found, Array):
            return self.align(found.type_id, depth + 1)
        if isinstance(found, (Struct, Union)):
            return self._composite_align(found, depth)
        raise self._error(type_id, f"type id {found.id} has no alignment")

    def iter_struct(self, struct: Struct) -> Iterator[Field | BitPad | BytePad]:
        """Yield the members of a struct with the padding between and after them."""
        packed = self.is_packed(struct)
        at = 0
        for member in struct.members:
            offset, width = self.place(member)
            size = width or 8 * self._btf.size_of(member.type_id)
            if offset > self._natural(member, at, width, packed=packed):
                yield from _padding(at, offset)
            yield Field(member, width)
            at = offset + size
        step = 8 if packed else 8 * self._align[struct.id]
        if _round_up(at, step) < 8 * struct.size:
            yield from _padding(at, 8 * struct.size)

    def iter_union(self, union: Union) -> Iterator[Field | BitPad | BytePad]:
        """Yield the members of a union, and what widens it to its size."""
        packed = self.is_packed(union)
        largest = 0
        for member in union.members:
            width = self.place(member)[1]
            largest = max(largest, width or 8 * self._btf.size_of(member.type_id))
            yield Field(member, width)
        step = 8 if packed else 8 * self._align[union.id]
        if _round_up(largest, step) < 8 * union.size:
            yield BytePad(0, union.size)

    def place(self, member: Member) -> tuple[int, int]:
        """Return a member's bit offset and bitfield width, 0 when it is no bitfield.

        Without kflag (before Linux 5.0) the width is that of the integer type itself.
        """
        if member.bitfield_size:
            return member.bit_offset, member.bitfield_size
        found = self._btf.type(self._btf.resolve(member.type_id))
        if isinstance(found, Int) and (found.offset or found.bits != 8 * found.size):
            return member.bit_offset + found.offset, found.bits
        return member.bit_offset, 0

    def _natural(self, member: Member, at: int, width: int, *, packed: bool) -> int:
        """Return the bit offset a compiler picks for ``member`` after bit ``at``."""
        if packed:
            return at if width else _round_up(at, 8)
        if not width:
            return _round_up(at, 8 * self.align(member.type_id))
        unit = 8 * self._btf.size_of(member.type_id)
        return at if at % unit + width <= unit else _round_up(at, unit)

    def _composite_align(self, composite: Composite, depth: int) -> int:
        known = self._align.get(composite.id)
        if known is not None:
            return known
        alignment, packed = 1, False
        for member in composite.members:
            align = self.align(member.type_id, depth + 1)
            alignment = max(alignment, align)
            offset, width = self.place(member)
            if width:
                unit = max(8 * self._btf.size_of(member.type_id), 1)
                packed = packed or offset % unit + width > unit
            else:
                packed = packed or offset % (8 * align) != 0
        packed = packed or composite.size % alignment != 0
        self._packed[composite.id] = packed
        self._align[composite.id] = 1 if packed else alignment
        return self._align[composite.id]

    def _error(self, type_id: int, what: str) -> FormatError:
        offset = self._btf.type_offset(type_id) if type_id else None
        return FormatError(what, where=f"{self._btf.where}: type {type_id}", offset=offset)


def _padding(start: int, end: int) -> Iterator[BitPad | BytePad]:
    """Yield padding that covers exactly the bits from ``start`` to ``end``.

    Each unnamed bitfield stays inside one aligned unit of its type, so it is put where it is.
    """
    at = start
    if end - start > _LONG_GAP_BITS:
        first, last = _round_up(start, 64), end // 8 * 8
        yield from _padding(start, first)
        yield BytePad(first // 8, (last - first) // 8)
        at = last
    while at < end:
        count = min(end, (at // 64 + 1) * 64) - at
        for bits, name in _PAD_TYPES:
            if at % bits + count <= bits:
                yield BitPad(name, count)
                break
        at += count


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
