"""Says of a BTF that nothing is wrong with it, without decoding it: most are sound.

The rules themselves (:mod:`.records`, :mod:`.links`) decide about everything that is not plainly
sound here, and say why. So this may say no to a sound BTF, but never yes to another: it asks for
as much as they do, or more. Nesting, sizes and loops are bounded as if every type were resolved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ebpf_static.btf.decode import KIND_MASK, RECORD_WORDS, VLEN_MASK
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import LINKAGE_GLOBAL, Kind
from ebpf_static.btf.verify.kinds import (
    COUNTED,
    ENUM_SIZES,
    FILLED_SECTIONS,
    FLAGGED,
    FLOAT_SIZES,
    INT_ENCODINGS,
    KFLAG,
    MAX_BITS,
    NAMELESS,
    RESERVED,
    SOURCES,
)
from ebpf_static.btf.verify.plain_links import NotPlainError, PlainLinks, demand
from ebpf_static.btf.verify.rules import KernelRules

_MUST_HAVE_NAME: Final = frozenset(
    {Kind.FWD, Kind.TYPEDEF, Kind.FUNC, Kind.VAR, Kind.DECL_TAG, Kind.TYPE_TAG, Kind.DATASEC}
)
_ANY_TEXT: Final = frozenset({Kind.INT, Kind.FLOAT, Kind.DECL_TAG, Kind.TYPE_TAG, Kind.DATASEC})
_LINKAGE_EXTERN: Final = LINKAGE_GLOBAL + 1


def is_plainly_sound(btf: Btf, rules: KernelRules) -> bool:
    """Tell whether a BTF that libbpf hands over is certainly fine, but for its header."""
    if btf.base is not None:
        return False
    try:
        records = _PlainRecords(btf, rules)
        records.check()
        PlainLinks(btf, rules, records.is_named).check()
    except NotPlainError:
        return False
    return True


class _PlainRecords:
    """Types one by one, without what they refer to."""

    def __init__(self, btf: Btf, rules: KernelRules) -> None:
        self._words, self._offsets = btf.table
        self._strings = btf.strings
        self._rules = rules
        self._identifiers = rules.find_names(btf.strings.data)

    def check(self) -> None:
        """Look at every record.

        Raises:
            NotPlainError: one is not plainly sound.
        """
        words, identifiers = self._words, self._identifiers
        for at in self._offsets:
            name, info = words[at], words[at + 1]
            kind = (info >> 24) & KIND_MASK
            if (
                info & RESERVED
                or (info & KFLAG and kind not in FLAGGED)
                or (info & VLEN_MASK and kind not in COUNTED)
                or (name and kind in NAMELESS)
                or not (name in identifiers or self._is_named_as_may_be(kind, name))
            ):
                raise NotPlainError
            check = _CHECKS.get(kind)
            if check is not None:
                check(self, at)
            elif kind not in _CHECKED_AS_LINKS:
                raise NotPlainError

    def _is_named_as_may_be(self, kind: int, name: int) -> bool:
        if not name:
            return kind not in _MUST_HAVE_NAME
        return bool(self._text(name)) if kind in _ANY_TEXT else self.is_named({name})

    def is_named(self, names: set[int]) -> bool:
        """Tell whether the strings at these offsets are identifiers."""
        rest = names - self._identifiers  # tails of other strings, and what is none
        return all(self._rules.takes_name(self._text(name)) for name in rest)

    def _text(self, name: int) -> str:
        raw = self._strings.find_bytes(name)
        return raw.decode("utf-8", "surrogateescape") if raw else ""

    def check_int(self, at: int) -> None:
        """Look at an integer."""
        size, data = self._words[at + 2], self._words[at + 3]
        bits = (data & 0xFF) + ((data >> 16) & 0xFF)
        demand(not data >> 28 and (data >> 24) & 0xF in INT_ENCODINGS)
        demand(bits <= MAX_BITS and (bits + 7) // 8 <= size)

    def check_sizeless(self, at: int) -> None:
        """Look at what has no size of its own."""
        demand(not self._words[at + 2])

    def check_composite(self, at: int) -> None:
        """Look at a struct or union."""
        words = self._words
        info, size = words[at + 1], words[at + 2]
        first = at + RECORD_WORDS
        end = first + 3 * (info & VLEN_MASK)
        if first == end:
            return
        demand(self.is_named({*words[first:end:3]} - {0}))
        places = words[first + 2 : end : 3].tolist()
        if info & KFLAG:
            places = [place & 0xFFFFFF for place in places]
        demand(places == sorted(places) and (places[-1] + 7) // 8 <= size)
        is_union = (info >> 24) & KIND_MASK == Kind.UNION
        demand(not is_union or not places[-1])

    def check_enum(self, at: int) -> None:
        """Look at an enumeration."""
        words = self._words
        info, first = words[at + 1], at + RECORD_WORDS
        step = 2 if (info >> 24) & KIND_MASK == Kind.ENUM else 3
        demand(words[at + 2] in ENUM_SIZES)
        demand(self.is_named({*words[first : first + step * (info & VLEN_MASK) : step]}))

    def check_func(self, at: int) -> None:
        """Look at a function."""
        demand(self._words[at + 1] & VLEN_MASK <= _LINKAGE_EXTERN)

    def check_var(self, at: int) -> None:
        """Look at a variable."""
        demand(self._words[at + 3] <= _LINKAGE_EXTERN)

    def check_datasec(self, at: int) -> None:
        """Look at the variables of a section."""
        words = self._words
        name, size = self._text(words[at]), words[at + 2]
        demand(self._rules.takes_section_name(name))
        if not size or name in FILLED_SECTIONS:
            return  # libbpf fills them in
        first = at + RECORD_WORDS
        total = 0
        for i in range(first, first + 3 * (words[at + 1] & VLEN_MASK), 3):
            offset, length = words[i + 1], words[i + 2]
            total += length
            demand(length and offset + length <= size and total <= size)

    def check_float(self, at: int) -> None:
        """Look at a floating-point number."""
        demand(self._words[at + 2] in FLOAT_SIZES)

    def check_decl_tag(self, at: int) -> None:
        """Look at a declaration tag."""
        component = self._words[at + 3]
        demand(component < KFLAG or component == 0xFFFFFFFF)


_CHECKS: Final[dict[int, Callable[[_PlainRecords, int], None]]] = {
    Kind.INT: _PlainRecords.check_int,
    Kind.ARRAY: _PlainRecords.check_sizeless,
    Kind.STRUCT: _PlainRecords.check_composite,
    Kind.UNION: _PlainRecords.check_composite,
    Kind.ENUM: _PlainRecords.check_enum,
    Kind.FWD: _PlainRecords.check_sizeless,
    Kind.FUNC: _PlainRecords.check_func,
    Kind.VAR: _PlainRecords.check_var,
    Kind.DATASEC: _PlainRecords.check_datasec,
    Kind.FLOAT: _PlainRecords.check_float,
    Kind.DECL_TAG: _PlainRecords.check_decl_tag,
    Kind.ENUM64: _PlainRecords.check_enum,
}
_CHECKED_AS_LINKS: Final = frozenset(Kind) - SOURCES - _CHECKS.keys() - {Kind.VOID}
