"""Descriptors of this process."""

from __future__ import annotations

from collections.abc import Callable

from ebpf_static_loaders.linux.syscall import System
from ebpf_static_loaders.owned import OwnedFd


class Fd(OwnedFd):
    """A descriptor somebody owns; closing twice does nothing."""

    __slots__ = ("before_close", "system")

    def __init__(self, system: System, fd: int) -> None:
        super().__init__(fd)
        self.system = system
        self.before_close: Callable[[], None] | None = None

    def _close(self, fd: int) -> None:
        if self.before_close is not None:
            self.before_close()
        self.system.close(fd)
