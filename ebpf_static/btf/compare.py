"""What differs between two BTFs, by name: types that came, went or were defined anew."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.btf.c_decl import CPrinter
from ebpf_static.btf.c_names import CNames
from ebpf_static.btf.core.compare import MISSING, TypeChange
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.types import Func, Kind
from ebpf_static.errors import FormatError

_KINDS = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.TYPEDEF, Kind.FUNC)


def iter_all_changes(before: Btf, after: Btf) -> Iterator[TypeChange]:
    """Yield every named struct, union, enum, typedef and function that is not the same in both.

    Of several types with one name the first counts.

    Raises:
        FormatError: a name of either is out of bounds.
    """
    old, new = _index(before), _index(after)
    one, other = _Texts(before), _Texts(after)
    for key in sorted(old | new):
        was, is_now = one.of(old.get(key)), other.of(new.get(key))
        if was != is_now:
            yield TypeChange(" ".join(key), was, is_now)


def _index(btf: Btf) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for kind in _KINDS:
        keyword = "enum" if kind is Kind.ENUM64 else kind.name.lower()
        for type_id in btf.iter_ids(kind):
            name = btf.name(type_id)
            if name:
                found.setdefault((keyword, name), type_id)
    return found


class _Texts:
    """Definitions of one BTF's types as C."""

    def __init__(self, btf: Btf) -> None:
        self._btf = btf
        self._printer = CPrinter(btf, CNames(btf))

    def of(self, type_id: int | None) -> str:
        """Return a type's definition, or what is wrong with it."""
        if type_id is None:
            return MISSING
        try:
            record = self._btf.type(type_id)
            if isinstance(record, Func):
                return f"{self._printer.declare(record.type_id, record.name)};"
            return self._printer.definition(record)
        except FormatError as error:
            return f"malformed: {error.detail}"
