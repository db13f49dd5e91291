"""An efW of dictionaries, for the dry run: every call is written down, none is made.

It goes the whole way of the Windows loaders and gives the same answers on every host. What only
efW could say is left out: it verifies nothing, and programs do nothing when run.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from ebpf_static.loading import Collection, LoadOptions
from ebpf_static.specs import CollectionSpec
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static.uapi.constants import AttachType
from ebpf_static_loaders.windows.bpf_syscall import Answer, Value, pack
from ebpf_static_loaders.windows.dll import Library
from ebpf_static_loaders.windows.loader_dll import WindowsDllLoader
from ebpf_static_loaders.windows.loader_native import WindowsNativeLoader
from ebpf_static_loaders.windows.memory import CPUS, Memory, path_text
from ebpf_static_loaders.windows.results import CallError, from_errno
from ebpf_static_loaders.windows.runtime import INFO, ObjectType, Ring, Runtime
from ebpf_static_loaders.windows.tables import command, exports, layouts

Write = Callable[[str], None]

_ENOENT: Final = 2
_TEXTS: Final = frozenset({"map_name", "prog_name", "license", "pathname"})
_RING_BYTES: Final = 4096


class PretendedHost:
    """A host on which nothing ever happens."""

    def last_error(self) -> int:
        """Return none."""
        return 0

    def create_event(self) -> int:
        """Return an event nobody sets."""
        return 1

    def wait(self, event: int, seconds: float | None) -> bool:
        """Say that it did not come."""
        del event, seconds
        return False

    def close_event(self, event: int) -> None:
        """Do nothing."""


class PretendedLibrary(Library):
    """A DLL with every export, of which the few called directly do nothing."""

    def __init__(self, write: Write) -> None:
        super().__init__(None, PretendedHost())
        self._write = write

    def has(self, name: str) -> bool:
        """Say that it is there."""
        return name in exports()

    def call(self, name: str, *arguments: Any) -> Any:
        """Write a call down: opening says 1, everything else 0."""
        plain = [it for it in arguments if isinstance(it, int)]
        result = int(name.endswith("__new"))
        self._write(json.dumps({"call": name, "arguments": plain, "result": result}))
        return result


class PretendedRuntime(Runtime):
    """An efW of dictionaries.

    Attributes:
        memory: what it holds.
    """

    def __init__(self, write: Write) -> None:
        super().__init__(PretendedLibrary(write))
        self._write = write
        self.memory = Memory()
        self._image: NativeImageSpec | None = None
        self._rings: list[Any] = []

    def expect(self, spec: CollectionSpec) -> None:
        """Have the next native image loaded be this one."""
        self._image = spec if isinstance(spec, NativeImageSpec) else None

    # -- writing down --------------------------------------------------------------------------

    @contextmanager
    def _told(self, call: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Write a call down when it is over; what is put into the dictionary goes with it."""
        shown = {name: _shown(name, value) for name, value in arguments.items()}
        line = {"call": call, **shown}
        try:
            yield line
        except CallError as error:
            line["error"] = error.name
            raise
        finally:
            self._write(json.dumps(line))

    # -- bpf() ---------------------------------------------------------------------------------

    def bpf(self, name: str, fields: Mapping[str, Value]) -> Answer:
        """Write down one ``bpf()`` call, and pretend what it does."""
        layout = command(name).layout
        pack(layout, fields)  # refuses what would not fit
        given = {key: value for key, value in fields.items() if value is not None}
        with self._told("bpf", command=f"BPF_{name}", **given) as line:
            result, written = self.memory.bpf(name, fields)
            line["result"] = result
        attr, _ = pack(layout, written)
        return Answer(result, layout, attr.raw)

    # -- the other exports ---------------------------------------------------------------------

    def close(self, fd: int) -> None:
        """Close and write down a descriptor."""
        with self._told("ebpf_close_fd", fd=fd):
            self.memory.get(fd)
            del self.memory.open[fd]

    def duplicate(self, fd: int) -> int:
        """Return another descriptor of the same object."""
        with self._told("ebpf_duplicate_fd", fd=fd) as line:
            line["dup"] = copy = self.memory.add(self.memory.get(fd))
        return copy

    def possible_cpus(self) -> int:
        """Return a number of processors that does not depend on the host."""
        with self._told("libbpf_num_possible_cpus") as line:
            line["result"] = CPUS
        return CPUS

    def object_type(self, fd: int) -> ObjectType:
        """Return what a descriptor stands for."""
        with self._told("ebpf_object_get_info_by_fd", bpf_fd=fd, info=None) as line:
            kind = self.memory.get(fd).kind
            line["type"] = kind.name
        return kind

    def object_info(self, fd: int, expected: ObjectType) -> dict[str, Any]:
        """Return what an object was made with."""
        self.object_type(fd)
        size = layouts()[INFO[expected]].size
        facts = dict(self.memory.get(fd, expected).facts)
        with self._told("ebpf_object_get_info_by_fd", bpf_fd=fd, info={"buffer": size}):
            pass
        if facts.get("map_ids"):
            room = {"buffer": size, "nr_map_ids": len(facts["map_ids"])}
            with self._told("ebpf_object_get_info_by_fd", bpf_fd=fd, info=room):
                pass
        return facts

    def load_native(self, path: bytes, maps: int, programs: int) -> tuple[list[int], list[int]]:
        """Pretend to load the image expected."""
        with self._told(
            "ebpf_object_load_native_by_fds", file_name=path.decode("utf-8", "replace"),
            count_of_maps=maps, count_of_programs=programs,
        ) as line:  # fmt: skip
            made = self._load_image()
            line["map_fds"], line["program_fds"] = made
        return made

    def _load_image(self) -> tuple[list[int], list[int]]:
        image = self._image
        if image is None:
            raise from_errno(-_ENOENT)
        fds: dict[str, int] = {}
        for item in sorted(image.maps, key=lambda it: bool(it.inner_name or it.inner)):
            inner = fds.get(item.inner_name or "")
            fds[item.name] = self.memory.make_map(
                item.type.number, item.name.encode("utf-8", "surrogateescape"), item.key_size,
                item.value_size, item.max_entries, inner,
            )  # fmt: skip
        programs = [
            self.memory.make_program(
                it.name, it.type.number, it.program_type_guid.lower(),
                it.attach_type_guid.lower(),
                [self.memory.get(fds[name]).facts["id"] for name in image.find_referenced_maps(it)],
            )
            for it in image.programs
        ]  # fmt: skip
        return list(fds.values()), programs

    def create_named_map(
        self, kind: int, name: bytes, key: int, value: int, entries: int, inner: int | None
    ) -> int:
        """Create and write down a map with a long name."""
        call = "bpf_map_create" if inner is None else "bpf_create_map_in_map"
        with self._told(
            call, map_type=kind, map_name=name, key_size=key, value_size=value,
            max_entries=entries, inner_map_fd=inner,
        ) as line:  # fmt: skip
            line["result"] = fd = self.memory.make_map(kind, name, key, value, entries, inner)
        return fd

    def lookup_batch(
        self, fd: int, cursor: bytes | None, following: bytearray, keys: bytearray,
        values: bytearray, count: int,
    ) -> tuple[int, str]:  # fmt: skip
        """Say that there are no batches of it."""
        del cursor, following, keys, values
        with self._told("bpf_map_lookup_batch", fd=fd, count=count) as line:
            line["error"] = "ENOTSUP"
        return 0, "ENOTSUP"

    def update_batch(self, fd: int, keys: bytes, values: bytes, count: int) -> None:
        """Set and write down many elements."""
        with self._told("bpf_map_update_batch", fd=fd, keys=keys, values=values, count=count):
            found = self.memory.get(fd, ObjectType.MAP)
            for at in range(count):
                wide, high = len(keys) // count, len(values) // count
                key = keys[at * wide : (at + 1) * wide]
                found.elements[key] = values[at * high : (at + 1) * high]

    def delete_batch(self, fd: int, keys: bytes, count: int) -> None:
        """Remove and write down many elements."""
        with self._told("bpf_map_delete_batch", fd=fd, keys=keys, count=count):
            found = self.memory.get(fd, ObjectType.MAP)
            wide = len(keys) // max(1, count)
            for at in range(count):
                found.elements.pop(keys[at * wide : (at + 1) * wide], None)

    def attach(self, program: int, guid: str, parameters: bytes) -> int:
        """Attach and write down a program."""
        with self._told(
            "ebpf_program_attach_by_fds", program_fd=program, attach_type=guid,
            attach_parameters=parameters,
        ) as line:  # fmt: skip
            found = self.memory.get(program, ObjectType.PROGRAM)
            kind = AttachType.from_guid(guid)
            facts = {
                "prog_id": found.facts["id"], "type": 0,
                "attach_type": 0 if kind is None else kind.number, "attach_type_uuid": guid,
                "program_type_uuid": found.facts["type_uuid"], "attach_data": parameters,
            }  # fmt: skip
            line["link"] = fd = self.memory.add(self.memory.new(ObjectType.LINK, facts))
        return fd

    def attach_guid(self, number: int) -> str:
        """Say that no extension has such an attach type."""
        with self._told("ebpf_get_ebpf_attach_type", bpf_attach_type=number):
            raise from_errno(-_ENOENT)

    def unpin(self, path: bytes) -> None:
        """Remove and write down a pin."""
        with self._told("ebpf_object_unpin", pathname=path):
            if self.memory.pins.pop(path_text(path), None) is None:
                raise from_errno(-_ENOENT)

    def canonicalpath_text(self, path: bytes) -> bytes:
        """Return the path as given."""
        return path

    def iter_pins(self) -> Iterator[bytes]:
        """Yield the path of every pin."""
        yield from (path.encode() for path in sorted(self.memory.pins))

    def map_ring(self, fd: int) -> Ring:
        """Return an empty ring."""
        with self._told("ebpf_ring_buffer_map_map_buffer", map_fd=fd):
            self.memory.get(fd, ObjectType.MAP)
        pages = [ctypes.create_string_buffer(_RING_BYTES) for _ in range(3)]
        self._rings.append(pages)
        consumer, producer, data = map(ctypes.addressof, pages)
        return Ring(consumer, producer, data, _RING_BYTES)

    def unmap_ring(self, fd: int, ring: Ring) -> None:
        """Undo :meth:`map_ring`."""
        del ring
        with self._told("ebpf_ring_buffer_map_unmap_buffer", map_fd=fd):
            self._rings.clear()

    def set_wait_handle(self, fd: int, event: int) -> None:
        """Write down that an event would be set."""
        with self._told("ebpf_map_set_wait_handle", map_fd=fd, index=0, handle=event):
            self.memory.get(fd, ObjectType.MAP)


