"""How time and memory grow with the size of an object and with the number of objects.

Both must be linear: twice as much takes twice as long. Well above 2 per doubling is a defect.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.big_object import make_big_object
from benchmarks.corpus import objects
from benchmarks.timing import cpu_time, peak_memory
from ebpf_static import check

_INSNS = (6_250, 12_500, 25_000, 50_000, 100_000, 200_000)
_READ = "import sys, ebpf_static; ebpf_static.check(sys.argv[1], targets='linux:6.1')"
_MANY = (
    "import sys, pathlib, ebpf_static\n"
    "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
    "    ebpf_static.check(path, targets='linux:6.1')"
)


def run() -> None:
    """Print every measurement of this module."""
    print("\nOne object, growing: check for Linux 6.1")
    sizes = [make_big_object(insns) for insns in _INSNS]
    times = [cpu_time(lambda data=data: _check([data]), 3) for data in sizes]  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        memory = [_memory_of(Path(folder), [data], _READ) for data in sizes]
    _print("instructions", _INSNS, times, memory)

    print("\nMore objects: check for Linux 6.1 in one process")
    data = [path.read_bytes() for path in objects()]
    counts = [count for count in (7, 15, 30, 60, 120) if count <= len(data)]
    # Every second, fourth … one, so that few objects are like many.
    chosen = [[data[n * len(data) // count] for n in range(count)] for count in counts]
    times = [cpu_time(lambda some=some: _check(some), 3) for some in chosen]  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        memory = [_memory_of(Path(folder), some, _MANY) for some in chosen]
    _print("objects", counts, times, memory, [sum(map(len, some)) for some in chosen])
    print(f"\npeak memory of a process that imports it: {peak_memory('import ebpf_static'):.0f} MB")


def _check(objects_: Sequence[bytes]) -> None:
    for data in objects_:
        check(data, targets="linux:6.1")


def _memory_of(folder: Path, objects_: Sequence[bytes], code: str) -> float:
    for old in folder.iterdir():
        old.unlink()
    for number, data in enumerate(objects_):
        (folder / f"{number}.o").write_bytes(data)
    return peak_memory(code, str(folder if code is _MANY else folder / "0.o"))


def _print(
    unit: str,
    counts: Sequence[int],
    times: Sequence[float],
    memory: Sequence[float],
    sizes: Sequence[int] | None = None,
) -> None:
    """Print a row for each count, with what doubling it cost; of uneven objects, per byte."""
    print(f"  {unit:>12} {'ms':>9} {'per doubling':>13} {'peak MB':>9}")
    weights = counts if sizes is None else sizes
    for n, (count, took, peak) in enumerate(zip(counts, times, memory, strict=True)):
        growth = ""
        if n:
            steps = weights[n] / weights[n - 1]
            growth = f"{(took / times[n - 1]) * 2 / steps:.2f}"
        print(f"  {count:>12} {took:>9.1f} {growth:>13} {peak:>9.0f}")
