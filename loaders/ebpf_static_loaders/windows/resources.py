"""Descriptors and pins of one load, given back together when it fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ebpf_static.errors import LoaderError
from ebpf_static_loaders.windows.runtime import Runtime


class Fd:
    """A descriptor of the DLL somebody owns; closing twice does nothing.

    It is no descriptor of the process: only ``ebpf_close_fd`` closes it.
    """

    __slots__ = ("_fd", "runtime")

    def __init__(self, runtime: Runtime, fd: int) -> None:
        self.runtime = runtime
        self._fd = fd

    @property
    def number(self) -> int:
        """The descriptor.

        Raises:
            ValueError: it has been closed.
        """
        if self._fd <= 0:
            raise ValueError("it has been closed")
        return self._fd

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._fd <= 0

    def close(self) -> None:
        """Close it."""
        fd, self._fd = self._fd, 0
        if fd > 0:
            self.runtime.close(fd)

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

    def own(self, runtime: Runtime, fd: int) -> Fd:
        """Return a descriptor that is closed when the work fails."""
        owned = Fd(runtime, fd)
        self._steps.append(owned.close)
        return owned

    def run(self) -> None:
        """Take everything back; a step that fails does not keep the others from running."""
        while self._steps:
            with suppress(LoaderError):
                self._steps.pop()()

    def forget(self) -> None:
        """Keep everything."""
        self._steps.clear()
