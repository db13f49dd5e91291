"""``bpf()`` of ``ebpfapi.dll``: Linux's call with efW's commands and attributes.

Source: efW ``include/linux/bpf.h``, ``libs/api/bpf_syscall.cpp``. The layouts come from the
table; a field of eight bytes is a number or, given bytes, their address.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping
from typing import Final, TypeAlias

from ebpf_static.errors import UsageError
from ebpf_static_loaders.windows.dll import Library
from ebpf_static_loaders.windows.results import from_errno
from ebpf_static_loaders.windows.tables import Field, Layout, command

Value: TypeAlias = int | bytes | bytearray | None
"""What a field takes: a number, bytes efW reads, a bytearray it writes, None for zero."""

NAME_BYTES: Final = 15
"""Bytes of a name an attribute carries (``SYS_BPF_OBJ_NAME_LEN`` with its NUL)."""

_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Answer:
    """What a call returned, and the fields of its attribute as efW left them."""

    __slots__ = ("_layout", "_raw", "value")

    def __init__(self, value: int, layout: Layout, raw: bytes) -> None:
        self.value = value
        self._layout = layout
        self._raw = raw

    def __getitem__(self, name: str) -> int:
        return unpack(self._layout.fields[name], self._raw)


def bpf(library: Library, name: str, fields: Mapping[str, Value]) -> Answer:
    """Make one call.

    Args:
        library: the DLL.
        name: the command without ``BPF_``.
        fields: values by field of the command's attribute; what is left out is zero.

    Raises:
        LoaderError: eBPF for Windows has no such command.
        CallError: the call failed.
    """
    found = command(name)
    attr, kept = pack(found.layout, fields)
    value: int = library.call("bpf", found.number, attr, len(attr))
    del kept
    if value < 0:
        raise from_errno(value, library.host.last_error())
    return Answer(value, found.layout, attr.raw)


def pack(
    layout: Layout, fields: Mapping[str, Value]
) -> tuple[ctypes.Array[ctypes.c_char], list[object]]:
    """Return an attribute, and the buffers it points to, which must outlive the call.

    Raises:
        UsageError: a value does not fit its field.
    """
    attr = ctypes.create_string_buffer(layout.size)
    kept: list[object] = []
    for name, value in fields.items():
        if value is None:
            continue
        field = layout.fields[name]
        raw = _encode(name, field, value, kept)
        ctypes.memmove(ctypes.addressof(attr) + field.offset, raw, field.size)
    return attr, kept


def _encode(name: str, field: Field, value: int | bytes | bytearray, kept: list[object]) -> bytes:
    if isinstance(value, int):
        if not -(1 << 8 * field.size - 1) <= value < 1 << 8 * field.size:
            raise UsageError(f"{name}: {value} does not fit {field.size} bytes")
        return (value % (1 << 8 * field.size)).to_bytes(field.size, "little")
    if field.size == 8:
        return address(value, kept).to_bytes(8, "little")
    if len(value) > field.size:
        raise UsageError(f"{name}: {len(value)} bytes do not fit {field.size}")
    return bytes(value).ljust(field.size, b"\0")


def address(value: bytes | bytearray, kept: list[object]) -> int:
    """Return where bytes lie; a bytearray is seen changed when efW writes there.

    Args:
        value: the bytes; none have no address (0).
        kept: takes what must outlive the address.
    """
    if not value:
        return 0
    if isinstance(value, bytearray):
        view = (ctypes.c_char * len(value)).from_buffer(value)
        kept.append(view)
        return ctypes.addressof(view)
    pointer = ctypes.c_char_p(value)
    kept.extend((value, pointer))
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0


def unpack(field: Field, raw: bytes) -> int:
    """Return the number a field holds."""
    number: int = struct.unpack_from("<" + _CODES[field.size], raw, field.offset)[0]
    return number


def encode_name(name: str) -> bytes:
    """Return a name as an attribute carries it."""
    return name.encode("utf-8", "surrogateescape")[:NAME_BYTES]
