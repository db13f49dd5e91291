"""What Linux programs may read and write of their context, by program type and release.

``data/context_access.json`` is made by ``scripts/make_context_tables.py`` from what the kernel's
``*_is_valid_access`` functions say. Programs verified against a kernel function's arguments
(tracing, LSM, struct_ops) are the business of :mod:`ebpf_static.kernel.arguments`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from ebpf_static.package_data import read_data
from ebpf_static.target import Version
from ebpf_static.uapi.constants import ProgramType

JUDGED_SINCE: Final = Version(5, 4)
"""First release the table speaks of: what older ones refuse besides was not read."""


class ContextRow(NamedTuple):
    """Bytes of a context that may be accessed, and how.

    Attributes:
        name: the field.
        offset: where it starts, in bytes.
        size: its bytes.
        read: sizes of a valid load; it must be aligned to its size and lie inside.
        write: sizes of a valid store.
        since: first release with the field; None: older than what the table speaks of.
        until: first release without it.
        whole: only accesses at its first byte.
        attach: attach types (without ``BPF_``) that may access it; empty for all.
        write_attach: of those, the ones that may write it; empty for all.
        write_since: first release in which it may be written.
    """

    name: str
    offset: int
    size: int
    read: tuple[int, ...]
    write: tuple[int, ...]
    since: Version | None = None
    until: Version | None = None
    whole: bool = False
    attach: tuple[str, ...] = ()
    write_attach: tuple[str, ...] = ()
    write_since: Version | None = None

    def holds(self, offset: int) -> bool:
        """Tell whether an access at ``offset`` is one to this field."""
        return self.offset <= offset < self.offset + self.size

    def takes(self, offset: int, size: int, *, writes: bool, unaligned: bool) -> bool:
        """Tell whether offset and size of an access are valid here."""
        if self.whole and offset != self.offset:
            return False
        inside = self.offset <= offset and offset + size <= self.offset + self.size
        aligned = unaligned or offset % size == 0
        return inside and aligned and size in (self.write if writes else self.read)


@dataclass(frozen=True, slots=True)
class ContextRules:
    """What programs of one type may access of their context.

    Attributes:
        struct: what the context is, in words.
        rows: everything that may be accessed.
        machine: processor the offsets hold for, where they depend on it.
        unaligned: accesses need not be aligned to their size.
    """

    struct: str
    rows: tuple[ContextRow, ...]
    machine: str | None = None
    unaligned: bool = False

    def refusal(
        self, offset: int, size: int, *, writes: bool, attach: str | None, version: Version | None
    ) -> str | None:
        """Return why a kernel refuses an access, in words; None when it takes it.

        Args:
            offset: of the first byte accessed.
            size: bytes accessed, 1 to 8.
            writes: a store.
            attach: the attach type the kernel sees, without ``BPF_``; None when that is not known.
            version: the kernel's; None for the newest there is.
        """
        found = [row for row in self.rows if row.holds(offset)]
        why = [_refuse(self, row, offset, size, writes, attach, version) for row in found]
        if not why:
            return "which holds nothing this program type may access"
        return None if None in why else why[-1]


def _refuse(
    rules: ContextRules,
    row: ContextRow,
    offset: int,
    size: int,
    writes: bool,  # noqa: FBT001 - private, and handed through
    attach: str | None,
    version: Version | None,
) -> str | None:
    if row.since is not None and version is not None and version < row.since:
        return f"`{row.name}`, which came with Linux {row.since}"
    if row.until is not None and (version is None or not version < row.until):
        return f"`{row.name}`, which Linux has no longer since {row.until}"
    if not row.takes(offset, size, writes=writes, unaligned=rules.unaligned):
        sizes = row.write if writes else row.read
        if not sizes:
            return f"`{row.name}`, which this program type may only read"
        return f"`{row.name}`, which takes {_sizes(row, sizes)}"
    if writes and row.write_since is not None and version is not None and version < row.write_since:
        return f"`{row.name}`, which may be written since Linux {row.write_since}"
    for allowed in (row.attach, row.write_attach if writes else ()):
        if allowed and attach is not None and attach not in allowed:
            return f"`{row.name}`, which is for attach type {' or '.join(allowed)}"
    return None


def _sizes(row: ContextRow, sizes: tuple[int, ...]) -> str:
    text = " or ".join(str(size) for size in sizes)
    where = " at its first byte" if row.whole else ""
    return f"accesses of {text} bytes{where}"


def find_rules(program_type: ProgramType) -> ContextRules | None:
    """Return what programs of a type may access; None where this table does not say."""
    return _table().types.get(program_type.name)


def modified_pointer_refusal(program_type: ProgramType, version: Version | None) -> bool | None:
    """Tell whether a kernel refuses an access through a context pointer that was added to.

    Types whose accesses the kernel rewrites never may; others may in the newest releases.

    Returns:
        None for releases whose source was not read.
    """
    table = _table()
    if program_type.name in table.rewritten:
        return True
    if version is None or not version < table.shifted_since:
        return False
    return True if version < table.shifted_until else None


def store_immediate_since() -> Version:
    """Return the first release that takes ``BPF_ST`` (a store of a constant) to a context."""
    return _table().store_immediate


class _Table(NamedTuple):
    types: dict[str, ContextRules]
    rewritten: frozenset[str]
    shifted_until: Version
    shifted_since: Version
    store_immediate: Version


@cache
def _table() -> _Table:
    text = read_data("ebpf_static.kernel", "data", "context_access.json")
    given = json.loads(text)
    shifted = given["modified_pointer"]
    return _Table(
        {name: _rules(row) for name, row in given["types"].items()},
        frozenset(shifted["rewritten"]),
        Version.parse(shifted["refused_until"]),
        Version.parse(shifted["allowed_since"]),
        Version.parse(given["store_immediate_since"]["version"]),
    )


def _rules(row: dict[str, Any]) -> ContextRules:
    rows = tuple(_row(field) for field in row["fields"])
    return ContextRules(row["struct"], rows, row.get("machine"), row.get("unaligned", False))


def _row(field: dict[str, Any]) -> ContextRow:
    given = dict(field)
    for key in ("read", "write", "attach", "write_attach"):
        given[key] = tuple(given.get(key, ()))
    for key in ("since", "until", "write_since"):
        given[key] = Version.parse(given[key]) if key in given else None
    return ContextRow(**given)
