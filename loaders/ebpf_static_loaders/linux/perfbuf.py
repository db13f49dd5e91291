"""Reading a perf event array as an iterator: a ring for each CPU.

Source: Linux ``include/uapi/linux/perf_event.h``: ``struct perf_event_mmap_page`` and the records
``PERF_RECORD_SAMPLE`` (with raw data) and ``PERF_RECORD_LOST``.
"""

from __future__ import annotations

import errno
import mmap
import select
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ebpf_static_loaders.linux.errors import doing
from ebpf_static_loaders.linux.syscall import PerfEvent, System

if TYPE_CHECKING:
    from ebpf_static_loaders.linux.handles import LinuxMap

_SOFTWARE: Final = 1
_BPF_OUTPUT: Final = 10
_SAMPLE_RAW: Final = 1 << 10
_RECORD_SAMPLE: Final = 9
_IOC_ENABLE: Final = 0x2400
_PAGES: Final = 64
_HEAD, _TAIL = 1024, 1032  # of struct perf_event_mmap_page


def read(item: LinuxMap, system: System, cpus: int, timeout: float | None) -> Iterator[bytes]:
    """Yield the records of every CPU until nothing comes for ``timeout`` seconds.

    Order holds for each CPU alone. Records the kernel had to drop are gone without a trace here.

    Raises:
        LoaderError: the kernel refuses.
    """
    rings: dict[int, mmap.mmap] = {}
    poll = select.poll()
    try:
        for cpu in range(min(cpus, item.info()["max_entries"])):
            _open(item, system, cpu, rings)
        for fd in rings:
            poll.register(fd, select.POLLIN)
        while True:
            progress = False
            for ring in rings.values():
                for record in _drain(ring):
                    progress = True
                    yield record
            if not progress and not poll.poll(None if timeout is None else 1000 * timeout):
                return
    finally:
        for fd, ring in rings.items():
            ring.close()
            system.close(fd)


def _open(item: LinuxMap, system: System, cpu: int, rings: dict[int, mmap.mmap]) -> None:
    event = PerfEvent(_SOFTWARE, _BPF_OUTPUT, period=1, sample_type=_SAMPLE_RAW, wakeup=1)
    try:
        fd = system.perf_event_open(event, -1, cpu)
    except OSError as error:
        if error.errno == errno.ENODEV:
            return  # a CPU that may come but is not there
        with doing("open a perf event"):
            raise
    with doing("map a perf buffer"):
        try:
            rings[fd] = system.mmap(fd, (1 + _PAGES) * mmap.PAGESIZE, 0, writable=True)
        except BaseException:
            system.close(fd)
            raise
        system.ioctl(fd, _IOC_ENABLE, 0)
    item.update(struct.pack("=I", cpu), struct.pack("=I", fd))


def _drain(ring: mmap.mmap) -> Iterator[bytes]:
    page = mmap.PAGESIZE
    size = len(ring) - page
    (tail,) = struct.unpack_from("=Q", ring, _TAIL)
    while True:
        (head,) = struct.unpack_from("=Q", ring, _HEAD)
        if tail >= head:
            return
        kind, length = struct.unpack("=I2xH", _take(ring, tail, 8, size))
        body = _take(ring, tail + 8, max(length, 8) - 8, size)
        tail += max(length, 8)
        struct.pack_into("=Q", ring, _TAIL, tail)
        if kind == _RECORD_SAMPLE:
            (count,) = struct.unpack_from("=I", body)
            yield body[4 : 4 + count]


def _take(ring: mmap.mmap, position: int, count: int, size: int) -> bytes:
    """Return bytes at a position that counts on past the ring's end."""
    page = mmap.PAGESIZE
    start = position % size
    first = bytes(ring[page + start : page + min(start + count, size)])
    return first + bytes(ring[page : page + count - len(first)])
