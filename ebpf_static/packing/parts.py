"""Bytes in memory, in a file or in a stream, and cursors that cut them into parts.

A :class:`Region` can be looked at anywhere and again; a :class:`Stream`, what a decompressor gives,
once and forwards. Archives are read through either by the same cursor methods, so that an
archive on disk costs no copy and one inside a compressed file no memory of its size.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Protocol, TypeAlias

from ebpf_static.errors import FormatError

CHUNK_BYTES: Final = 1 << 20
"""Bytes read from a region, or asked of a decompressor, at once."""

IN_MEMORY_BYTES: Final = 64 << 20
"""Largest part of a stream that is held whole: the size of the largest object read."""


class Sliceable(Protocol):
    """Bytes in memory or in a file: what can be sliced and has a length."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice, /) -> bytes: ...


class FileBytes:
    """A file as something to slice, read piece by piece.

    It is not mapped: a file that is cut while it is read gives fewer bytes, not a signal.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, key: slice, /) -> bytes:
        start, stop, _ = key.indices(self._size)
        self._file.seek(start)
        return self._file.read(max(stop - start, 0))


class Region:
    """A range of something to slice, and a cursor in it."""

    def __init__(self, data: Sliceable, start: int = 0, stop: int | None = None) -> None:
        self._data = data
        self._start = start
        self._stop = len(data) if stop is None else stop
        self.position = 0

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, key: slice, /) -> bytes:
        start, stop, _ = key.indices(len(self))
        return self._data[self._start + start : self._start + stop]

    def head(self, count: int) -> bytes:
        """Return the next ``count`` bytes, fewer at the end, and stay before them."""
        return self[self.position : self.position + count]

    def chunks(self) -> Iterator[bytes]:
        """Yield what follows the cursor, in pieces, without moving it."""
        for at in range(self.position, len(self), CHUNK_BYTES):
            yield self[at : at + CHUNK_BYTES]

    def read(self, count: int) -> bytes:
        """Return the next ``count`` bytes, fewer at the end."""
        found = self[self.position : self.position + count]
        self.position += len(found)
        return found

    def skip(self, count: int) -> None:
        """Move on.

        Raises:
            FormatError: there are not as many bytes.
        """
        if count > len(self) - self.position:
            raise _cut_off(len(self))
        self.position += count

    def take(self, count: int) -> Region:
        """Return the next ``count`` bytes as a region of their own.

        Raises:
            FormatError: there are not as many bytes.
        """
        at = self.position
        self.skip(count)
        return Region(self._data, self._start + at, self._start + at + count)


class Stream:
    """Pieces of bytes read once, forwards.

    Attributes:
        again: returns the same bytes as a new stream, where there is a way.
    """

    def __init__(self, pieces: Iterator[bytes], again: Callable[[], Stream] | None = None) -> None:
        self.again = again
        self._pieces = pieces
        self._piece = b""
        self._at = 0
        self._before = 0
        self._taken: Stream | None = None

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._before + self._at

    def head(self, count: int) -> bytes:
        """Return the next ``count`` bytes, fewer at the end, and stay before them."""
        self._fill(count)
        return self._piece[self._at : self._at + count]

    def chunks(self) -> Iterator[bytes]:
        """Yield everything that is left, in pieces."""
        self._finish_taken()
        while self._at < len(self._piece) or self._next():
            piece = self._piece[self._at :] if self._at else self._piece
            self._at = len(self._piece)
            yield piece

    def read(self, count: int) -> bytes:
        """Return the next ``count`` bytes, fewer at the end."""
        self._fill(count)
        found = self._piece[self._at : self._at + count]
        self._at += len(found)
        return found

    def skip(self, count: int) -> None:
        """Move on.

        Raises:
            FormatError: there are not as many bytes.
        """
        self._finish_taken()
        while count > (have := len(self._piece) - self._at):
            count -= have
            if not self._next():
                raise _cut_off(self.position)
        self._at += count

    def take(self, count: int) -> Region | Stream:
        """Return the next ``count`` bytes: whole when they fit memory, else to be read at once.

        What is left unread of a part is skipped with the next call of this stream.

        Raises:
            FormatError: there are not as many bytes; a part that does not fit memory raises it
                when it is read.
        """
        if count <= IN_MEMORY_BYTES:
            found = self.read(count)
            if len(found) < count:
                raise _cut_off(self.position)
            return Region(found)
        self._finish_taken()
        self._taken = Stream(self._iter_part(count))
        return self._taken

    def _iter_part(self, left: int) -> Iterator[bytes]:
        while left:
            if self._at == len(self._piece) and not self._next():
                raise _cut_off(self.position)
            piece = self._piece[self._at : self._at + left]
            self._at += len(piece)
            left -= len(piece)
            yield piece

    def _finish_taken(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None:
            for _ in taken.chunks():
                pass

    def _fill(self, count: int) -> None:
        """Have the next ``count`` bytes in one piece, as far as there are as many."""
        self._finish_taken()
        if len(self._piece) - self._at >= count:
            return
        parts = [self._piece[self._at :]]
        self._before += self._at
        self._at, have = 0, len(parts[0])
        while have < count and (piece := next(self._pieces, b"")):
            parts.append(piece)
            have += len(piece)
        self._piece = b"".join(parts)

    def _next(self) -> bool:
        self._before += len(self._piece)
        self._piece = next(self._pieces, b"")
        self._at = 0
        return bool(self._piece)


Part: TypeAlias = Region | Stream


def read_exactly(part: Part, count: int) -> bytes:
    """Return the next ``count`` bytes.

    Raises:
        FormatError: there are not as many.
    """
    found = part.read(count)
    if len(found) < count:
        raise _cut_off(part.position)
    return found


def _cut_off(position: int) -> FormatError:
    return FormatError(f"cut off after {position} bytes")
