"""Writing down every call with its arguments, one JSON object a line."""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.syscall import Answer, PerfEvent, System, Value

_TEXTS: Final = ("map_name", "prog_name", "license", "name", "pathname", "uprobe_multi_path")

T = TypeVar("T")


class RecordingSystem:
    """Passes every call on and tells ``write`` about it."""

    def __init__(self, system: System, write: Callable[[str], None]) -> None:
        self._system = system
        self._write = write

    def bpf(self, command: Command, fields: Mapping[str, Value]) -> Answer:
        """Make and write down one ``bpf(2)`` call."""
        arguments = {
            name: _shown(name, value) for name, value in fields.items() if value is not None
        }
        line: dict[str, Any] = {"call": "bpf", "command": f"BPF_{command.name}", **arguments}
        return self._told(line, lambda: self._system.bpf(command, fields))

    def perf_event_open(self, event: PerfEvent, pid: int, cpu: int) -> int:
        """Open and write down a perf event."""
        arguments = {name: _shown("", value) for name, value in event._asdict().items()}
        line = {"call": "perf_event_open", **arguments, "pid": pid, "cpu": cpu}
        return self._told(line, lambda: self._system.perf_event_open(event, pid, cpu))

    def ioctl(self, fd: int, request: int, argument: int | bytes) -> int:
        """Make and write down one ``ioctl(2)`` call."""
        line = {"call": "ioctl", "fd": fd, "request": request, "argument": _shown("", argument)}
        return self._told(line, lambda: self._system.ioctl(fd, request, argument))

    def mmap(self, fd: int, length: int, offset: int, *, writable: bool) -> mmap.mmap:
        """Map and write down that."""
        line = {"call": "mmap", "fd": fd, "length": length, "offset": offset, "writable": writable}
        return self._told(line, lambda: self._system.mmap(fd, length, offset, writable=writable))

    def map_at(self, fd: int, length: int, address: int, contents: bytes) -> int:
        """Map and write down that."""
        line = {
            "call": "mmap", "fd": fd, "length": length, "address": address,
            "contents": contents.hex(),
        }  # fmt: skip
        return self._told(line, lambda: self._system.map_at(fd, length, address, contents))

    def unmap(self, address: int, length: int) -> None:
        """Unmap and write down that."""
        line = {"call": "munmap", "address": address, "length": length}
        self._told(line, lambda: self._system.unmap(address, length))

    def netlink(self, message: bytes) -> bytes:
        """Send and write down a message."""
        line = {"call": "netlink", "message": message.hex()}
        return self._told(line, lambda: self._system.netlink(message))

    def close(self, fd: int) -> None:
        """Close and write down a descriptor."""
        self._told({"call": "close", "fd": fd}, lambda: self._system.close(fd))

    def unlink(self, path: str) -> None:
        """Remove and write down a pin."""
        self._told({"call": "unlink", "path": path}, lambda: self._system.unlink(path))

    def open_path(self, path: str) -> int:
        """Open and write down a path."""
        return self._told({"call": "open", "path": path}, lambda: self._system.open_path(path))

    def _told(self, line: dict[str, Any], call: Callable[[], T]) -> T:
        try:
            result = call()
        except OSError as error:
            self._write(json.dumps({**line, "errno": error.errno}))
            raise
        value = result.value if isinstance(result, Answer) else result
        shown = {"result": value} if isinstance(value, int) else {}
        self._write(json.dumps({**line, **shown}))
        return result


def _shown(name: str, value: Value) -> Any:
    """Return an argument for JSON: text where it is text, else bytes in hexadecimal."""
    if isinstance(value, bytearray):
        return {"buffer": len(value)}
    if isinstance(value, bytes):
        if name in _TEXTS:
            return value.rstrip(b"\0").decode("utf-8", "backslashreplace")
        return value.hex()
    return value
