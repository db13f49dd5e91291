"""Kinds of types by what the kernel asks of them."""

from __future__ import annotations

from typing import Final

from ebpf_static.btf.types import Kind

MODIFIERS: Final = frozenset(
    {Kind.TYPEDEF, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.TYPE_TAG}
)
COMPOSITES: Final = frozenset({Kind.STRUCT, Kind.UNION})
SOURCES: Final = frozenset({Kind.VAR, Kind.DECL_TAG, Kind.DATASEC})
"""Refer to types, and no type refers to them (but for sections and tags to variables)."""
SIZELESS: Final = frozenset({Kind.VOID, Kind.FWD, Kind.FUNC, Kind.FUNC_PROTO, Kind.DECL_TAG})
TAGGED: Final = COMPOSITES | {Kind.FUNC, Kind.VAR, Kind.TYPEDEF}
BEHIND_POINTER: Final = MODIFIERS | {Kind.PTR}
"""Followed from a pointer on."""
IN_COMPOSITE: Final = MODIFIERS | COMPOSITES | {Kind.ARRAY}
"""Followed from a struct, a union or an array on."""
COUNTED: Final = COMPOSITES | {Kind.ENUM, Kind.ENUM64, Kind.FUNC, Kind.FUNC_PROTO, Kind.DATASEC}
"""Have a number of members, or what is kept in its place."""
FLAGGED: Final = COMPOSITES | {Kind.ENUM, Kind.ENUM64, Kind.FWD}
"""May have their kind flag set."""
NAMELESS: Final = frozenset(
    {Kind.PTR, Kind.ARRAY, Kind.VOLATILE, Kind.CONST, Kind.RESTRICT, Kind.FUNC_PROTO}
)

INT_ENCODINGS: Final = (0, 1, 2, 4)
FLOAT_SIZES: Final = (2, 4, 8, 12, 16)
ENUM_SIZES: Final = (1, 2, 4, 8)
MAX_BITS: Final = 128
"""Of an integer, and that a bit-field may touch."""
MAX_ARRAY_BYTES: Final = 0xFFFFFFFF
POINTER_BYTES: Final = 8
RESERVED: Final = 0x60FF0000
"""Bits of ``info`` that mean nothing before Linux 7.2."""
KFLAG: Final = 1 << 31
FILLED_SECTIONS: Final = (".ksyms", ".kconfig")
"""Sections of externs, which libbpf builds itself."""
