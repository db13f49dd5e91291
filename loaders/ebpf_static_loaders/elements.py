"""Keys and values of one map as its system calls take them, for every platform alike.

A value of a per-CPU map is a list, one item for each possible CPU, each padded to 8 bytes
(``bpf_percpu_array_copy`` of kernel/bpf/arraymap.c; efW's ``bpf_map_lookup_elem`` alike).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ebpf_static.btf import Btf
from ebpf_static.errors import UsageError
from ebpf_static.loading import Handle
from ebpf_static_loaders.typed import decode, encode

_MAX_BATCH_BYTES = 16 << 20
_HANDLE_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """How the elements of a map become Python values and come back.

    Attributes:
        name: the map's, for messages.
        key_size: bytes of a key.
        value_size: bytes of a value, of one CPU's in a per-CPU map.
        key_type_id: BTF id of the key, 0 when unknown.
        value_type_id: BTF id of the value, 0 when unknown.
        btf: where the types are, None without any.
        cpus: possible CPUs of a per-CPU map, 0 for every other map.
        has_ids: whether its values are read as ids of maps or programs.
        handle: the class of handles it takes as values, for their descriptor.
    """

    name: str
    key_size: int
    value_size: int
    key_type_id: int
    value_type_id: int
    btf: Btf | None
    cpus: int
    has_ids: bool
    handle: type[Handle]

    @property
    def _stride(self) -> int:
        return -(-self.value_size // 8) * 8

    @property
    def value_bytes(self) -> int:
        """Bytes a system call reads or writes as one value."""
        return self._stride * self.cpus if self.cpus else self.value_size

    def batch_size(self, wanted: int) -> int:
        """Return how many elements to ask for at once: ``wanted``, within a memory bound."""
        return max(1, min(wanted, _MAX_BATCH_BYTES // max(1, self.value_bytes)))

    def encode_key(self, key: Any) -> bytes:
        """Return a key's bytes.

        Raises:
            UsageError: it does not fit.
        """
        return self._encode(key, self.key_type_id, self.key_size, "key")

    def decode_key(self, key: bytes) -> Any:
        """Return what a key's bytes mean."""
        return self._decode(key, self.key_type_id)

    def encode_value(self, value: Any) -> bytes:
        """Return a value's bytes; a per-CPU map takes a list, or one value for every CPU.

        Raises:
            UsageError: it does not fit, or is a handle of another loader.
        """
        if isinstance(value, Handle):
            number = getattr(value, "fd", None) if isinstance(value, self.handle) else None
            if not isinstance(number, int):
                raise UsageError(f"map `{self.name}` takes handles of the same loader only")
            return number.to_bytes(_HANDLE_BYTES, sys.byteorder)
        if not self.cpus:
            return self._encode(value, self.value_type_id, self.value_size, "value")
        if isinstance(value, bytes | bytearray) and len(value) == self.value_bytes:
            return bytes(value)
        values = list(value) if isinstance(value, list | tuple) else [value] * self.cpus
        if len(values) != self.cpus:
            raise UsageError(
                f"map `{self.name}` has a value for each of {self.cpus} CPUs, not {len(values)}"
            )
        parts = (self._encode(it, self.value_type_id, self.value_size, "value") for it in values)
        return b"".join(part.ljust(self._stride, b"\0") for part in parts)

    def decode_value(self, value: bytes, *, raw: bool) -> Any:
        """Return what a value's bytes mean; the bytes (of each CPU) themselves when ``raw``."""
        if not self.cpus:
            return value if raw else self._decode(value, self.value_type_id)
        starts = range(0, len(value), self._stride)
        parts = [value[at : at + self.value_size] for at in starts]
        return parts if raw else [self._decode(part, self.value_type_id) for part in parts]

    def split(
        self, keys: bytes, values: bytes, count: int, *, raw: bool
    ) -> Iterator[tuple[Any, Any]]:
        """Yield the elements a batch call wrote."""
        wide, high = self.key_size, self.value_bytes
        for index in range(count):
            key = keys[index * wide : (index + 1) * wide]
            value = values[index * high : (index + 1) * high]
            yield (key if raw else self.decode_key(key)), self.decode_value(value, raw=raw)

    def _encode(self, value: Any, type_id: int, size: int, noun: str) -> bytes:
        if isinstance(value, bytes | bytearray):
            raw = bytes(value)
        elif self.btf is not None and type_id:
            raw = encode(self.btf, type_id, value)
        elif isinstance(value, int):
            if not -(1 << 8 * size - 1) <= value < 1 << 8 * size:
                raise UsageError(f"map `{self.name}`: {value} is no {noun} of {size} bytes")
            raw = (value % (1 << 8 * size)).to_bytes(size, sys.byteorder)
        else:
            raise UsageError(f"map `{self.name}` has no types: give the {noun} as bytes or number")
        if len(raw) != size:
            raise UsageError(f"map `{self.name}`: a {noun} has {size} bytes, not {len(raw)}")
        return raw

    def _decode(self, raw: bytes, type_id: int) -> Any:
        if self.btf is not None and type_id:
            return decode(self.btf, type_id, raw)
        if self.has_ids and len(raw) == _HANDLE_BYTES:
            return int.from_bytes(raw, sys.byteorder)
        return raw
