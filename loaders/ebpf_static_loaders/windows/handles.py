"""Loaded maps: elements in and out, one by one and in batches, per CPU and by type.

A map of maps or programs takes handles as values and gives back ids, as efW does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ebpf_static.btf import Btf
from ebpf_static.errors import LoaderError
from ebpf_static.loading import Map, UpdateMode
from ebpf_static.specs import MapSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_loaders.elements import Elements
from ebpf_static_loaders.typed import decode
from ebpf_static_loaders.windows.pins import Pinned
from ebpf_static_loaders.windows.resources import Fd
from ebpf_static_loaders.windows.results import NOT_FOUND, CallError, doing, rejected
from ebpf_static_loaders.windows.runtime import ObjectType, Runtime

PER_CPU: Final = frozenset({"PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH"})
MAP_IN_MAP: Final = frozenset({"ARRAY_OF_MAPS", "HASH_OF_MAPS"})
KEYLESS: Final = frozenset({"QUEUE", "STACK"})
_HANDLES: Final = MAP_IN_MAP | {"PROG_ARRAY"}
_MODES: Final = {UpdateMode.ANY: 0, UpdateMode.NEW: 1, UpdateMode.EXISTING: 2}
_MAX_KEYS: Final = 1 << 32
_BATCH_REFUSED: Final = frozenset({"EINVAL", "ENOTSUP", "EOPNOTSUPP"})


class MapInfo(NamedTuple):
    """What efW says of a map (``struct bpf_map_info``), and the types of its elements.

    Attributes:
        inner_map_id: id of the inner map's template, 0 without one.
        pinned_path_count: how many pins name it.
        key_type_id: BTF id of the key, known from the object only.
        value_type_id: BTF id of the value, known from the object only.
    """

    id: int
    type: int
    key_size: int
    value_size: int
    max_entries: int
    name: str
    map_flags: int
    inner_map_id: int
    pinned_path_count: int
    key_type_id: int = 0
    value_type_id: int = 0


def map_info(runtime: Runtime, fd: int) -> MapInfo:
    """Return what efW says of a map.

    Raises:
        LoaderError: efW refuses, or it is no map.
    """
    return MapInfo(**runtime.object_info(fd, ObjectType.MAP))


class WindowsMap(Pinned, Map):
    """A map of the running efW.

    Attributes:
        name: what the object calls it, efW's name for one opened from a pin.
        spec: its declaration, None when there is none.
    """

    def __init__(
        self, fd: Fd, *, name: str, spec: MapSpec | None, info: MapInfo, btf: Btf | None, cpus: int
    ) -> None:
        Pinned.__init__(self, fd, f"map `{name}`")
        self.name = name
        self.spec = spec
        self.kind = MapType.of(Platform.WINDOWS, info.type)
        self._info = info
        self._btf = btf
        self._elements = Elements(
            name=name,
            key_size=info.key_size,
            value_size=info.value_size,
            key_type_id=info.key_type_id,
            value_type_id=info.value_type_id,
            btf=btf,
            cpus=cpus if self.kind.name in PER_CPU else 0,
            has_ids=self.kind.name in _HANDLES,
            handle=Pinned,
        )

    def lookup(self, key: Any = None, *, raw: bool = False) -> Any | None:
        """Return the value of ``key``, None when there is none; takes the next of a queue."""
        keyless = self.kind.name in KEYLESS
        value = bytearray(self._elements.value_bytes)
        fields = {
            "map_fd": self.fd,
            "key": None if keyless else self._elements.encode_key(key),
            "value": value,
        }
        command = "MAP_LOOKUP_AND_DELETE_ELEM" if keyless else "MAP_LOOKUP_ELEM"
        if self._call(command, fields, f"look up in map `{self.name}`"):
            return self._elements.decode_value(bytes(value), raw=raw)
        return None

    def update(self, key: Any, value: Any, mode: UpdateMode = UpdateMode.ANY) -> None:
        """Set the value of ``key``; a queue or stack takes None for the key."""
        fields = {
            "map_fd": self.fd,
            "key": None if self.kind.name in KEYLESS else self._elements.encode_key(key),
            "value": self._elements.encode_value(value),
            "flags": _MODES[mode],
        }
        with doing(f"set a value of map `{self.name}`"):
            self.runtime.bpf("MAP_UPDATE_ELEM", fields)

    def delete(self, key: Any) -> bool:
        """Remove ``key``; return whether it was there. An array's element becomes zero."""
        fields = {"map_fd": self.fd, "key": self._elements.encode_key(key)}
        return self._call("MAP_DELETE_ELEM", fields, f"remove a key of map `{self.name}`")

    def keys(self, *, raw: bool = False) -> Iterator[Any]:
        """Yield the keys; a key that goes meanwhile may start the walk again, so it is bounded."""
        key: bytes | None = None
        for _ in range(_MAX_KEYS):
            following = bytearray(self._info.key_size)
            fields = {"map_fd": self.fd, "key": key, "next_key": following}
            if not self._call("MAP_GET_NEXT_KEY", fields, f"walk map `{self.name}`"):
                return
            key = bytes(following)
            yield key if raw else self._elements.decode_key(key)

    def batch(self, *, size: int = 256, raw: bool = False) -> Iterator[tuple[Any, Any]]:
        """Yield keys and values, ``size`` with each call; one by one where efW has no batches."""
        if not self.runtime.library.has("bpf_map_lookup_batch"):
            yield from self.items(raw=raw)
            return
        size = self._elements.batch_size(size)
        cursor: bytes | None = None
        while True:
            keys = bytearray(size * self._info.key_size)
            values = bytearray(size * self._elements.value_bytes)
            following = bytearray(max(4, self._info.key_size))
            count, said = self.runtime.lookup_batch(self.fd, cursor, following, keys, values, size)
            if said in _BATCH_REFUSED and cursor is None:
                yield from self.items(raw=raw)
                return
            if said and said not in NOT_FOUND:
                raise rejected(f"cannot walk map `{self.name}`", said)
            yield from self._elements.split(bytes(keys), bytes(values), count, raw=raw)
            if said or not count:
                return
            cursor = bytes(following)

    def update_batch(self, items: Mapping[Any, Any] | Sequence[tuple[Any, Any]]) -> None:
        """Set many elements with one call.

        Raises:
            LoaderError: efW refuses, some elements may be set; or has no batches (before 0.14).
        """
        pairs = list(items.items() if isinstance(items, Mapping) else items)
        keys = b"".join(self._elements.encode_key(key) for key, _ in pairs)
        values = b"".join(self._elements.encode_value(value) for _, value in pairs)
        with doing(f"set values of map `{self.name}`"):
            self.runtime.update_batch(self.fd, keys, values, len(pairs))

    def delete_batch(self, keys: Sequence[Any]) -> None:
        """Remove many elements with one call.

        Raises:
            LoaderError: efW refuses, some elements may be gone; or has no batches (before 0.14).
        """
        raw = b"".join(self._elements.encode_key(key) for key in keys)
        with doing(f"remove keys of map `{self.name}`"):
            self.runtime.delete_batch(self.fd, raw, len(keys))

    def freeze(self) -> None:
        """Refuse: eBPF for Windows has no such thing.

        Raises:
            LoaderError: always.
        """
        raise LoaderError(
            f"map `{self.name}` cannot be frozen: eBPF for Windows has no BPF_MAP_FREEZE",
            result="EINVAL",
        )

    def info(self) -> Mapping[str, Any]:
        """Return what efW says of it."""
        with doing(f"ask about map `{self.name}`"):
            found = map_info(self.runtime, self.fd)
        return {**found._asdict(), "type": self.kind.name}

    def read_ring(self, *, timeout: float | None = None, raw: bool = True) -> Iterator[Any]:
        """Yield what programs put into a ring buffer (efW 1.0) or perf event array (efW 1.1)."""
        from ebpf_static_loaders.windows import perfbuf, ringbuf

        if self.kind.name == "RINGBUF":
            found = ringbuf.read(self.runtime, self.fd, timeout)
        elif self.kind.name == "PERF_EVENT_ARRAY":
            found = perfbuf.read(self.runtime, self.fd, timeout)
        else:
            yield from super().read_ring(timeout=timeout, raw=raw)
            return
        type_id = self._info.value_type_id
        for record in found:
            typed = not raw and self._btf is not None and type_id
            yield decode(self._btf, type_id, record) if typed and self._btf else record

    # -- elements ------------------------------------------------------------------------------

    def _call(self, command: str, fields: Mapping[str, Any], what: str) -> bool:
        """Make a call; return whether there was such an element."""
        with doing(what):
            try:
                self.runtime.bpf(command, fields)
            except CallError as error:
                if error.name in NOT_FOUND:
                    return False
                raise
        return True
