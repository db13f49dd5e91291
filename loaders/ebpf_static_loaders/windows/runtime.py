"""The calls of the DLL the loaders make, one method each, with their memory looked after.

Sources: efW ``include/ebpf_api.h``, ``include/ebpf_structs.h``, ``docs/RingBuffer.md``.
"""

from __future__ import annotations

import ctypes
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import IntEnum
from typing import Any, Final, NamedTuple

from ebpf_static.errors import LoaderError
from ebpf_static_loaders.windows import bpf_syscall
from ebpf_static_loaders.windows.bpf_syscall import Answer, Value
from ebpf_static_loaders.windows.dll import Library
from ebpf_static_loaders.windows.results import NOT_FOUND, CallError, from_errno, from_result
from ebpf_static_loaders.windows.tables import layouts

REQUIRED: Final = (
    "bpf", "ebpf_close_fd", "ebpf_object_get_info_by_fd", "ebpf_object_unpin",
    "ebpf_get_next_pinned_object_path", "ebpf_program_attach_by_fds", "libbpf_num_possible_cpus",
)  # fmt: skip
"""What every load takes: all of it is there from efW 0.21.0 on."""

NATIVE: Final = ("ebpf_object_load_native_by_fds",)
"""What loading a native image takes besides; from 0.21.0 on, too."""

OPTIONAL: Final = (
    "bpf_map_create", "bpf_create_map_in_map", "bpf_map_lookup_batch", "bpf_map_update_batch",
    "bpf_map_delete_batch", "ebpf_canonicalize_pin_path", "ebpf_duplicate_fd",
    "ebpf_get_ebpf_attach_type", "ebpf_map_set_wait_handle", "ebpf_ring_buffer_map_map_buffer",
    "ebpf_ring_buffer_map_unmap_buffer", "perf_buffer__new", "perf_buffer__poll",
    "perf_buffer__free",
)  # fmt: skip
"""What single operations take; one that is missing is told when it is asked for."""

_MAX_PATH: Final = 512  # EBPF_MAX_PIN_PATH_LENGTH is 256
_MAX_PINS: Final = 1 << 20
_MAX_IDS: Final = 1 << 16
_MAX_SLOTS: Final = 1 << 20
_GUESSES: Final = 4
_BATCH_OPTIONS: Final = (24).to_bytes(8, "little") + bytes(16)  # sz, elem_flags, flags
_GUID_BYTES: Final = 16


class ObjectType(IntEnum):
    """What a descriptor stands for (``ebpf_object_type_t``)."""

    UNKNOWN = 0
    MAP = 1
    LINK = 2
    PROGRAM = 3


INFO: Final = {
    ObjectType.MAP: "bpf_map_info",
    ObjectType.LINK: "bpf_link_info",
    ObjectType.PROGRAM: "bpf_prog_info",
}
"""The structure each kind of object fills in."""


class Ring(NamedTuple):
    """Where a ring buffer lies in this process: two positions, and the data twice in a row."""

    consumer: int
    producer: int
    data: int
    size: int


