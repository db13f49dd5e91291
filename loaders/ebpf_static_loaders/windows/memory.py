"""The memory of a pretended efW: maps, programs and links as dictionaries, and what ``bpf()`` does.

Nothing is verified and programs do nothing when run; what would be refused for a missing element,
a taken path or a closed descriptor is refused.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType, ProgramType
from ebpf_static_loaders.windows.bpf_syscall import Value
from ebpf_static_loaders.windows.handles import MAP_IN_MAP
from ebpf_static_loaders.windows.results import from_errno
from ebpf_static_loaders.windows.runtime import ObjectType

CPUS: Final = 4
"""How many processors the pretended host has."""

_EINVAL, _EBADF, _ENOENT, _EEXIST = 22, 9, 2, 17
_ARRAYS: Final = frozenset({"ARRAY", "PERCPU_ARRAY"})
_MOST_ZEROES: Final = 1 << 16  # elements of an array that are there from the start
_NO_GUID: Final = str(uuid.UUID(int=0))


@dataclass
class MemoryObject:
    """A map, program or link; ``facts`` are what efW would say of it, ``elements`` a map's."""

    kind: ObjectType
    facts: dict[str, Any]
    elements: dict[bytes, bytes] = field(default_factory=dict)


class Memory:
    """Everything a pretended efW holds.

    Attributes:
        open: every descriptor that has not been closed.
        pins: objects by the path they are pinned at.
    """

    def __init__(self) -> None:
        self.open: dict[int, MemoryObject] = {}
        self.pins: dict[str, MemoryObject] = {}
        self._ids = 0
        self._fds = 0

    def add(self, found: MemoryObject) -> int:
        """Return a new descriptor of an object."""
        self._fds += 1
        self.open[self._fds] = found
        return self._fds

    def new(self, kind: ObjectType, facts: dict[str, Any]) -> MemoryObject:
        """Return a new object with the next id."""
        self._ids += 1
        return MemoryObject(kind, {"id": self._ids, **facts})

    def get(self, fd: int, kind: ObjectType | None = None) -> MemoryObject:
        """Return the object of a descriptor.

        Raises:
            CallError: it is closed, or stands for something else.
        """
        found = self.open.get(fd)
        if found is None or (kind is not None and found.kind is not kind):
            raise from_errno(-_EBADF)
        return found

    def bpf(self, name: str, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        """Do what a command of ``bpf()`` does; return its result and the fields it writes.

        Raises:
            CallError: it is refused.
        """
        action = getattr(self, "_" + name.lower(), None)
        if action is None:
            raise from_errno(-_EINVAL)
        result: tuple[int, dict[str, Value]] = action(fields)
        return result

    def _map_get_next_id(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        ids = [it.facts["id"] for it in self.open.values() if it.kind is ObjectType.MAP]
        later = [number for number in ids if number > fields["start_id"]]
        if not later:
            raise from_errno(-_ENOENT)
        return 0, {"next_id": min(later)}

    def _map_create(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        return self.make_map(
            fields["map_type"], bytes(fields["map_name"]), fields["key_size"],
            fields["value_size"], fields["max_entries"], fields.get("inner_map_fd") or None,
        ), {}  # fmt: skip

    def make_map(
        self, kind: int, name: bytes, key: int, value: int, entries: int, inner: int | None
    ) -> int:
        """Make a map and return its descriptor."""
        template = 0 if inner is None else self.get(inner, ObjectType.MAP).facts["id"]
        made = self.new(
            ObjectType.MAP,
            {
                "type": kind, "key_size": key, "value_size": value, "max_entries": entries,
                "name": name.decode("utf-8", "backslashreplace"), "map_flags": 0,
                "inner_map_id": template, "pinned_path_count": 0,
            },
        )  # fmt: skip
        if MapType.of(Platform.WINDOWS, kind).name in _ARRAYS and key >= 4:
            size = _stored(kind, value)
            for number in range(min(entries, _MOST_ZEROES)):
                made.elements[number.to_bytes(key, "little")] = bytes(size)
        return self.add(made)

    def _map_lookup_elem(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        found = self.get(fields["map_fd"], ObjectType.MAP)
        value = found.elements.get(bytes(fields["key"] or b""))
        if value is None:
            raise from_errno(-_ENOENT)
        fields["value"][: len(value)] = value
        return 0, {}

    def _map_lookup_and_delete_elem(
        self, fields: Mapping[str, Any]
    ) -> tuple[int, dict[str, Value]]:
        found = self.get(fields["map_fd"], ObjectType.MAP)
        if not found.elements:
            raise from_errno(-_ENOENT)
        stack = MapType.of(Platform.WINDOWS, found.facts["type"]).name == "STACK"
        key = list(found.elements)[-1 if stack else 0]
        fields["value"][:] = found.elements.pop(key)
        return 0, {}

    def _map_update_elem(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        found = self.get(fields["map_fd"], ObjectType.MAP)
        kind = MapType.of(Platform.WINDOWS, found.facts["type"]).name
        key, value = fields["key"], bytes(fields["value"])
        key = self._next_key() if key is None else bytes(key)
        if kind in _ARRAYS and key not in found.elements:
            raise from_errno(-_EINVAL)
        if fields.get("flags") == 1 and key in found.elements:
            raise from_errno(-_EEXIST)
        if fields.get("flags") == 2 and key not in found.elements:
            raise from_errno(-_ENOENT)
        if kind in MAP_IN_MAP or kind == "PROG_ARRAY":
            (number,) = struct.unpack("<I", value)
            value = struct.pack("<I", self.get(number).facts["id"])
        found.elements[key] = value
        return 0, {}

    def _next_key(self) -> bytes:
        self._ids += 1
        return self._ids.to_bytes(8, "big")

    def _map_delete_elem(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        found = self.get(fields["map_fd"], ObjectType.MAP)
        key = bytes(fields["key"])
        if key not in found.elements:
            raise from_errno(-_ENOENT)
        if MapType.of(Platform.WINDOWS, found.facts["type"]).name in _ARRAYS:
            found.elements[key] = bytes(len(found.elements[key]))
        else:
            del found.elements[key]
        return 0, {}

    def _map_get_next_key(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        keys = list(self.get(fields["map_fd"], ObjectType.MAP).elements)
        key = fields.get("key")
        at = keys.index(bytes(key)) + 1 if key is not None and bytes(key) in keys else 0
        if at >= len(keys):
            raise from_errno(-_ENOENT)
        fields["next_key"][:] = keys[at]
        return 0, {}

    def _prog_load(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        code = bytes(fields["insns"])
        maps: list[int] = []
        for at in range(0, len(code) - 8, 8):
            if code[at] == 0x18 and code[at + 1] >> 4 == 1:
                (number,) = struct.unpack_from("<i", code, at + 4)
                maps.append(self.get(number, ObjectType.MAP).facts["id"])
        kind = ProgramType.of(Platform.WINDOWS, fields["prog_type"])
        name = bytes(fields["prog_name"]).decode("utf-8", "backslashreplace")
        return self.make_program(name, kind.number, kind.guid or _NO_GUID, _NO_GUID, maps), {}

    def make_program(self, name: str, kind: int, guid: str, attach: str, maps: list[int]) -> int:
        """Make a program and return its descriptor."""
        facts = {
            "type": kind, "map_ids": tuple(dict.fromkeys(maps)), "name": name, "type_uuid": guid,
            "attach_type_uuid": attach, "pinned_path_count": 0, "link_count": 0,
        }  # fmt: skip
        return self.add(self.new(ObjectType.PROGRAM, facts))

    def _prog_test_run(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        self.get(fields["prog_fd"], ObjectType.PROGRAM)
        for given, taken in (("data_in", "data_out"), ("ctx_in", "ctx_out")):
            if fields.get(given):
                fields[taken][: len(fields[given])] = fields[given]
        return 0, {
            "data_size_out": fields["data_size_in"],
            "ctx_size_out": fields["ctx_size_in"],
        }

    def _obj_pin(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        path = path_text(fields["pathname"])
        if path in self.pins:
            raise from_errno(-_EEXIST)
        self.pins[path] = self.get(fields["bpf_fd"])
        self.pins[path].facts["pinned_path_count"] = 1
        return 0, {}

    def _obj_get(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        found = self.pins.get(path_text(fields["pathname"]))
        if found is None:
            raise from_errno(-_ENOENT)
        return self.add(found), {}

    def _link_detach(self, fields: Mapping[str, Any]) -> tuple[int, dict[str, Value]]:
        self.get(fields["link_fd"], ObjectType.LINK).facts["prog_id"] = 0
        return 0, {}


def _stored(kind: int, value_size: int) -> int:
    per_cpu = MapType.of(Platform.WINDOWS, kind).name == "PERCPU_ARRAY"
    return -(-value_size // 8) * 8 * CPUS if per_cpu else value_size


def path_text(raw: bytes) -> str:
    """Return a path as text."""
    return raw.rstrip(b"\0").decode("utf-8", "replace")
