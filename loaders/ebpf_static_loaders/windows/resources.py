"""Descriptors of the DLL."""

from __future__ import annotations

from ebpf_static_loaders.owned import OwnedFd
from ebpf_static_loaders.windows.runtime import Runtime


class Fd(OwnedFd):
    """A descriptor of the DLL somebody owns; closing twice does nothing.

    It is no descriptor of the process: only ``ebpf_close_fd`` closes it, and 0 is none.
    """

    __slots__ = ("runtime",)

    NONE = 0

    def __init__(self, runtime: Runtime, fd: int) -> None:
        super().__init__(fd)
        self.runtime = runtime

    def _close(self, fd: int) -> None:
        self.runtime.close(fd)
