"""What a comparison of two objects says."""

from __future__ import annotations

from enum import StrEnum

from ebpf_static.specs.base import FrozenModel


class Change(StrEnum):
    """How something differs from the left to the right."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Difference(FrozenModel):
    """One thing that is not the same on both sides.

    Attributes:
        change: how it differs.
        subject: what sort of thing: ``object``, ``map``, ``program``, ``function``, ``extern``, or
            what an object needs: ``needed helper``, ``needed map type`` …
        name: its name; empty for the object itself.
        field: what about it (``max_entries``, ``helpers`` …); empty when it is there or not.
        left: its value on the left, in words; empty when it is not there.
        right: its value on the right, likewise.
    """

    change: Change
    subject: str
    name: str = ""
    field: str = ""
    left: str = ""
    right: str = ""


class Origin(StrEnum):
    """Whether a native image was built from an object."""

    SAME = "same"
    """The image holds the hash of exactly these bytes."""
    CONSISTENT = "consistent"
    """Nothing contradicts it, and nothing proves it."""
    DIFFERENT = "different"
    """Something contradicts it."""


class DiffReport(FrozenModel):
    """The outcome of a comparison.

    Attributes:
        left: name of the left object.
        right: name of the right object.
        differences: what differs, maps first, then programs, in the left object's order.
        origin: for an object and a native image, whether one was made from the other.
        regressions: why the right object loads on fewer releases than the left, one line each.
        notes: what was left out of the comparison, or what else should be known.
    """

    left: str
    right: str
    differences: tuple[Difference, ...] = ()
    origin: Origin | None = None
    regressions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
