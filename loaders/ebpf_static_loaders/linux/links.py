"""Attachments, by the way each was made: what ends them, and whether they can be pinned."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from ebpf_static.errors import LoaderError
from ebpf_static.loading import Link
from ebpf_static_loaders.linux.errors import doing
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.pins import Pinned
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.syscall import System, Value

_INFO_BYTES: Final = 64
_IOC_DISABLE: Final = 0x2401  # PERF_EVENT_IOC_DISABLE
_CHUNK: Final = 1 << 16


class BpfLink(Pinned, Link):
    """A ``bpf_link`` of the kernel; gone when nobody holds it and no pin names it."""

    how = "bpf_link"

    def __init__(self, fd: Fd, what: str, *, also: tuple[Fd, ...] = ()) -> None:
        Pinned.__init__(self, fd, what)
        self._also = also

    def detach(self) -> None:
        """End the attachment now; a kind of link that cannot be forced ends with its last holder.

        Only pins this handle made are removed; another process may still hold such a link.
        """
        with doing(f"detach {self._what}"):
            try:
                self.system.bpf(Command.LINK_DETACH, {"link_fd": self.fd})
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise
                self.unpin()
        self.close()

    def close(self) -> None:
        """Close the descriptor, and those the attachment needs beside it."""
        super().close()
        for fd in self._also:
            fd.close()

    def info(self) -> Mapping[str, Any]:
        """Return what the kernel says of it (``struct bpf_link_info``)."""
        info = bytearray(_INFO_BYTES)
        with doing(f"ask about {self._what}"):
            self.system.bpf(
                Command.OBJ_GET_INFO_BY_FD,
                {"bpf_fd": self.fd, "info_len": len(info), "info": info},
            )
        kind, identity, program = struct.unpack_from("=III", info)
        return {"how": self.how, "link_type": kind, "id": identity, "program_id": program}

    def read(self) -> bytes:
        """Return what an iterator program writes, from its first element to its last.

        Raises:
            LoaderError: the link is no iterator's, or the program failed.
        """
        with doing(f"read {self._what}"):
            fd = self.system.bpf(Command.ITER_CREATE, {"link_fd": self.fd}).value
            try:
                return b"".join(_iter_chunks(fd))
            finally:
                self.system.close(fd)


def _iter_chunks(fd: int) -> Iterator[bytes]:
    while chunk := os.read(fd, _CHUNK):
        yield chunk


class OldLink(Link):
    """An attachment without a ``bpf_link``: ended by a call, and never pinned."""

    def __init__(self, what: str, how: str, end: Callable[[], None]) -> None:
        self.how = how
        self._what = what
        self._end: Callable[[], None] | None = end

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._end is None

    def detach(self) -> None:
        """End the attachment.

        Raises:
            LoadRejectedError: the kernel refuses.
        """
        end, self._end = self._end, None
        if end is not None:
            with doing(f"detach {self._what}"):
                end()

    def close(self) -> None:
        """End the attachment; that it has gone already is no error."""
        with suppress(LoaderError):
            self.detach()

    def pin(self, path: str) -> None:
        """Refuse: only a ``bpf_link`` can be pinned."""
        raise LoaderError(f"{self._what} was attached the old way ({self.how}): no pin at {path}")

    def unpin(self) -> None:
        """Do nothing: there is no pin."""

    def info(self) -> Mapping[str, Any]:
        """Return how it was made."""
        return {"how": self.how}


def end_perf_events(system: System, fds: list[int]) -> Callable[[], None]:
    """Return what stops perf events and closes them."""

    def end() -> None:
        while fds:
            fd = fds.pop()
            with suppress(OSError):
                system.ioctl(fd, _IOC_DISABLE, 0)
            system.close(fd)

    return end


def end_prog_attach(
    system: System, fields: Mapping[str, Value], owned: list[Fd]
) -> Callable[[], None]:
    """Return what undoes ``BPF_PROG_ATTACH`` with the same target."""

    def end() -> None:
        try:
            system.bpf(
                Command.PROG_DETACH, {k: v for k, v in fields.items() if k != "attach_flags"}
            )
        finally:
            while owned:
                owned.pop().close()

    return end
