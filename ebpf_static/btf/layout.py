"""Sizes, alignments and chains of types: what a compiler knows of them.

Follows libbpf's ``btf__resolve_size`` and ``btf__align_of`` (src/btf.c). Every walk is bounded by
:data:`~ebpf_static.limits.MAX_BTF_DEPTH`, so a cycle ends in an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ebpf_static.btf.types import (
    Array,
    Const,
    Datasec,
    DeclTag,
    Enum,
    Enum64,
    Float,
    Int,
    Kind,
    Ptr,
    Restrict,
    Struct,
    Typedef,
    TypeTag,
    Union,
    Var,
    Volatile,
)
from ebpf_static.errors import FormatError
from ebpf_static.limits import MAX_BTF_DEPTH

if TYPE_CHECKING:
    from ebpf_static.btf.reader import Btf

MAX_TYPE_BYTES = (1 << 32) - 1

_LONG_NAMES = ("long", "long int", "int long", "unsigned long", "long unsigned",
               "unsigned long int", "unsigned int long", "long unsigned int", "long int unsigned",
               "int unsigned long", "int long unsigned")  # fmt: skip


def resolve(btf: Btf, type_id: int) -> int:
    """Return the id under typedefs, qualifiers and type tags."""
    current = type_id
    for _ in range(MAX_BTF_DEPTH):
        found = btf.type(current)
        if not isinstance(found, (Typedef, Volatile, Const, Restrict, TypeTag)):
            return current
        current = found.type_id
    raise _endless(btf, type_id)


def size_of(btf: Btf, type_id: int) -> int:
    """Return the size in bytes; arrays multiply, variables and tags are followed."""
    current, count = type_id, 1
    for _ in range(MAX_BTF_DEPTH):
        found = btf.type(current)
        if isinstance(found, (Struct, Union, Enum, Enum64, Int, Float, Datasec)):
            return _bounded(btf, type_id, found.size * count)
        if isinstance(found, Ptr):
            return _bounded(btf, type_id, btf.pointer_size * count)
        if isinstance(found, Array):
            # An empty array anywhere makes the whole empty, so it is not an overflow.
            count = min(count * found.nelems, MAX_TYPE_BYTES + 1)
        elif not isinstance(found, (Typedef, Volatile, Const, Restrict, TypeTag, Var, DeclTag)):
            raise _error(btf, type_id, f"type id {current} has no size")
        current = found.type_id
    raise _endless(btf, type_id)


def align_of(btf: Btf, type_id: int, memo: dict[int, int], depth: int = 0) -> int:
    """Return the alignment in bytes, remembering that of structs in ``memo``."""
    if depth > MAX_BTF_DEPTH:
        raise _endless(btf, type_id)
    found = btf.type(resolve(btf, type_id))
    if isinstance(found, (Int, Enum, Enum64, Float)):
        return min(btf.pointer_size, found.size)
    if isinstance(found, Ptr):
        return btf.pointer_size
    if isinstance(found, Array):
        return align_of(btf, found.type_id, memo, depth + 1)
    if not isinstance(found, (Struct, Union)):
        raise _error(btf, type_id, f"type id {found.id} has no alignment")
    if found.id not in memo:
        memo[found.id] = _align_of_members(btf, found, memo, depth)
    return memo[found.id]


def _align_of_members(btf: Btf, found: Struct | Union, memo: dict[int, int], depth: int) -> int:
    alignment = 1
    for member in found.members:
        align = align_of(btf, member.type_id, memo, depth + 1)
        # A field off its alignment exists only in a packed struct.
        if align and not member.bitfield_size and member.bit_offset % (8 * align):
            return 1
        alignment = max(alignment, align)
    return 1 if found.size % alignment else alignment


def guess_pointer_size(btf: Btf) -> int:
    """Return the size of ``long``, which is that of a pointer on every Linux; 8 without one."""
    for name in _LONG_NAMES:
        type_id = btf.find(name, 1)
        found = btf.type(type_id) if type_id is not None else None
        if isinstance(found, Int) and found.size in (4, 8):
            return found.size
    return 8


def index_decl_tags(btf: Btf) -> dict[tuple[int, int], tuple[str, ...]]:
    """Return the texts of every declaration tag by type id and component index."""
    index: dict[tuple[int, int], list[str]] = {}
    for type_id in btf.iter_ids(Kind.DECL_TAG):
        tag = btf.type(type_id)
        if isinstance(tag, DeclTag):
            index.setdefault((tag.type_id, tag.component_idx), []).append(tag.name)
    return {place: tuple(tags) for place, tags in index.items()}


def _bounded(btf: Btf, type_id: int, size: int) -> int:
    if size > MAX_TYPE_BYTES:
        raise _error(btf, type_id, "type is 4 GiB or larger")
    return size


def _endless(btf: Btf, type_id: int) -> FormatError:
    return _error(btf, type_id, f"chain of types longer than {MAX_BTF_DEPTH}, or a cycle")


def _error(btf: Btf, type_id: int, what: str) -> FormatError:
    offset = btf.type_offset(type_id) if type_id else None
    return FormatError(what, where=f"{btf.where}: type {type_id}", offset=offset)
