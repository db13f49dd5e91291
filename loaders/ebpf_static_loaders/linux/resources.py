"""Descriptors and pins of one load, given back together when it fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ebpf_static_loaders.linux.syscall import System


class Fd:
    """A descriptor somebody owns; closing twice does nothing."""

    __slots__ = ("_fd", "before_close", "system")

    def __init__(self, system: System, fd: int) -> None:
        self.system = system
        self.before_close: Callable[[], None] | None = None
        self._fd = fd

    @property
    def number(self) -> int:
        """The descriptor.

        Raises:
            ValueError: it has been closed.
        """
        if self._fd < 0:
            raise ValueError("it has been closed")
        return self._fd

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._fd < 0

    def close(self) -> None:
        """Close it."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        if self.before_close is not None:
            self.before_close()
        self.system.close(fd)

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()


class Undo:
    """What to do, last thing first, unless everything went well."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], None]] = []

    def add(self, step: Callable[[], None]) -> None:
        """Remember how to take back what was just done."""
        self._steps.append(step)

    def own(self, system: System, fd: int) -> Fd:
        """Return a descriptor that is closed when the work fails."""
        owned = Fd(system, fd)
        self._steps.append(owned.close)
        return owned

    def run(self) -> None:
        """Take everything back; a step that fails does not keep the others from running."""
        while self._steps:
            with suppress(OSError):
                self._steps.pop()()

    def forget(self) -> None:
        """Keep everything."""
        self._steps.clear()
