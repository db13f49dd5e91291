"""The part of :mod:`.plain` that looks at what types refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ebpf_static.btf.decode import KIND_MASK, RECORD_WORDS, VLEN_MASK
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import LINKAGE_GLOBAL, Kind
from ebpf_static.btf.verify.kinds import (
    BEHIND_POINTER,
    COMPOSITES,
    IN_COMPOSITE,
    KFLAG,
    MAX_ARRAY_BYTES,
    MAX_BITS,
    MODIFIERS,
    POINTER_BYTES,
    SIZELESS,
    SOURCES,
    TAGGED,
)
from ebpf_static.btf.verify.rules import KernelRules

_UNSIZED: Final = SIZELESS | SOURCES
_REGULAR_BITS: Final = frozenset({8, 16, 32, 64, 128})
_ENUM_BITS: Final = 32
_OUTER: Final = 4
"""Types a chain may have around its deepest pointer or struct: a tag, a section, a variable."""


class NotPlainError(Exception):
    """Something the rules have to look at."""


def demand(holds: object) -> None:
    """Leave what does not hold to the rules.

    Raises:
        NotPlainError: it does not.
    """
    if not holds:
        raise NotPlainError


class PlainLinks:
    """Types by what they refer to; their records are known to be sound.

    Args:
        btf: the types, without a base.
        rules: the kernel's bounds.
        is_named: whether the strings at these offsets are identifiers.
    """

    def __init__(self, btf: Btf, rules: KernelRules, is_named: Callable[[set[int]], bool]) -> None:
        words, offsets = btf.table
        self._words = words
        self._at = [0, *offsets]
        self._kinds = [Kind.VOID, *((words[at + 1] >> 24) & KIND_MASK for at in offsets)]
        self._is_named = is_named
        self._deepest = rules.depth - _OUTER
        self._concrete: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._levels: dict[tuple[int, frozenset[Kind]], int] = {}

    def check(self) -> None:
        """Look at every type.

        Raises:
            NotPlainError: one is not plainly sound.
        """
        checks = _CHECKS
        for type_id, kind in enumerate(self._kinds):
            check = checks.get(kind)
            if check is not None:
                check(self, type_id)

    def check_reference(self, type_id: int) -> None:
        """Look at a pointer, a typedef, a qualifier or a type tag."""
        target = self._words[self._at[type_id] + 2]
        demand(self._kind(target) not in SOURCES)
        kind = self._kinds[target]
        if kind in MODIFIERS:
            demand(self._kinds[self._find_concrete(target)] != Kind.FUNC)
        else:
            demand(kind != Kind.FUNC)
        if kind in BEHIND_POINTER:
            self._level(type_id, BEHIND_POINTER, self._deepest)
        if kind in IN_COMPOSITE and self._kinds[type_id] != Kind.PTR:
            self._level(type_id, IN_COMPOSITE, self._deepest)

    def check_array(self, type_id: int) -> None:
        """Look at an array."""
        at = self._at[type_id]
        element, index = self._words[at + 3], self._words[at + 4]
        demand(self._is_regular(self._sized(index)))
        concrete = self._sized(element)
        demand(self._kinds[concrete] != Kind.INT or self._is_regular(concrete))
        self._level(type_id, IN_COMPOSITE, self._deepest)
        demand(self._size_of(type_id) <= MAX_ARRAY_BYTES)

    def check_composite(self, type_id: int) -> None:
        """Look at a struct or union."""
        words, at = self._words, self._at[type_id]
        kflag, size = words[at + 1] & KFLAG, words[at + 2]
        first = at + RECORD_WORDS
        for i in range(first, first + 3 * (words[at + 1] & VLEN_MASK), 3):
            target = self._sized(words[i + 1])
            place = words[i + 2]
            bits = place >> 24 if kflag else 0
            start = place & 0xFFFFFF if kflag else place
            if self._member_end(target, start, bits, kflag) > size:
                raise NotPlainError
        self._level(type_id, IN_COMPOSITE, self._deepest)

    def _member_end(self, target: int, start: int, bits: int, kflag: int) -> int:
        """Return how many bytes of its struct a member needs."""
        kind = self._kinds[target]
        if kind == Kind.INT:
            data = self._words[self._at[target] + 3]
            own = data & 0xFF
            if kflag:
                demand(self._is_regular(target) and bits <= own and (bits or not start % 8))
                own = bits or own
            else:
                start += (data >> 16) & 0xFF
            demand(start % 8 + own <= MAX_BITS)
            return (start + own + 7) // 8
        if kind in (Kind.ENUM, Kind.ENUM64):
            demand(bits <= _ENUM_BITS and (bits or not start % 8))
            if kflag:
                return (start + (bits or _ENUM_BITS) + 7) // 8
        demand(not bits and not start % 8)
        if kind == Kind.FLOAT:
            demand(not start % (8 * min(8, self._size_of(target))))
        return start // 8 + self._size_of(target)

    def check_func(self, type_id: int) -> None:
        """Look at a function."""
        at = self._at[type_id]
        prototype = self._words[at + 2]
        demand(self._kind(prototype) == Kind.FUNC_PROTO)
        if self._words[at + 1] & VLEN_MASK <= LINKAGE_GLOBAL:
            parameters = self._parameters(prototype)
            demand(all(name or not target for name, target in parameters))

    def check_func_proto(self, type_id: int) -> None:
        """Look at what a function takes and returns."""
        returned = self._words[self._at[type_id] + 2]
        demand(not returned or self._passed(returned))
        parameters = self._parameters(type_id)
        if parameters and parameters[-1] == (0, 0):
            parameters.pop()
        for name, target in parameters:
            demand(target and self._passed(target) and (not name or self._is_named({name})))

    def _passed(self, target: int) -> bool:
        self._kind(target)
        return self._kinds[self._find_concrete(target)] not in SIZELESS

    def _parameters(self, prototype: int) -> list[tuple[int, int]]:
        words, at = self._words, self._at[prototype]
        first = at + RECORD_WORDS
        end = first + 2 * (words[at + 1] & VLEN_MASK)
        return list(zip(words[first:end:2], words[first + 1 : end : 2], strict=True))

    def check_var(self, type_id: int) -> None:
        """Look at a variable."""
        at = self._at[type_id]
        target = self._words[at + 2]
        demand(target and self._kind(target) not in SOURCES)
        is_extern = self._words[at + 3] > LINKAGE_GLOBAL  # libbpf gives it another type
        demand(is_extern or self._kinds[self._find_concrete(target)] not in SIZELESS)

    def check_datasec(self, type_id: int) -> None:
        """Look at the variables of a section."""
        words, at = self._words, self._at[type_id]
        first = at + RECORD_WORDS
        for i in range(first, first + 3 * (words[at + 1] & VLEN_MASK), 3):
            kind = self._kind(words[i])
            demand(kind in (Kind.VAR, Kind.FUNC))
            variable = self._at[words[i]]
            if kind == Kind.VAR and words[variable + 3] <= LINKAGE_GLOBAL:
                target = self._find_concrete(words[variable + 2])
                demand(self._kinds[target] not in SIZELESS)
                demand(words[i + 2] >= self._size_of(target))

    def check_decl_tag(self, type_id: int) -> None:
        """Look at a declaration tag."""
        words, at = self._words, self._at[type_id]
        target, component = words[at + 2], words[at + 3]
        kind = self._kind(target)
        demand(kind in TAGGED)
        if component == 0xFFFFFFFF:
            return
        counted = target
        if kind == Kind.FUNC:
            counted = words[self._at[target] + 2]
            demand(self._kind(counted) == Kind.FUNC_PROTO)
        has_parts = kind == Kind.FUNC or kind in COMPOSITES
        demand(has_parts and component < words[self._at[counted] + 1] & VLEN_MASK)

    def _kind(self, type_id: int) -> int:
        try:
            return self._kinds[type_id]
        except IndexError:
            raise NotPlainError from None

    def _sized(self, type_id: int) -> int:
        """Return what a type that must have a size comes to."""
        kind = self._kind(type_id)
        if kind in MODIFIERS:
            type_id = self._find_concrete(type_id)
            kind = self._kinds[type_id]
        if kind in _UNSIZED:
            raise NotPlainError
        return type_id

    def _is_regular(self, type_id: int) -> bool:
        if self._kinds[type_id] != Kind.INT:
            return False
        data = self._words[self._at[type_id] + 3]
        return not (data >> 16) & 0xFF and data & 0xFF in _REGULAR_BITS

    def _find_concrete(self, type_id: int) -> int:
        """Return what modifiers lead to."""
        if self._kinds[type_id] not in MODIFIERS:
            return type_id
        known = self._concrete.get(type_id)
        if known is not None:
            return known
        current = type_id
        for _ in range(self._deepest):
            current = self._words[self._at[current] + 2]
            if self._kind(current) not in MODIFIERS:
                self._concrete[type_id] = current
                return current
        raise NotPlainError

    def _size_of(self, type_id: int) -> int:
        """Return the bytes a concrete type takes; nesting has been bounded."""
        kind, at = self._kinds[type_id], self._at[type_id]
        if kind == Kind.PTR:
            return POINTER_BYTES
        if kind != Kind.ARRAY:
            return self._words[at + 2]
        known = self._sizes.get(type_id)
        if known is None:
            self._level(type_id, IN_COMPOSITE, self._deepest)
            element = self._find_concrete(self._words[at + 3])
            known = self._sizes[type_id] = self._words[at + 5] * self._size_of(element)
        return known

    def _level(self, type_id: int, followed: frozenset[Kind], left: int) -> int:
        """Return how deep types nest below one, following these kinds only."""
        key = (type_id, followed)
        known = self._levels.get(key)
        if known is None:
            if not left:
                raise NotPlainError
            level = 0
            for target in self._targets(type_id):
                if self._kind(target) in followed:
                    level = max(level, self._level(target, followed, left - 1))
            known = self._levels[key] = level + 1
        if known > left:
            raise NotPlainError
        return known

    def _targets(self, type_id: int) -> Iterable[int]:
        words, at = self._words, self._at[type_id]
        kind = self._kinds[type_id]
        if kind == Kind.ARRAY:
            return (words[at + 3], words[at + 4])
        if kind in COMPOSITES:
            first = at + RECORD_WORDS
            return words[first + 1 : first + 3 * (words[at + 1] & VLEN_MASK) : 3]
        return (words[at + 2],)


_CHECKS: Final[dict[int, Callable[[PlainLinks, int], None]]] = {
    **dict.fromkeys((*MODIFIERS, Kind.PTR), PlainLinks.check_reference),
    Kind.ARRAY: PlainLinks.check_array,
    Kind.STRUCT: PlainLinks.check_composite,
    Kind.UNION: PlainLinks.check_composite,
    Kind.FUNC: PlainLinks.check_func,
    Kind.FUNC_PROTO: PlainLinks.check_func_proto,
    Kind.VAR: PlainLinks.check_var,
    Kind.DATASEC: PlainLinks.check_datasec,
    Kind.DECL_TAG: PlainLinks.check_decl_tag,
}
