"""The records: one platform feature an object needs, where, and who could do without."""

from __future__ import annotations

from enum import StrEnum

from ebpf_static.findings import Finding, Location
from ebpf_static.specs.base import FrozenModel
from ebpf_static.target import Platform


class Need(StrEnum):
    """What sort of thing is needed."""

    MAP_TYPE = "map type"
    MAP_FLAG = "map flag"
    PROGRAM_TYPE = "program type"
    ATTACH_TYPE = "attach type"
    ATTACH_TARGET = "attach target"
    FEATURE = "feature"
    HELPER = "helper"
    KFUNC = "kernel function"
    KSYM = "kernel symbol"
    KCONFIG = "configuration"
    KERNEL_TYPE = "kernel type"
    INSTRUCTION = "instruction"
    LICENSE = "licence"


class Guard(StrEnum):
    """Whether the object can do without."""

    NONE = "none"
    """Some program needs it in any case."""
    GUARDED = "guarded"
    """It is used only where a question put to the kernel is answered with yes: a CO-RE check, a
    weak symbol, a configuration value, the kernel's version."""
    FALLBACK = "fallback"
    """It is used only where such a question is answered with no."""
    OPTIONAL = "optional"
    """Only programs need it that a loader passes over unless told otherwise, or a weak symbol."""


class Requirement(FrozenModel):
    """One feature an object needs.

    Attributes:
        kind: what sort of thing.
        name: its name, as the platform spells it without prefix.
        since: first release that has it; None where no table says (kernel types are in BTF).
        conditions: what it further depends on, in words.
        guard: whether the object can do without.
        replaced_by: what a loader calls in its place where the platform lacks it, or None.
        programs: entry programs that need it; empty when all do.
        locations: where, with source lines as far as the object has them; at most five.
        count: how many places there are altogether.
        source: where the fact is from.
    """

    kind: Need
    name: str
    since: str | None = None
    conditions: tuple[str, ...] = ()
    guard: Guard = Guard.NONE
    replaced_by: str | None = None
    programs: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    count: int = 1
    source: str | None = None


class Lowest(FrozenModel):
    """The oldest line of releases from which on an object is not rejected.

    Attributes:
        line: ``6.1``; None when the newest line rejects it.
        below: the line before, which rejects it, or the newest one; None when none does.
        reason: what decides it there.
    """

    line: str | None = None
    below: str | None = None
    reason: Finding | None = None

    def __str__(self) -> str:
        """Return the line in words: ``5.8``, ``3.18 or older``, ``none``."""
        if self.line is None:
            return "none"
        return self.line if self.below is not None else f"{self.line} or older"


class Requirements(FrozenModel):
    """Everything an object needs.

    Attributes:
        object: what the object is called.
        platform: the platform whose features these are.
        loader: the library the object is loaded with, which replaces what it can.
        items: the requirements, by kind and name.
        lowest: since when it is not rejected, and why; None when nobody asked.
    """

    object: str
    platform: Platform
    loader: str = "libbpf"
    items: tuple[Requirement, ...] = ()
    lowest: Lowest | None = None
