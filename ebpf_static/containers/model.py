"""What a search of containers gives, and what bounds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple


class Contained(NamedTuple):
    """An object found.

    Attributes:
        path: display name of the container, joined by ``!`` with the way to the object; the plain
            name for a plain object. Names in it are the archive's: escape them before printing.
        data: the object's bytes.
    """

    path: str
    data: bytes


class Unopened(NamedTuple):
    """A part that could not be looked at, or only partly.

    Attributes:
        path: as for :class:`Contained`.
        reason: one printable line.
    """

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a search may cost; hostile containers ask for more.

    Attributes:
        total_bytes: bytes unpacked and searched, over all parts.
        ratio: the same as a multiple of the source's size, above ``free_bytes``.
        free_bytes: what every source may cost, however small it is.
        members: members of archives, over all of them, and objects.
        depth: containers in containers.
    """

    total_bytes: int = 64 << 30
    ratio: int = 200
    free_bytes: int = 512 << 20
    members: int = 2_000_000
    depth: int = 12

    def bytes_for(self, source_bytes: int) -> int:
        """Return how many bytes may be unpacked and searched in a source of this size."""
        return min(self.total_bytes, max(self.free_bytes, self.ratio * source_bytes))


DEFAULT: Final = Bounds()