class Runtime:
    """A running efW, through its DLL."""

    def __init__(self, library: Library) -> None:
        self.library = library

    # -- descriptors ---------------------------------------------------------------------------

    def bpf(self, name: str, fields: Mapping[str, Value]) -> Answer:
        """Make one ``bpf()`` call.

        Raises:
            CallError: it failed.
        """
        return bpf_syscall.bpf(self.library, name, fields)

    def close(self, fd: int) -> None:
        """Close a descriptor.

        Raises:
            CallError: it is none.
        """
        self._check("ebpf_close_fd", fd)

    def duplicate(self, fd: int) -> int:
        """Return another descriptor of the same object."""
        copy = ctypes.c_int32(0)
        self._check("ebpf_duplicate_fd", fd, ctypes.byref(copy))
        return copy.value

    def possible_cpus(self) -> int:
        """Return how many values a per-CPU map has for each key."""
        count: int = self.library.call("libbpf_num_possible_cpus")
        if count < 1:
            raise from_errno(min(count, -1))
        return count

    # -- objects -------------------------------------------------------------------------------

    def object_type(self, fd: int) -> ObjectType:
        """Return what a descriptor stands for."""
        kind = ctypes.c_int32(0)
        self._check("ebpf_object_get_info_by_fd", fd, None, None, ctypes.byref(kind))
        try:
            return ObjectType(kind.value)
        except ValueError:
            return ObjectType.UNKNOWN

    def object_info(self, fd: int, expected: ObjectType) -> dict[str, Any]:
        """Return what efW says of an object: the fields of its structure by name.

        Names are text, GUIDs text in lower case; ``map_ids`` of a program is a tuple of ids.

        Raises:
            CallError: efW refuses.
            LoaderError: the descriptor stands for something else.
        """
        kind = self.object_type(fd)
        if kind is not expected:
            raise LoaderError(f"it is a {kind.name.lower()}, not a {expected.name.lower()}")
        raw = self._info(fd, kind, 0, 0)
        fields = _decode(kind, raw)
        count = fields.pop("nr_map_ids", None)
        if count is not None:
            fields["map_ids"] = self._map_ids(fd, min(count, _MAX_IDS))
        return fields

    def _map_ids(self, fd: int, count: int) -> tuple[int, ...]:
        if not count:
            return ()
        ids = (ctypes.c_uint32 * count)()
        raw = self._info(fd, ObjectType.PROGRAM, count, ctypes.addressof(ids))
        said = bpf_syscall.unpack(layouts()["bpf_prog_info"].fields["nr_map_ids"], raw)
        return tuple(ids[: min(said, count)])

    def _info(self, fd: int, kind: ObjectType, count: int, ids: int) -> bytes:
        layout = layouts()[INFO[kind]]
        given = {"nr_map_ids": count, "map_ids": ids} if kind is ObjectType.PROGRAM else {}
        info, _ = bpf_syscall.pack(layout, given)
        size = ctypes.c_uint32(layout.size)
        self._check("ebpf_object_get_info_by_fd", fd, info, ctypes.byref(size), None)
        return info.raw

    def load_native(self, path: bytes, maps: int, programs: int) -> tuple[list[int], list[int]]:
        """Load a native image and return the descriptors of its maps and programs.

        Args:
            path: full path of the ``.sys`` file.
            maps: how many maps to expect.
            programs: how many programs to expect.

        Raises:
            CallError: efW refuses, or asks for more room again and again.
        """
        for _ in range(_GUESSES):
            map_count, program_count = ctypes.c_uint64(maps), ctypes.c_uint64(programs)
            map_fds, program_fds = (ctypes.c_int32 * maps)(), (ctypes.c_int32 * programs)()
            code: int = self.library.call(
                "ebpf_object_load_native_by_fds", path, ctypes.byref(map_count), map_fds,
                ctypes.byref(program_count), program_fds,
            )  # fmt: skip
            told = map_count.value, program_count.value
            if code == 0:
                # A count beyond the room given would be a lie; the room is what was written.
                return list(map_fds[: min(maps, told[0])]), list(
                    program_fds[: min(programs, told[1])]
                )
            error = from_result(code)
            larger = told[0] > maps or told[1] > programs
            if error.name != "EBPF_NO_MEMORY" or not larger or max(told) > _MAX_SLOTS:
                raise error
            maps, programs = max(maps, told[0]), max(programs, told[1])
        raise error

    # -- maps ----------------------------------------------------------------------------------

    def create_named_map(
        self, kind: int, name: bytes, key: int, value: int, entries: int, inner: int | None
    ) -> int:
        """Create a map whose name is longer than an attribute of ``bpf()`` carries.

        Raises:
            CallError: efW refuses.
        """
        if inner is None:
            fd: int = self.library.call("bpf_map_create", kind, name, key, value, entries, None)
        else:
            fd = self.library.call("bpf_create_map_in_map", kind, name, key, inner, entries, 0)
        if fd < 0:
            raise from_errno(fd)
        return fd

    def lookup_batch(
        self, fd: int, cursor: bytes | None, following: bytearray, keys: bytearray,
        values: bytearray, count: int,
    ) -> tuple[int, str]:  # fmt: skip
        """Read many elements; return how many came, and what efW said: empty for more to come."""
        kept: list[object] = []
        counter = ctypes.c_uint32(count)
        code: int = self.library.call(
            "bpf_map_lookup_batch", fd, bpf_syscall.address(cursor or b"", kept) or None,
            bpf_syscall.address(following, kept), bpf_syscall.address(keys, kept),
            bpf_syscall.address(values, kept), ctypes.byref(counter), _BATCH_OPTIONS,
        )  # fmt: skip
        del kept
        if not code:
            return min(counter.value, count), ""
        error = from_errno(code)
        return (min(counter.value, count) if error.name in NOT_FOUND else 0), error.name

    def update_batch(self, fd: int, keys: bytes, values: bytes, count: int) -> None:
        """Set many elements.

        Raises:
            CallError: efW refuses; some may be set.
        """
        counter = ctypes.c_uint32(count)
        code: int = self.library.call(
            "bpf_map_update_batch", fd, keys, values, ctypes.byref(counter), _BATCH_OPTIONS
        )
        if code:
            raise from_errno(code)

    def delete_batch(self, fd: int, keys: bytes, count: int) -> None:
        """Remove many elements.

        Raises:
            CallError: efW refuses; some may be gone.
        """
        counter = ctypes.c_uint32(count)
        code: int = self.library.call(
            "bpf_map_delete_batch", fd, keys, ctypes.byref(counter), _BATCH_OPTIONS
        )
        if code:
            raise from_errno(code)

    # -- attaching -----------------------------------------------------------------------------

    def attach(self, program: int, guid: str, parameters: bytes) -> int:
        """Attach a program by the GUID of an attach type and return the link's descriptor."""
        link = ctypes.c_int32(0)
        raw = uuid.UUID(guid).bytes_le
        self._check(
            "ebpf_program_attach_by_fds", program, raw, parameters or None, len(parameters),
            ctypes.byref(link),
        )  # fmt: skip
        return link.value

    def attach_guid(self, number: int) -> str:
        """Return the GUID efW knows an attach type's number by."""
        raw = ctypes.create_string_buffer(_GUID_BYTES)
        self._check("ebpf_get_ebpf_attach_type", number, raw)
        return str(uuid.UUID(bytes_le=raw.raw))

    # -- pins ----------------------------------------------------------------------------------

    def unpin(self, path: bytes) -> None:
        """Remove a pin."""
        self._check("ebpf_object_unpin", path)

    def canonical_path(self, path: bytes) -> bytes:
        r"""Return a path as efW lists it (``BPF:\…``); as given before efW 1.0.0-rc1."""
        if not self.library.has("ebpf_canonicalize_pin_path"):
            return path
        out = ctypes.create_string_buffer(_MAX_PATH)
        self._check("ebpf_canonicalize_pin_path", out, len(out), path)
        return out.value

    def iter_pins(self) -> Iterator[bytes]:
        """Yield the path of every pin, in efW's order."""
        path = b""
        for _ in range(_MAX_PINS):
            following = ctypes.create_string_buffer(_MAX_PATH)
            kind = ctypes.c_int32(ObjectType.UNKNOWN)
            try:
                self._check(
                    "ebpf_get_next_pinned_object_path", path, following, len(following),
                    ctypes.byref(kind),
                )  # fmt: skip
            except CallError as error:
                if error.name in NOT_FOUND:
                    return
                raise
            path = following.value
            yield path

    # -- ring buffers --------------------------------------------------------------------------

    def map_ring(self, fd: int) -> Ring:
        """Map a ring buffer into this process."""
        self.library.require("ebpf_ring_buffer_map_unmap_buffer", "ebpf_map_set_wait_handle")
        places = [ctypes.c_void_p() for _ in range(3)]
        size = ctypes.c_uint64(0)
        self._check(
            "ebpf_ring_buffer_map_map_buffer", fd, *map(ctypes.byref, places), ctypes.byref(size)
        )
        consumer, producer, data = (place.value or 0 for place in places)
        return Ring(consumer, producer, data, size.value)

    def unmap_ring(self, fd: int, ring: Ring) -> None:
        """Undo :meth:`map_ring`; there is nothing to be done when it fails."""
        with suppress(CallError):
            self._check(
                "ebpf_ring_buffer_map_unmap_buffer", fd, ring.consumer, ring.producer, ring.data
            )

    def set_wait_handle(self, fd: int, event: int) -> None:
        """Have an event set whenever something is put into a ring buffer; 0 for none."""
        self._check("ebpf_map_set_wait_handle", fd, 0, event)

    def _check(self, name: str, *arguments: Any) -> None:
        code: int = self.library.call(name, *arguments)
        if code:
            raise from_result(code)


def _decode(kind: ObjectType, raw: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, field in layouts()[INFO[kind]].fields.items():
        part = raw[field.offset : field.offset + field.size]
        if name == "name":
            fields[name] = part.partition(b"\0")[0].decode("utf-8", "backslashreplace")
        elif name.endswith("_uuid"):
            fields[name] = str(uuid.UUID(bytes_le=part))
        elif name == "map_ids" or "." in name or name == "attach_data":
            continue  # an address of ours, and views of bytes kept below
        else:
            fields[name] = bpf_syscall.unpack(field, raw)
    if kind is ObjectType.LINK:
        fields["attach_data"] = raw[layouts()["bpf_link_info"].fields["attach_data"].offset :]
    return fields
