"""A kernel of nothing but dictionaries: it accepts everything and remembers what matters.

Descriptors, maps with their elements, programs, links and pins behave as the kernel's do, so that
what runs on it runs on a kernel; programs are neither verified nor run.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ebpf_static_loaders.linux.layouts import LAYOUTS, Command
from ebpf_static_loaders.linux.syscall import Answer, BatchError, PerfEvent, Value

_FIRST_FD: Final = 100  # far from real descriptors, so that mixing them up shows
_ARRAYS: Final = frozenset({2, 4, 6, 8, 12, 23, 32})
_NOEXIST, _EXIST = 1, 2


@dataclass(eq=False, slots=True)
class Thing:
    """Something a descriptor stands for.

    Attributes:
        kind: ``map``, ``program``, ``link``, ``btf``, ``event`` or ``file``.
        id: its number among all things.
        fields: what it was made with.
        elements: of a map.
        frozen: of a map.
    """

    kind: str
    id: int
    fields: Mapping[str, Value]
    elements: dict[bytes, bytes] = field(default_factory=dict)
    frozen: bool = False

    def number(self, name: str) -> int:
        """Return a field as a number, 0 when it was not given."""
        value = self.fields.get(name)
        return value if isinstance(value, int) else 0


class MemorySystem:
    """A pretended kernel.

    Attributes:
        open: what each descriptor stands for.
        pins: what each path names.
    """

    def __init__(self) -> None:
        self.open: dict[int, Thing] = {}
        self.pins: dict[str, Thing] = {}
        self._next_fd = _FIRST_FD
        self._next_id = 1

    def bpf(self, command: Command, fields: Mapping[str, Value]) -> Answer:
        """Do what one ``bpf(2)`` call does."""
        handler = getattr(self, f"_{command.name.lower()}", None)
        changed: dict[str, int] = {}
        if handler is None:
            raise _error(errno.EINVAL)
        value = handler(fields, changed)
        return _answer(command, value, changed)

    def perf_event_open(self, event: PerfEvent, pid: int, cpu: int) -> int:
        """Return a descriptor that stands for an event."""
        return self._add(
            "event", {"type": event.type, "config": event.config, "cpu": cpu, "pid": pid}
        )

    def ioctl(self, fd: int, request: int, argument: int | bytes) -> int:
        """Accept a request to anything open."""
        del request, argument
        self._get(fd, "event")
        return 0

    def mmap(self, fd: int, length: int, offset: int, *, writable: bool) -> mmap.mmap:
        """Return memory of the process's own, all zero."""
        del offset, writable
        self._get(fd)
        return mmap.mmap(-1, length)

    def map_at(self, fd: int, length: int, address: int, contents: bytes) -> int:
        """Return the address asked for, or one that looks like one."""
        del length, contents
        self._get(fd, "map")
        return address or 1 << 32

    def unmap(self, address: int, length: int) -> None:
        """Accept that."""

    def netlink(self, message: bytes) -> bytes:
        """Accept a message."""
        del message
        return b""

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        if self.open.pop(fd, None) is None:
            raise _error(errno.EBADF)

    def unlink(self, path: str) -> None:
        """Remove a pin."""
        if self.pins.pop(path, None) is None:
            raise _error(errno.ENOENT)

    def open_path(self, path: str) -> int:
        """Return a descriptor that stands for a file."""
        return self._add("file", {"pathname": os.fsencode(path)})

    # -- things --------------------------------------------------------------------------------

    def _add(self, kind: str, fields: Mapping[str, Value]) -> int:
        thing = Thing(kind, self._next_id, dict(fields))
        self._next_id += 1
        return self._open(thing)

    def _open(self, thing: Thing) -> int:
        fd = self._next_fd
        self._next_fd += 1
        self.open[fd] = thing
        return fd

    def _get(self, fd: Value, kind: str | None = None) -> Thing:
        thing = self.open.get(fd) if isinstance(fd, int) else None
        if thing is None:
            raise _error(errno.EBADF)
        if kind is not None and thing.kind != kind:
            raise _error(errno.EINVAL)
        return thing

    # -- commands ------------------------------------------------------------------------------

    def _map_create(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        fd = self._add("map", fields)
        thing = self.open[fd]
        if thing.number("map_type") in _ARRAYS - {4, 8, 12}:
            size = thing.number("value_size")
            count = min(thing.number("max_entries"), 1 << 16)
            thing.elements = {struct.pack("=I", i): bytes(size) for i in range(count)}
        return fd

    def _map_lookup_elem(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        thing = self._get(fields["map_fd"], "map")
        found = thing.elements.get(_bytes(fields["key"]))
        if found is None:
            raise _error(errno.ENOENT)
        _write(fields["value"], found)
        return 0

    def _map_lookup_and_delete_elem(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        thing = self._get(fields["map_fd"], "map")
        key = next(iter(thing.elements), None)
        if key is None:
            raise _error(errno.ENOENT)
        _write(fields["value"], thing.elements.pop(key))
        return 0

    def _map_update_elem(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        thing = self._get(fields["map_fd"], "map")
        if thing.frozen:
            raise _error(errno.EPERM)
        key = fields.get("key")
        raw = struct.pack("=Q", self._next_id) if key is None else _bytes(key)
        self._next_id += 1
        flags = fields.get("flags") or 0
        if flags == _NOEXIST and raw in thing.elements:
            raise _error(errno.EEXIST)
        if flags == _EXIST and raw not in thing.elements:
            raise _error(errno.ENOENT)
        if raw not in thing.elements and len(thing.elements) >= thing.number("max_entries"):
            raise _error(errno.E2BIG)
        thing.elements[raw] = _bytes(fields["value"])
        return 0

    def _map_delete_elem(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        thing = self._get(fields["map_fd"], "map")
        if thing.number("map_type") in _ARRAYS:
            raise _error(errno.EINVAL)
        if thing.elements.pop(_bytes(fields["key"]), None) is None:
            raise _error(errno.ENOENT)
        return 0

    def _map_get_next_key(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        thing = self._get(fields["map_fd"], "map")
        keys = list(thing.elements)
        key = fields.get("key")
        at = 0 if key is None else keys.index(_bytes(key)) + 1 if _bytes(key) in keys else 0
        if at >= len(keys):
            raise _error(errno.ENOENT)
        _write(fields["next_key"], keys[at])
        return 0

    def _map_lookup_batch(self, fields: Mapping[str, Value], changed: dict[str, int]) -> int:
        thing = self._get(fields["map_fd"], "map")
        start = fields.get("in_batch")
        at = 0 if start is None else int.from_bytes(_bytes(start)[:4], "little")
        count = fields["count"]
        if not isinstance(count, int):
            raise _error(errno.EINVAL)
        chosen = list(thing.elements.items())[at : at + count]
        _write(fields["keys"], b"".join(key for key, _ in chosen))
        _write(fields["values"], b"".join(value for _, value in chosen))
        _write(fields["out_batch"], struct.pack("<I", at + len(chosen)))
        if at + len(chosen) >= len(thing.elements):
            failed = BatchError(errno.ENOENT, os.strerror(errno.ENOENT))
            failed.count = len(chosen)
            raise failed
        changed["count"] = len(chosen)
        return 0

    def _map_update_batch(self, fields: Mapping[str, Value], changed: dict[str, int]) -> int:
        thing = self._get(fields["map_fd"], "map")
        keys, values = _bytes(fields["keys"]), _bytes(fields["values"])
        count = fields["count"]
        if not isinstance(count, int) or not count:
            return 0
        wide, high = len(keys) // count, len(values) // count
        for index in range(count):
            key = keys[index * wide : (index + 1) * wide]
            thing.elements[key] = values[index * high : (index + 1) * high]
        changed["count"] = count
        return 0

    def _map_freeze(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        self._get(fields["map_fd"], "map").frozen = True
        return 0

    def _prog_load(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        return self._add("program", fields)

    def _btf_load(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        return self._add("btf", fields)

    def _prog_bind_map(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        self._get(fields["prog_fd"], "program")
        self._get(fields["map_fd"], "map")
        return 0

    def _link_create(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        self._get(fields["prog_fd"])
        return self._add("link", fields)

    def _raw_tracepoint_open(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        self._get(fields["prog_fd"], "program")
        return self._add("link", fields)

    def _link_detach(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        self._get(fields["link_fd"], "link")
        return 0

    def _prog_attach(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        self._get(fields["attach_bpf_fd"], "program")
        return 0

    def _prog_detach(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        return self._prog_attach(fields, _)

    def _prog_test_run(self, fields: Mapping[str, Value], changed: dict[str, int]) -> int:
        self._get(fields["prog_fd"], "program")
        data = fields.get("data_in")
        if data is not None:
            _write(fields["data_out"], _bytes(data))
            changed["data_size_out"] = len(_bytes(data))
        return 0

    def _token_create(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        return self._add("token", fields)

    def _obj_pin(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        path = os.fsdecode(_bytes(fields["pathname"]).rstrip(b"\0"))
        if path in self.pins:
            raise _error(errno.EEXIST)
        self.pins[path] = self._get(fields["bpf_fd"])
        return 0

    def _obj_get(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        thing = self.pins.get(os.fsdecode(_bytes(fields["pathname"]).rstrip(b"\0")))
        if thing is None:
            raise _error(errno.ENOENT)
        return self._open(thing)

    def _map_get_fd_by_id(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        for thing in (*self.open.values(), *self.pins.values()):
            if thing.kind == "map" and thing.id == fields["id"]:
                return self._open(thing)
        raise _error(errno.ENOENT)

    def _obj_get_info_by_fd(self, fields: Mapping[str, Value], _: dict[str, int]) -> int:
        thing = self._get(fields["bpf_fd"])
        _write(fields["info"], _INFO.get(thing.kind, _plain_info)(thing))
        return 0


def _map_info(thing: Thing) -> bytes:
    names = ("key_size", "value_size", "max_entries", "map_flags")
    numbers = (thing.number("map_type"), thing.id, *(thing.number(name) for name in names))
    types = (thing.number("btf_key_type_id"), thing.number("btf_value_type_id"))
    return struct.pack(
        "=6I16sIIQQIIIIQ", *numbers, _bytes(thing.fields.get("map_name", b"")), 0, 0, 0, 0,
        0, *types, 0, thing.number("map_extra"),
    )  # fmt: skip


def _program_info(thing: Thing) -> bytes:
    head = struct.pack("=II", thing.number("prog_type"), thing.id).ljust(64, b"\0")
    return head + _bytes(thing.fields.get("prog_name", b"")).ljust(16, b"\0")


def _plain_info(thing: Thing) -> bytes:
    return struct.pack("=II", 0, thing.id)


_INFO: Final[dict[str, Any]] = {"map": _map_info, "program": _program_info}


def _bytes(value: Value) -> bytes:
    return b"" if value is None or isinstance(value, int) else bytes(value)


def _write(value: Value, data: bytes) -> None:
    if isinstance(value, bytearray):
        value[: len(data)] = data[: len(value)]


def _answer(command: Command, value: int, changed: Mapping[str, int]) -> Answer:
    layout = LAYOUTS[command]
    raw = bytearray(layout.size)
    for name, number in changed.items():
        found = layout.fields[name]
        found.packer.pack_into(raw, found.offset, number)
    return Answer(value, command, bytes(raw))


def _error(code: int) -> OSError:
    return OSError(code, os.strerror(code))
