"""Context structures and verdicts: what a program is given, and what its result means.

``data/contexts.json`` has the structures of every Windows program type and of the Linux types with
a Windows twin, made by ``scripts/make_windows_rule_tables.py`` from both platforms' headers.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from ebpf_static.package_data import read_data
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import ProgramType


class ContextField(NamedTuple):
    """One field of a context structure; offset and size in bytes.

    Attributes:
        name: its C name.
        offset: where it starts.
        size: how long it is.
        pointer: a Windows pointer slot: read whole or not at all, and never written.
        twin: on Linux, the Windows field of the same meaning.
    """

    name: str
    offset: int
    size: int
    pointer: bool = False
    twin: str | None = None

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.size

    def holds(self, offset: int, size: int) -> bool:
        """Tell whether bytes lie in this field altogether."""
        return self.offset <= offset and offset + size <= self.end

    def overlaps(self, offset: int, size: int) -> bool:
        """Tell whether bytes touch this field."""
        return self.offset < offset + size and offset < self.end


class Verdict(NamedTuple):
    """A result with a name.

    Attributes:
        name: its C name.
        value: the number returned.
        since: first efW release with it, where that is not the first of all.
        twin: on Linux, the Windows verdict of the same meaning.
    """

    name: str
    value: int
    since: str | None = None
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What programs of one type are given.

    Attributes:
        program_type: the type.
        struct: name of the structure in C.
        size: bytes; an access outside is refused.
        fields: in the order of their offsets; members of a union share theirs.
        verdicts: the results that mean something, empty when any does.
    """

    program_type: ProgramType
    struct: str
    size: int
    fields: tuple[ContextField, ...]
    verdicts: tuple[Verdict, ...]

    def find_field(self, offset: int, size: int) -> ContextField | None:
        """Return the smallest field that holds these bytes altogether."""
        found = [it for it in self.fields if it.holds(offset, size)]
        return min(found, key=lambda it: it.size) if found else None

    def find_pointer(self, offset: int, size: int) -> ContextField | None:
        """Return the pointer slot these bytes touch."""
        return next((it for it in self.fields if it.pointer and it.overlaps(offset, size)), None)

    def find_verdict(self, value: int) -> Verdict | None:
        """Return what a result means."""
        return next((it for it in self.verdicts if it.value == value), None)

    def find_named(self, name: str | None) -> ContextField | None:
        """Return the field called ``name``."""
        return next((it for it in self.fields if it.name == name), None)


@cache
def _contexts() -> dict[ProgramType, Context]:
    text = read_data("ebpf_static.analysis", "data", "contexts.json")
    found = (_context(row) for row in json.loads(text)["rows"])
    return {context.program_type: context for context in found}


def _context(row: dict[str, Any]) -> Context:
    return Context(
        ProgramType.named(Platform(row["platform"]), row["program_type"]),
        row["struct"],
        row["size"],
        tuple(ContextField(**field) for field in row["fields"]),
        tuple(Verdict(**verdict) for verdict in row["verdicts"]),
    )


def find_context(program_type: ProgramType) -> Context | None:
    """Return what programs of a type are given; None where no table says."""
    return _contexts().get(program_type)
