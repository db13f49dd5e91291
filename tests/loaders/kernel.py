"""Calls counted and made to fail; descriptors counted."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.syscall import Answer, PerfEvent, System, Value

T = TypeVar("T")


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class FaultySystem:
    """Passes calls on, except that the one numbered ``fail_at`` fails; closing never does."""

    def __init__(self, system: System, fail_at: int = -1, code: int = 1) -> None:
        self._system = system
        self._fail_at = fail_at
        self._code = code
        self.calls: list[str] = []

    def bpf(self, command: Command, fields: Mapping[str, Value]) -> Answer:
        return self._count(command.name, lambda: self._system.bpf(command, fields))

    def perf_event_open(self, event: PerfEvent, pid: int, cpu: int) -> int:
        return self._count("perf", lambda: self._system.perf_event_open(event, pid, cpu))

    def ioctl(self, fd: int, request: int, argument: int | bytes) -> int:
        return self._count("ioctl", lambda: self._system.ioctl(fd, request, argument))

    def mmap(self, fd: int, length: int, offset: int, *, writable: bool) -> mmap.mmap:
        return self._count("mmap", lambda: self._system.mmap(fd, length, offset, writable=writable))

    def map_at(self, fd: int, length: int, address: int, contents: bytes) -> int:
        return self._count("map", lambda: self._system.map_at(fd, length, address, contents))

    def unmap(self, address: int, length: int) -> None:
        self._system.unmap(address, length)

    def netlink(self, message: bytes) -> bytes:
        return self._count("netlink", lambda: self._system.netlink(message))

    def open_path(self, path: str) -> int:
        return self._count("open", lambda: self._system.open_path(path))

    def close(self, fd: int) -> None:
        self._system.close(fd)

    def unlink(self, path: str) -> None:
        self._system.unlink(path)

    def _count(self, name: str, call: Callable[[], T]) -> T:
        self.calls.append(name)
        if len(self.calls) - 1 == self._fail_at:
            raise OSError(self._code, os.strerror(self._code))
        return call()
