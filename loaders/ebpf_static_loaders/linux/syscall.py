"""The one place that talks to the kernel: ``bpf(2)`` and the few other calls loading takes.

Everything above asks a :class:`System`; tests and the dry run hand in one of their own. A call
that fails raises :class:`OSError` with the kernel's errno, which the callers put into words.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import struct
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol, TypeAlias

from ebpf_static_loaders.linux.layouts import LAYOUTS, Command, Field

Value: TypeAlias = int | bytes | bytearray | None
"""What a field takes: a number, bytes the kernel reads, a bytearray it writes, None for zero."""

_BPF: Final = {
    "x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280, "ppc64le": 361,
    "ppc64": 361, "s390x": 351, "armv7l": 386, "i686": 357,
}  # fmt: skip
_PERF_EVENT_OPEN: Final = {
    "x86_64": 298, "aarch64": 241, "riscv64": 241, "loongarch64": 241, "ppc64le": 319,
    "ppc64": 319, "s390x": 331, "armv7l": 364, "i686": 336,
}  # fmt: skip
_FD_CLOEXEC: Final = 8  # PERF_FLAG_FD_CLOEXEC
_MAP_FIXED_NOREPLACE: Final = 0x100000
_MAP_FAILED: Final = ctypes.c_void_p(-1).value
_PERF_ATTR_BYTES: Final = 72  # PERF_ATTR_SIZE_VER1, which every kernel with eBPF takes
BATCHES: Final = frozenset(
    {
        Command.MAP_LOOKUP_BATCH, Command.MAP_LOOKUP_AND_DELETE_BATCH, Command.MAP_UPDATE_BATCH,
        Command.MAP_DELETE_BATCH,
    }
)  # fmt: skip


class Answer:
    """What a call returned, and the fields of its attribute as the kernel left them."""

    __slots__ = ("_command", "_raw", "value")

    def __init__(self, value: int, command: Command, raw: bytes) -> None:
        self.value = value
        self._command = command
        self._raw = raw

    def __getitem__(self, name: str) -> int:
        field = LAYOUTS[self._command].fields[name]
        number: int = field.packer.unpack_from(self._raw, field.offset)[0]
        return number


class PerfEvent(NamedTuple):
    """The fields of ``struct perf_event_attr`` loading uses; ``text`` is pointed to by config1."""

    type: int
    config: int = 0
    period: int = 0
    sample_type: int = 0
    flags: int = 0
    wakeup: int = 0
    text: bytes | None = None
    config2: int = 0


class BatchError(OSError):
    """A batch that ended early, which is also how the last one ends.

    Attributes:
        count: elements that came before.
    """

    count = 0


class System(Protocol):
    """The calls a loader makes."""

    def bpf(self, command: Command, fields: Mapping[str, Value]) -> Answer:
        """Make one ``bpf(2)`` call."""

    def perf_event_open(self, event: PerfEvent, pid: int, cpu: int) -> int:
        """Open a perf event and return its descriptor."""

    def ioctl(self, fd: int, request: int, argument: int | bytes) -> int:
        """Make one ``ioctl(2)`` call."""

    def mmap(self, fd: int, length: int, offset: int, *, writable: bool) -> mmap.mmap:
        """Map ``length`` bytes of a descriptor, shared."""

    def map_at(self, fd: int, length: int, address: int, contents: bytes) -> int:
        """Map ``length`` bytes at an address (0 for any), begin with ``contents``.

        Returns:
            Where they are.
        """

    def unmap(self, address: int, length: int) -> None:
        """Undo :meth:`map_at`."""

    def netlink(self, message: bytes) -> bytes:
        """Send one rtnetlink request and return the payload of the answer.

        Raises:
            OSError: the kernel's negative acknowledgement.
        """

    def close(self, fd: int) -> None:
        """Close a descriptor."""

    def unlink(self, path: str) -> None:
        """Remove a pin."""

    def open_path(self, path: str) -> int:
        """Open what something attaches to (a cgroup, a namespace) and return its descriptor."""


def syscall_problem() -> str | None:
    """Return why ``bpf(2)`` cannot be called from this process, None when it can be tried."""
    if sys.platform != "linux":
        return f"this is no Linux ({sys.platform}): bpf(2) does not exist here"
    if platform.machine() not in _BPF:
        return f"the number of bpf(2) on {platform.machine()} is not known"
    return None


class LinuxSystem:
    """The running kernel."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._call = self._libc.syscall
        self._call.restype = ctypes.c_long
        machine = platform.machine()
        self._bpf = _BPF[machine]
        self._perf = _PERF_EVENT_OPEN[machine]

    def bpf(self, command: Command, fields: Mapping[str, Value]) -> Answer:
        """Make one ``bpf(2)`` call."""
        attr, kept = pack(command, fields)
        try:
            value = self._syscall(self._bpf, int(command), attr, len(attr))
        except OSError as error:
            if command in BATCHES:
                failed = BatchError(error.errno, error.strerror)
                failed.count = Answer(-1, command, attr.raw)["count"]
                raise failed from None
            raise
        del kept
        return Answer(value, command, attr.raw)

    def perf_event_open(self, event: PerfEvent, pid: int, cpu: int) -> int:
        """Open a perf event and return its descriptor."""
        text = None if event.text is None else ctypes.create_string_buffer(event.text)
        address = 0 if text is None else ctypes.addressof(text)
        attr = struct.pack(
            "=IIQQQQQIIQQ", event.type, _PERF_ATTR_BYTES, event.config, event.period,
            event.sample_type, 0, event.flags, event.wakeup, 0, address, event.config2,
        )  # fmt: skip
        buffer = ctypes.create_string_buffer(attr, len(attr))
        return self._syscall(self._perf, buffer, pid, cpu, -1, _FD_CLOEXEC)

    def ioctl(self, fd: int, request: int, argument: int | bytes) -> int:
        """Make one ``ioctl(2)`` call."""
        import fcntl

        result = fcntl.ioctl(fd, request, argument)
        return result if isinstance(result, int) else 0

    def mmap(self, fd: int, length: int, offset: int, *, writable: bool) -> mmap.mmap:
        """Map ``length`` bytes of a descriptor, shared."""
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        return mmap.mmap(fd, length, mmap.MAP_SHARED, protection, offset=offset)

    def map_at(self, fd: int, length: int, address: int, contents: bytes) -> int:
        """Map ``length`` bytes at an address (0 for any), begin with ``contents``."""
        flags = mmap.MAP_SHARED | (_MAP_FIXED_NOREPLACE if address else 0)
        call = self._libc.mmap
        call.restype = ctypes.c_void_p
        call.argtypes = (
            ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
            ctypes.c_long,
        )  # fmt: skip
        found: int = call(address, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, 0) or 0
        if found == _MAP_FAILED:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        ctypes.memmove(found, contents, min(len(contents), length))
        return found

    def unmap(self, address: int, length: int) -> None:
        """Undo :meth:`map_at`."""
        self._libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
        self._libc.munmap(address, length)

    def netlink(self, message: bytes) -> bytes:
        """Send one rtnetlink request and return the payload of the answer."""
        import socket

        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as channel:
            channel.bind((0, 0))
            channel.send(message)
            return _acknowledged(channel.recv(1 << 16))

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    def unlink(self, path: str) -> None:
        """Remove a pin."""
        os.unlink(path)  # noqa: PTH108 - one call, one system call

    def open_path(self, path: str) -> int:
        """Open something for reading and return its descriptor."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def _syscall(self, number: int, *arguments: object) -> int:
        value: int = self._call(ctypes.c_long(number), *map(_argument, arguments))
        if value < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return value


def _argument(value: object) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _acknowledged(answer: bytes) -> bytes:
    """Return what follows the header, or raise the error a NLMSG_ERROR carries."""
    (kind,) = struct.unpack_from("=H", answer, 4)
    if kind == 2:
        (code,) = struct.unpack_from("=i", answer, 16)
        if code:
            raise OSError(-code, os.strerror(-code))
        return b""
    return answer[16:]


def pack(
    command: Command, fields: Mapping[str, Value]
) -> tuple[ctypes.Array[ctypes.c_char], list[object]]:
    """Return the attribute, and the buffers it points to, which must outlive the call.

    A bytearray is pointed to directly, so that what the kernel writes is seen in it.
    """
    layout = LAYOUTS[command]
    attr = ctypes.create_string_buffer(layout.size)
    kept: list[object] = []
    for name, value in fields.items():
        if value is None:
            continue
        field = layout.fields[name]
        if value:  # the attribute is zero to begin with
            field.packer.pack_into(attr, field.offset, _encode(field, value, kept))
    return attr, kept


def _encode(field: Field, value: int | bytes | bytearray, kept: list[object]) -> int | bytes:
    if field.code != "P":
        if isinstance(value, int):
            return value & 0xFFFFFFFF if field.code == "I" else value
        return bytes(value)
    if isinstance(value, int):
        return value
    kept.append(value)
    if isinstance(value, bytearray):
        if not value:
            return 0
        view = (ctypes.c_char * len(value)).from_buffer(value)
        kept.append(view)
        return ctypes.addressof(view)
    # The kernel only reads these; ctypes finds the bytes' own storage without a copy.
    pointer = ctypes.c_char_p(value)
    kept.append(pointer)
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0
