"""The report: what an object uses, what that is on the other platform, what is in the way."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer

from ebpf_static.errors import escape
from ebpf_static.findings import Location
from ebpf_static.specs.base import FrozenModel, Text
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType


def _write_words(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return escape(text)
    return text


def _write_place(place: Location) -> dict[str, Any]:
    fields = place.model_dump()
    return {name: _write_words(it) if isinstance(it, str) else it for name, it in fields.items()}


Place = Annotated[Location, PlainSerializer(_write_place, when_used="json")]
"""A location; JSON cannot carry names that are no UTF-8 and has them spelled out."""

Words = Annotated[str, PlainSerializer(_write_words, when_used="json")]
"""A sentence with names of the object in it; in JSON as in :data:`Place`."""


def tick(name: str) -> str:
    """Return a name as messages quote it; backticks of its own would end the quotation."""
    return "`" + name.replace("`", "'") + "`"


class Blocker(FrozenModel):
    """Something the other platform cannot do: the source has to change in more than numbers.

    Attributes:
        what: one clause without a period.
        locations: where, with source lines as far as the object has them; at most five.
        count: how many places there are altogether.
    """

    what: Words
    locations: tuple[Place, ...] = ()
    count: int = 1


class MapPort(FrozenModel):
    """One map.

    Attributes:
        name: its name.
        type: its type here.
        twin: the type of the same meaning there, None when there is none.
        differences: what is not the same although the type is, one clause each.
        blockers: what is in the way.
    """

    name: Text
    type: MapType
    twin: MapType | None = None
    differences: tuple[Words, ...] = ()
    blockers: tuple[Blocker, ...] = ()

    @property
    def renumbered(self) -> bool:
        """Whether the same type has another number there."""
        return self.twin is not None and self.twin.number != self.type.number


class HelperPort(FrozenModel):
    """One helper.

    Attributes:
        helper: the helper here.
        twins: the helpers of the same meaning there; several for ``trace_printk`` and alike.
        calls: the first places that call it, at most five.
        count: how many places call it.
        differences: what is not the same.
        blockers: what is in the way.
    """

    helper: HelperId
    twins: tuple[HelperId, ...] = ()
    calls: tuple[Place, ...] = ()
    count: int = 0
    differences: tuple[Words, ...] = ()
    blockers: tuple[Blocker, ...] = ()

    @property
    def renumbered(self) -> bool:
        """Whether no twin has the same number."""
        return bool(self.twins) and all(it.number != self.helper.number for it in self.twins)


class FieldPort(FrozenModel):
    """One field of the context a program accesses; offsets and sizes in bytes.

    Attributes:
        offset: where the access starts here.
        size: how many bytes it touches.
        writes: it is a store.
        field: the field here, None for bytes that belong to none.
        twin: the field there, None when there is none.
        twin_offset: where the same bytes start there.
        twin_size: size of the whole field there.
        location: the first such access.
    """

    offset: int
    size: int
    writes: bool
    field: str | None = None
    twin: str | None = None
    twin_offset: int | None = None
    twin_size: int | None = None
    location: Place


class VerdictPort(FrozenModel):
    """One constant a program returns.

    Attributes:
        value: the number here.
        name: what it means here, None for a number without meaning.
        twin: what means the same there.
        twin_value: its number there.
        location: the first place that returns it.
    """

    value: int
    name: str | None = None
    twin: str | None = None
    twin_value: int | None = None
    location: Place


class ProgramPort(FrozenModel):
    """One program.

    Attributes:
        name: its name.
        section: its section here.
        type: its type here.
        attach_type: its attach type here, None for none.
        twin_section: the section there.
        twin_type: the type of the same meaning there, None when there is none.
        twin_attach_type: the attach type of the same meaning there.
        context: name of the context structure here.
        twin_context: name of the context structure there.
        fields: the fields it accesses, in order.
        verdicts: the constants it returns, in order.
        differences: what is not the same.
        blockers: what is in the way.
    """

    name: Text
    section: Text
    type: ProgramType
    attach_type: AttachType | None = None
    twin_section: str | None = None
    twin_type: ProgramType | None = None
    twin_attach_type: AttachType | None = None
    context: str | None = None
    twin_context: str | None = None
    fields: tuple[FieldPort, ...] = ()
    verdicts: tuple[VerdictPort, ...] = ()
    differences: tuple[Words, ...] = ()
    blockers: tuple[Blocker, ...] = ()


class PortReport(FrozenModel):
    """What would have to change for an object to work on the other platform.

    Attributes:
        object: name of the object.
        source: platform whose numbers the object has.
        to: platform asked about.
        established: the object shows that ``source`` is its platform; otherwise it is assumed.
        maps: every map, in the object's order.
        programs: every program, in the object's order.
        helpers: every helper that is called, in order of number.
        differences: what concerns the whole object.
        blockers: what concerns the whole object.
    """

    object: Text
    source: Platform
    to: Platform
    established: bool
    maps: tuple[MapPort, ...] = ()
    programs: tuple[ProgramPort, ...] = ()
    helpers: tuple[HelperPort, ...] = ()
    differences: tuple[Words, ...] = ()
    blockers: tuple[Blocker, ...] = ()

    @property
    def all_blockers(self) -> tuple[Blocker, ...]:
        """Every blocker: of the object, its programs, maps and helpers."""
        parts: list[ProgramPort | MapPort | HelperPort] = [
            *self.programs,
            *self.maps,
            *self.helpers,
        ]
        return (*self.blockers, *(blocker for part in parts for blocker in part.blockers))

    @property
    def blocked(self) -> bool:
        """Whether recompiling with the other platform's headers cannot be enough."""
        return bool(self.all_blockers)
