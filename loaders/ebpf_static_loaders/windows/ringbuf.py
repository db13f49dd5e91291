"""Reading a ring buffer as an iterator, through the memory it shares with this process.

Source: efW ``docs/RingBuffer.md``: a position for the consumer, one for the producer, and the data
mapped twice in a row so that no record is ever cut. Records are Linux's: eight bytes of header,
of which the first four are the length and two flag bits.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Final

from ebpf_static.errors import LoaderError
from ebpf_static_loaders.windows.results import doing
from ebpf_static_loaders.windows.runtime import Ring, Runtime

_BUSY: Final = 1 << 31
_DISCARD: Final = 1 << 30
_HEADER: Final = 8
_LENGTH_MASK: Final = _DISCARD - 1


def read(runtime: Runtime, fd: int, timeout: float | None) -> Iterator[bytes]:
    """Yield records until nothing comes for ``timeout`` seconds.

    Args:
        runtime: the efW.
        fd: the map, of which a descriptor of our own is made.
        timeout: None waits for ever.

    Raises:
        LoaderError: efW refuses to map it, or is older than 1.0.0-rc1.
    """
    host = runtime.library.host
    with doing("map the ring buffer"):
        own = runtime.duplicate(fd)
        try:
            ring = runtime.map_ring(own)
        except BaseException:
            runtime.close(own)
            raise
    event = 0
    try:
        with doing("wait for the ring buffer"):
            event = _create_event(runtime)
            runtime.set_wait_handle(own, event)
        while True:
            progress = False
            for record in _drain(ring):
                progress = True
                yield record
            if not progress and not host.wait(event, timeout):
                return
    finally:
        runtime.unmap_ring(own, ring)
        try:
            with doing("close the ring buffer"):
                runtime.close(own)
        finally:
            # Last: while the map may still set it, the event must exist.
            if event:
                host.close_event(event)


def _create_event(runtime: Runtime) -> int:
    try:
        return runtime.library.host.create_event()
    except OSError as error:
        raise LoaderError(f"no event to wait for the ring buffer: {error}") from error


def _drain(ring: Ring) -> Iterator[bytes]:
    consumer = ctypes.c_uint64.from_address(ring.consumer)
    producer = ctypes.c_uint64.from_address(ring.producer)
    position = consumer.value
    while position < producer.value:
        start = ring.data + position % ring.size
        header = ctypes.c_uint32.from_address(start).value
        if header & _BUSY:
            return
        length = header & _LENGTH_MASK
        if length > ring.size - _HEADER:
            raise LoaderError(f"the ring buffer holds a record of {length} bytes, more than fit")
        record = None
        if not header & _DISCARD:
            record = ctypes.string_at(start + _HEADER, length)
        position += (length + _HEADER + 7) & ~7
        consumer.value = position
        if record is not None:
            yield record
