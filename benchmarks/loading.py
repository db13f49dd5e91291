"""Loading the same object by our loader and by libbpf: time in user space, kernel time aside."""

from __future__ import annotations

import ctypes
import ctypes.util
import resource
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.timing import Row, print_rows, time_call
from ebpf_static import LoadOptions, load, read
from ebpf_static.api_load import get_loader
from ebpf_static.registry import get_registry

ROOT: Final = Path(__file__).resolve().parent.parent
DATA: Final = ROOT / "tests" / "loaders" / "data"
TOOLS: Final = ROOT / "corpus" / "debian" / "libbpf-tools"
_RUNS: Final = 15


def run() -> None:
    """Print every measurement of this module."""
    loader = get_loader("linux", None, get_registry())
    problem = loader.available()
    if problem is not None:
        print(f"\nLoading: not measured: {problem}")
        return
    print_rows("Loading and closing (user CPU time, in one process)", list(_rows(_user_time)))
    print_rows("Loading and closing (wall time, the kernel's included)", list(_rows(time_call)))


def _rows(measure: Callable[[Callable[[], object]], float]) -> Iterator[Row]:
    libbpf = _libbpf()
    for path in (DATA / "basic.o", DATA / "hooks.o", *TOOLS.glob("opensnoop@*.o")):
        data = path.read_bytes()
        spec = read(data)
        peer = None if libbpf is None else measure(lambda d=data: _by_libbpf(libbpf, d))  # type: ignore[misc]
        ours = measure(lambda s=spec: _by_us(s))  # type: ignore[misc]
        yield Row(f"{path.name}, spec at hand", ours, "libbpf, from bytes", peer, "3x")
        whole = measure(lambda d=data: _by_us(read(d)))  # type: ignore[misc]
        yield Row(f"{path.name}, from bytes", whole, "libbpf, from bytes", peer)
        checked = measure(lambda d=data: load(read(d), loader="linux").close())  # type: ignore[misc]
        yield Row(f"{path.name}, checked and loaded", checked, "libbpf, from bytes", peer)


def _by_us(spec: object) -> None:
    load(spec, loader="linux", checked=False, options=LoadOptions()).close()  # type: ignore[arg-type]


def _libbpf() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("bpf")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.bpf_object__open_mem.restype = ctypes.c_void_p
    library.bpf_object__open_mem.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p)
    library.bpf_object__load.argtypes = (ctypes.c_void_p,)
    library.bpf_object__close.argtypes = (ctypes.c_void_p,)
    library.bpf_object__close.restype = None
    return library


def _by_libbpf(library: ctypes.CDLL, data: bytes) -> None:
    opened = library.bpf_object__open_mem(data, len(data), None)
    if library.bpf_object__load(opened):
        raise RuntimeError("libbpf does not load it")
    library.bpf_object__close(opened)


def _user_time(call: Callable[[], object]) -> float:
    """Return the median user CPU time of a call in milliseconds; many calls make one sample."""
    call()
    times = []
    for _ in range(_RUNS):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        for _ in range(10):
            call()
        times.append((resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) / 10)
    return statistics.median(times) * 1e3
