"""Loaded maps: elements in and out, one by one and in batches, per CPU and by type.

A map of maps or programs takes handles as values and gives back ids, as the kernel does.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ebpf_static.btf import Btf
from ebpf_static.loading import Map, UpdateMode
from ebpf_static.specs import MapOrigin, MapSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import MapType
from ebpf_static_loaders.elements import Elements
from ebpf_static_loaders.linux.errors import doing
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.pins import Pinned
from ebpf_static_loaders.linux.resources import Fd
from ebpf_static_loaders.linux.reuse import MapInfo, map_info
from ebpf_static_loaders.typed import decode

_MODES: Final = {UpdateMode.ANY: 0, UpdateMode.NEW: 1, UpdateMode.EXISTING: 2}
_PER_CPU: Final = frozenset(
    {"PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH", "PERCPU_CGROUP_STORAGE"}
)
_KEYLESS: Final = frozenset({"QUEUE", "STACK", "BLOOM_FILTER"})
_HANDLES: Final = frozenset(
    {"PROG_ARRAY", "ARRAY_OF_MAPS", "HASH_OF_MAPS", "CGROUP_ARRAY", "PERF_EVENT_ARRAY"}
)
_SECTIONS: Final = (MapOrigin.DATA, MapOrigin.KCONFIG)


class LinuxMap(Pinned, Map):
    """A map of the running kernel.

    Attributes:
        name: what the object calls it, the kernel's name for one opened from a pin.
        spec: its declaration, None when there is none.
    """

    def __init__(
        self,
        fd: Fd,
        *,
        name: str,
        spec: MapSpec | None,
        info: MapInfo,
        btf: Btf | None,
        cpus: int,
    ) -> None:
        Pinned.__init__(self, fd, f"map `{name}`")
        self.name = name
        self.spec = spec
        self.kind = MapType.of(Platform.LINUX, info.type)
        self._info = info
        self._btf = btf
        self._cpus = cpus
        self._elements = Elements(
            name=name,
            key_size=info.key_size,
            value_size=info.value_size,
            key_type_id=info.key_type_id,
            value_type_id=info.value_type_id,
            btf=btf,
            cpus=cpus if self.kind.name in _PER_CPU else 0,
            has_ids=self.kind.name in _HANDLES,
            handle=Pinned,
        )

    def lookup(self, key: Any = None, *, raw: bool = False) -> Any | None:
        """Return the value of ``key``, None when there is none; takes the next of a queue."""
        keyless = self.kind.name in _KEYLESS
        command = Command.MAP_LOOKUP_AND_DELETE_ELEM if keyless else Command.MAP_LOOKUP_ELEM
        value = bytearray(self._elements.value_bytes)
        encoded = None if keyless else self._elements.encode_key(key)
        try:
            self._bpf(command, {"map_fd": self.fd, "key": encoded, "value": value})
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            with doing(f"look up in map `{self.name}`"):
                raise
        return self._elements.decode_value(bytes(value), raw=raw)

    def update(self, key: Any, value: Any, mode: UpdateMode = UpdateMode.ANY) -> None:
        """Set the value of ``key``."""
        encoded = None if self.kind.name in _KEYLESS else self._elements.encode_key(key)
        if isinstance(value, Mapping) and self.spec is not None and self.spec.origin in _SECTIONS:
            value = {**(self.lookup(key) or {}), **value}  # the other variables stay as they are
        fields = {
            "map_fd": self.fd,
            "key": encoded,
            "value": self._elements.encode_value(value),
            "flags": _MODES[mode],
        }
        with doing(f"set a value of map `{self.name}`"):
            self._bpf(Command.MAP_UPDATE_ELEM, fields)

    def delete(self, key: Any) -> bool:
        """Remove ``key``; return whether it was there."""
        fields = {"map_fd": self.fd, "key": self._elements.encode_key(key)}
        try:
            self._bpf(Command.MAP_DELETE_ELEM, fields)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return False
            with doing(f"remove a key of map `{self.name}`"):
                raise
        return True

    def keys(self, *, raw: bool = False) -> Iterator[Any]:
        """Yield the keys; a key that goes meanwhile may start the walk again, so it is bounded."""
        key: bytes | None = None
        for _ in range(self._info.max_entries + 1 if self._info.max_entries else 1 << 32):
            following = bytearray(self._info.key_size)
            try:
                self._bpf(
                    Command.MAP_GET_NEXT_KEY,
                    {"map_fd": self.fd, "key": key, "next_key": following},
                )
            except OSError as error:
                if error.errno == errno.ENOENT:
                    return
                with doing(f"walk map `{self.name}`"):
                    raise
            key = bytes(following)
            yield key if raw else self._elements.decode_key(key)

    def batch(self, *, size: int = 256, raw: bool = False) -> Iterator[tuple[Any, Any]]:
        """Yield keys and values, ``size`` with each call; one by one where the kernel has none."""
        size = self._elements.batch_size(size)
        cursor: bytes | None = None
        while True:
            keys = bytearray(size * self._info.key_size)
            values = bytearray(size * self._elements.value_bytes)
            following = bytearray(max(4, self._info.key_size))
            fields = {
                "map_fd": self.fd, "in_batch": cursor, "out_batch": following,
                "keys": keys, "values": values, "count": size,
            }  # fmt: skip
            count, code = self._batch_call(fields)
            if code == errno.ENOSPC:
                size *= 2  # a bucket of a hash has more elements than asked for
                continue
            if code in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, 524) and cursor is None:
                yield from self.items(raw=raw)
                return
            yield from self._elements.split(bytes(keys), bytes(values), count, raw=raw)
            if code == errno.ENOENT:
                return
            if code:
                with doing(f"walk map `{self.name}`"):
                    raise OSError(code, "")
            cursor = bytes(following)

    def update_batch(self, items: Mapping[Any, Any] | Sequence[tuple[Any, Any]]) -> None:
        """Set many elements with one call.

        Raises:
            LoaderError: the kernel refuses, some elements may be set.
        """
        pairs = list(items.items() if isinstance(items, Mapping) else items)
        fields = {
            "map_fd": self.fd,
            "keys": b"".join(self._elements.encode_key(key) for key, _ in pairs),
            "values": b"".join(self._elements.encode_value(value) for _, value in pairs),
            "count": len(pairs),
        }
        with doing(f"set a value of map `{self.name}`"):
            self._bpf(Command.MAP_UPDATE_BATCH, fields)

    def freeze(self) -> None:
        """Refuse changes by system calls from now on."""
        with doing(f"freeze map `{self.name}`"):
            self._bpf(Command.MAP_FREEZE, {"map_fd": self.fd})

    def info(self) -> Mapping[str, Any]:
        """Return what the kernel says of it."""
        with doing(f"ask about map `{self.name}`"):
            found = map_info(self.system, self.fd)
        return {**found._asdict(), "type": self.kind.name}

    def read_ring(self, *, timeout: float | None = None, raw: bool = True) -> Iterator[Any]:
        """Yield what programs put into a ring buffer or perf event array."""
        from ebpf_static_loaders.linux import perfbuf, ringbuf

        if self.kind.name == "RINGBUF":
            found = ringbuf.read(self.system, self.fd, self._info.max_entries, timeout)
        elif self.kind.name == "PERF_EVENT_ARRAY":
            found = perfbuf.read(self, self.system, self._cpus, timeout)
        else:
            yield from super().read_ring(timeout=timeout, raw=raw)
            return
        for record in found:
            value_type = self.spec.value_type_id if self.spec is not None else 0
            if raw or self._btf is None or not value_type:
                yield record
            else:
                yield decode(self._btf, value_type, record)

    # -- elements ------------------------------------------------------------------------------

    def _bpf(self, command: Command, fields: Mapping[str, Any]) -> Any:
        return self.system.bpf(command, fields)

    def _batch_call(self, fields: Mapping[str, Any]) -> tuple[int, int]:
        """Return how many elements came and the errno, which also says that it was the end."""
        from ebpf_static_loaders.linux.syscall import BatchError

        try:
            return self._bpf(Command.MAP_LOOKUP_BATCH, fields)["count"], 0
        except BatchError as error:
            return error.count, error.errno or 0
