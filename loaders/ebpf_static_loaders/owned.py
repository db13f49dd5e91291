"""What a load owns, given back together when it fails; the same for every runtime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, Generic, TypeVar

from ebpf_static.errors import LoaderError
from ebpf_static.loading import Handle


class OwnedFd(ABC):
    """A descriptor somebody owns; closing twice does nothing."""

    __slots__ = ("_fd",)

    NONE: ClassVar[int] = -1
    """What is no descriptor, like all below it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @property
    def number(self) -> int:
        """The descriptor.

        Raises:
            ValueError: it has been closed.
        """
        if self.closed:
            raise ValueError("it has been closed")
        return self._fd

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._fd <= self.NONE

    def close(self) -> None:
        """Close it."""
        fd, self._fd = self._fd, self.NONE
        if fd > self.NONE:
            self._close(fd)

    @abstractmethod
    def _close(self, fd: int) -> None:
        """Give ``fd`` back to whoever made it."""

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()


OwnedT = TypeVar("OwnedT", bound=OwnedFd)


class Undo:
    """What to do, last thing first, unless everything went well."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], None]] = []

    def add(self, step: Callable[[], None]) -> None:
        """Remember how to take back what was just done."""
        self._steps.append(step)

    def own(self, owned: OwnedT) -> OwnedT:
        """Return a descriptor that is closed when the work fails."""
        self._steps.append(owned.close)
        return owned

    def run(self) -> None:
        """Take everything back; a step that fails does not keep the others from running."""
        while self._steps:
            with suppress(OSError, LoaderError):
                self._steps.pop()()

    def forget(self) -> None:
        """Keep everything."""
        self._steps.clear()


class FdHandle(Handle, Generic[OwnedT]):
    """A handle that is one descriptor.

    Args:
        fd: the descriptor, owned from now on.
        what: what it is, in words: ``map "events"``.
    """

    def __init__(self, fd: OwnedT, what: str) -> None:
        self._fd = fd
        self._what = what

    @property
    def fd(self) -> int:
        """The descriptor, which means something to this process only.

        Raises:
            LoaderError: it has been closed.
        """
        if self._fd.closed:
            raise LoaderError(f"{self._what} has been closed", result="EBADF")
        return self._fd.number

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._fd.closed

    def close(self) -> None:
        """Close the descriptor; what is pinned stays."""
        self._fd.close()
