"""Reading a ring buffer as an iterator.

Source: Linux ``Documentation/bpf/ringbuf.rst`` and ``kernel/bpf/ringbuf.c``: a page with the
consumer's position, a page with the producer's, then the data, mapped twice in a row so that no
record is ever cut. A record's header is its length with two flag bits, then a page offset.
"""

from __future__ import annotations

import mmap
import select
import struct
from collections.abc import Iterator
from typing import Final

from ebpf_static_loaders.linux.errors import doing
from ebpf_static_loaders.linux.syscall import System

_BUSY: Final = 1 << 31
_DISCARD: Final = 1 << 30
_HEADER: Final = 8
_LENGTH_MASK: Final = _DISCARD - 1


def read(system: System, fd: int, size: int, timeout: float | None) -> Iterator[bytes]:
    """Yield records until nothing comes for ``timeout`` seconds.

    Args:
        system: the calls.
        fd: the map.
        size: bytes of the buffer.
        timeout: None waits for ever.

    Raises:
        LoaderError: the kernel refuses to map it.
    """
    page = mmap.PAGESIZE
    with doing("map the ring buffer"):
        consumer = system.mmap(fd, page, 0, writable=True)
        try:
            data = system.mmap(fd, page + 2 * size, page, writable=False)
        except BaseException:
            consumer.close()
            raise
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    try:
        while True:
            progress = False
            for record in _drain(consumer, data, size):
                progress = True
                yield record
            if not progress and not poll.poll(None if timeout is None else 1000 * timeout):
                return
    finally:
        data.close()
        consumer.close()


def _drain(consumer: mmap.mmap, data: mmap.mmap, size: int) -> Iterator[bytes]:
    page = mmap.PAGESIZE
    (position,) = struct.unpack_from("=Q", consumer, 0)
    while True:
        (end,) = struct.unpack_from("=Q", data, 0)
        if position >= end:
            return
        start = page + (position & (size - 1))
        (header,) = struct.unpack_from("=I", data, start)
        if header & _BUSY:
            return
        length = header & _LENGTH_MASK
        record = None
        if not header & _DISCARD:
            record = bytes(data[start + _HEADER : start + _HEADER + length])
        position += (length + _HEADER + 7) & ~7
        struct.pack_into("=Q", consumer, 0, position)
        if record is not None:
            yield record
