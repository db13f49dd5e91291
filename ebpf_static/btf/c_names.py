"""Names types get in C: valid identifiers, and each its own where BTF repeats one.

Struct, union and enum tags share one name space of C; typedefs and enumerators share the other.
The second holder of a name in its space gets ``___2`` and so on, a flavour CO-RE looks through.
"""

from __future__ import annotations

import re
from collections import Counter

from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import Fwd, Kind

_INVALID = re.compile(r"[^A-Za-z0-9_]")
_KEYWORDS = re.compile(
    "auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if|"
    "inline|int|long|register|restrict|return|short|signed|sizeof|static|struct|switch|typedef|"
    "union|unsigned|void|volatile|while|_Alignas|_Alignof|_Atomic|_Bool|_Complex|_Generic|"
    "_Imaginary|_Noreturn|_Static_assert|_Thread_local|asm|typeof"
)
_C_INT_WORDS = frozenset(
    ("signed", "unsigned", "char", "short", "int", "long", "__int128", "_Bool")
)
_C_FLOATS = frozenset(("float", "double", "long double", "_Float16", "__float128"))
_TAG_KINDS = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64)


def identifier(name: str) -> str:
    """Return ``name`` with what C does not allow in an identifier replaced by ``_``."""
    cleaned = _INVALID.sub("_", name)
    if cleaned[:1].isdigit():
        cleaned = "_" + cleaned
    return cleaned + "_" if _KEYWORDS.fullmatch(cleaned) else cleaned


def is_c_int(name: str) -> bool:
    """Whether ``name`` is spelled with the words of C's integer types only."""
    return bool(name) and _C_INT_WORDS.issuperset(name.split())


def is_c_float(name: str) -> bool:
    """Whether ``name`` is a floating point type of C."""
    return name in _C_FLOATS


class CNames:
    """The C names of every type of one BTF, given in order of their ids."""

    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._tags: dict[int, str] = {}
        self._idents: dict[int, str] = {}
        # The compiler's own va_list is not the kernel's: it would change the size of its users.
        self._ident_uses = Counter(["__builtin_va_list"])
        self._assign()

    def tag(self, type_id: int) -> str:
        """Return the tag of a named struct, union, enum or forward declaration."""
        return self._tags[type_id]

    def ident(self, type_id: int) -> str:
        """Return the name of a typedef, or of an integer that needs one."""
        return self._idents[type_id]

    def enumerator(self, name: str) -> str:
        """Return the name to print an enumerator under; a new one each time it is printed."""
        return self._ident(identifier(name))

    def _assign(self) -> None:
        btf, uses = self._btf, Counter[str]()
        owners: dict[tuple[int, str], str] = {}
        forwards = []
        for type_id in range(1, len(btf)):
            kind = btf.kind(type_id)
            if kind in (Kind.TYPEDEF, Kind.INT, Kind.FLOAT):
                self._assign_ident(type_id, kind)
            elif kind == Kind.FWD:
                forwards.append(type_id)
            elif kind in _TAG_KINDS and btf.name(type_id):
                name = identifier(btf.name(type_id))
                uses[name] += 1
                tag = self._tags[type_id] = _numbered(name, uses[name])
                owners.setdefault((kind, name), tag)
        for type_id in forwards:
            # A forward declaration means whatever struct of that name there is.
            name = identifier(btf.name(type_id))
            forward = btf.type(type_id)
            union = isinstance(forward, Fwd) and forward.is_union
            kind = Kind.UNION if union else Kind.STRUCT
            if (kind, name) not in owners:
                uses[name] += 1
                owners[kind, name] = _numbered(name, uses[name])
            self._tags[type_id] = owners[kind, name]

    def _assign_ident(self, type_id: int, kind: int) -> None:
        name = self._btf.name(type_id)
        known = is_c_int(name) if kind == Kind.INT else is_c_float(name)
        if kind == Kind.TYPEDEF or not known:
            self._idents[type_id] = self._ident(identifier(name))

    def _ident(self, name: str) -> str:
        self._ident_uses[name] += 1
        return _numbered(name, self._ident_uses[name])


def _numbered(name: str, count: int) -> str:
    return name if count == 1 else f"{name}___{count}"
