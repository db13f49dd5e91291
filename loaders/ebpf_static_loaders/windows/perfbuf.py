"""Reading a perf event array as an iterator: the DLL calls back, we hand on.

Source: efW ``docs/PerfEventArray.md``. Reading when asked to, in the caller's own thread, is
there from efW 1.1.0 on; before, the DLL calls from threads of its own, which nobody can wait for.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, Final

from ebpf_static.errors import LoaderError
from ebpf_static_loaders.windows.results import errno_name, rejected
from ebpf_static_loaders.windows.runtime import Runtime

_SAMPLE: Final = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32
)
_LOST: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64)
_STEP: Final = 0.5
"""Seconds one call waits at most."""


def read(runtime: Runtime, fd: int, timeout: float | None) -> Iterator[bytes]:
    """Yield records until nothing comes for ``timeout`` seconds.

    Raises:
        LoaderError: efW refuses, is older than 1.1.0, or records were lost.
    """
    library = runtime.library
    library.require("perf_buffer__poll", "perf_buffer__new", "perf_buffer__free")
    found: list[bytes] = []
    lost: list[int] = []

    def take(_context: Any, _cpu: int, data: Any, size: int) -> None:
        found.append(ctypes.string_at(data, size) if data and size else b"")

    def miss(_context: Any, _cpu: int, count: int) -> None:
        lost.append(count)

    callbacks = _SAMPLE(take), _LOST(miss)
    buffer = library.call("perf_buffer__new", fd, 0, *callbacks, None, None)
    if not buffer:
        raise rejected("cannot open the perf event array", "EINVAL")
    waited = 0.0
    try:
        while True:
            # In steps: Python sees Ctrl-C only between two calls.
            step = _STEP if timeout is None else min(_STEP, max(0.0, timeout - waited))
            code: int = library.call("perf_buffer__poll", buffer, int(1000 * step))
            if code < 0:
                raise rejected("cannot read the perf event array", errno_name(-code))
            waited = 0.0 if found else waited + step
            yield from found
            found.clear()
            if lost:
                raise LoaderError(f"{sum(lost)} records of the perf event array were lost")
            if timeout is not None and waited >= timeout and not code:
                return
    finally:
        library.call("perf_buffer__free", buffer)
