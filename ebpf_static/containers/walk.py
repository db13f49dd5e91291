"""The way through containers in containers to the objects inside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from ebpf_static.containers.budget import Budget, SpentError
from ebpf_static.containers.embedded import has_bpf_section, iter_embedded
from ebpf_static.containers.kinds import HEAD_BYTES, Kind, kind_of
from ebpf_static.containers.members import OPENERS, Opener
from ebpf_static.containers.model import Contained, Unopened
from ebpf_static.containers.tars import tar_members
from ebpf_static.errors import ObjectError, escape
from ebpf_static.limits import MAX_NAME_BYTES, MAX_OBJECT_BYTES
from ebpf_static.packing.parts import Part, Region

Found: TypeAlias = Iterator[Contained | Unopened]

_OPENERS: Final[dict[Kind, Opener]] = {**OPENERS, "tar": tar_members}


class Place(NamedTuple):
    """Where a part is: its path, what names in it begin with, how many containers are around it."""

    path: str
    root: str = ""
    depth: int = 0

    def enter(self, name: str | None, root: str) -> Place:
        """Return the place of a member; one without a name is where its container is."""
        if name is None:
            return Place(self.path, root or self.root, self.depth + 1)
        # A name may be as long as its archive; a path is read by people.
        name = name.removeprefix("./")[:MAX_NAME_BYTES]
        return Place(f"{self.path}!{self.root}{name}", root, self.depth + 1)


def look(part: Part, place: Place, budget: Budget) -> Found:
    """Yield the objects in a part, and what of it could not be looked at.

    Raises:
        SpentError: the bounds of the search are reached.
        FormatError: the stream the part is cut from is damaged.
    """
    kind = kind_of(part.head(HEAD_BYTES))
    if kind in {"object", "maybe-object"}:
        yield from _look_at_object(part, place, budget, certain=kind == "object")
    elif (opener := _OPENERS.get(kind)) is None:
        yield from _search(part, place, budget)
    elif place.depth >= budget.depth:
        yield Unopened(place.path, f"inside {place.depth} containers, more than are opened")
    else:
        yield from _reporting(place, _open(opener, part, place, budget))


def _open(opener: Opener, part: Part, place: Place, budget: Budget) -> Found:
    for member in opener(part, budget):
        budget.charge_member()
        inner = place.enter(member.name, member.root)
        if member.content is None:
            yield Unopened(inner.path, escape(member.reason))
            continue
        found = look(member.content, inner, budget)
        yield from _reporting(inner, found) if member.apart else found


def _reporting(place: Place, found: Found) -> Found:
    """Yield what is found until the container proves damaged, then that."""
    try:
        yield from found
    except SpentError:
        raise
    except ObjectError as error:
        yield Unopened(place.path, escape(error.detail))


def _look_at_object(part: Part, place: Place, budget: Budget, *, certain: bool) -> Found:
    data = part.read(MAX_OBJECT_BYTES + 1)
    budget.charge(len(data))
    if len(data) > MAX_OBJECT_BYTES:
        yield Unopened(place.path, f"larger than {MAX_OBJECT_BYTES >> 20} MiB")
    elif certain or has_bpf_section(data):
        yield Contained(place.path, data)
    else:
        yield from _search(Region(data), place, budget)


def _search(part: Part, place: Place, budget: Budget) -> Found:
    pieces = budget.charged(part.chunks())
    for offset, data in iter_embedded(pieces, budget.charge):
        budget.charge_member()
        yield Contained(f"{place.path}!obj@{offset:#x}", data)