def _shown(name: str, value: Any) -> Any:
    """Return an argument for JSON: text where it is text, else bytes in hexadecimal."""
    if isinstance(value, bytearray):
        return {"buffer": len(value)}
    if isinstance(value, bytes):
        return path_text(value) if name in _TEXTS else value.hex()
    return value


# -- the loaders on it -------------------------------------------------------------------------


class _PretendingDll(WindowsDllLoader):
    def __init__(self, runtime: Runtime) -> None:
        super().__init__()
        self._runtime = runtime

    def available(self) -> str | None:
        return None

    def runtime(self) -> Runtime:
        return self._runtime


class _PretendingNative(WindowsNativeLoader):
    def __init__(self, runtime: Runtime) -> None:
        super().__init__(machine=lambda: "?")
        self._runtime = runtime

    def available(self) -> str | None:
        return None

    def runtime(self) -> Runtime:
        return self._runtime

    def find_file(self, name: str, spec: NativeImageSpec) -> str:
        del spec
        return name


def load_pretended(
    runtime: PretendedRuntime, spec: CollectionSpec, options: LoadOptions | None
) -> Collection:
    """Pretend to load bytecode or a native image, all of it or nothing."""
    runtime.expect(spec)
    if isinstance(spec, NativeImageSpec):
        return _PretendingNative(runtime).load(spec, options)
    return _PretendingDll(runtime).load(spec, options)
