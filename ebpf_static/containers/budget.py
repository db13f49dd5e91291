"""The account of one search: what it has cost, and the end of it."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.containers.model import Bounds
from ebpf_static.errors import LimitError

_MEMBER_COST = 2048
"""What a member costs beside its bytes, in bytes searched: members may be empty, but take time."""


class SpentError(LimitError):
    """The search has cost what its bounds allow: it ends, not only the part it was at."""


class Budget:
    """Counts what a search unpacks, searches and visits."""

    def __init__(self, bounds: Bounds, source_bytes: int) -> None:
        self.depth = bounds.depth
        self._bytes = self._bytes_left = bounds.bytes_for(source_bytes)
        self._members = self._members_left = bounds.members

    def charge(self, count: int) -> None:
        """Account for bytes unpacked or searched.

        Raises:
            SpentError: there were too many.
        """
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise SpentError(f"costs more than searching {self._bytes} bytes; the rest is left")

    def charge_member(self) -> None:
        """Account for a member of an archive, or an object.

        Raises:
            SpentError: there were too many.
        """
        self.charge(_MEMBER_COST)
        self._members_left -= 1
        if self._members_left < 0:
            raise SpentError(f"more than {self._members} members; the rest is left")

    def charged(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield pieces and account for them."""
        for piece in pieces:
            self.charge(len(piece))
            yield piece
