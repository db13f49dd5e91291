"""Timing that survives a noisy machine: medians of several runs, peers in turn with ours."""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Row(NamedTuple):
    """One line of a result: what was done, the median in milliseconds, and its ratio to a peer."""

    what: str
    milliseconds: float
    peer: str = ""
    peer_milliseconds: float | None = None
    goal: str = ""


def time_call(call: Callable[[], object], runs: int = 9) -> float:
    """Return the median wall time of ``call`` in milliseconds, after one warm-up."""
    call()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def cpu_time(call: Callable[[], object], runs: int = 9) -> float:
    """Return the median CPU time of ``call`` in milliseconds, after one warm-up."""
    call()
    times = []
    for _ in range(runs):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return statistics.median(times) * 1e3


def time_commands(commands: Sequence[Sequence[str]], runs: int = 7) -> list[float | None]:
    """Return the median CPU time (user and system) of each command, run in turn; None if absent."""
    times: list[list[float]] = [[] for _ in commands]
    for turn in range(runs + 1):
        for index, command in enumerate(commands):
            if shutil.which(command[0]) is None:
                continue
            before = _children_seconds()
            subprocess.run(command, check=False, capture_output=True)
            if turn:  # the first turn warms the caches
                times[index].append(_children_seconds() - before)
    return [statistics.median(t) * 1e3 if t else None for t in times]


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def print_rows(title: str, rows: Sequence[Row]) -> None:
    """Print rows as an aligned table with the ratio to the peer."""
    print(f"\n{title}")
    print(f"  {'what':<44} {'ms':>9}  {'goal':>10}  {'peer':<28} {'ms':>9}  {'ratio':>7}")
    for row in rows:
        peer = ratio = ""
        if row.peer_milliseconds is not None:
            peer = _shown(row.peer_milliseconds)
            ratio = f"{row.milliseconds / max(row.peer_milliseconds, 1e-4):6.2f}x"
        name = row.peer if peer else (f"{row.peer} (not installed)" if row.peer else "")
        print(
            f"  {row.what:<44} {_shown(row.milliseconds)}  {row.goal:>10}  {name:<28} "
            f"{peer:>9}  {ratio:>7}"
        )


def _shown(milliseconds: float) -> str:
    return f"{milliseconds:9.2f}" if milliseconds >= _SHORT else f"{milliseconds:9.4f}"


_SHORT = 0.1
"""Milliseconds below which more digits are shown."""

_PEAK = """
import resource
try:
    text = open("/proc/self/status").read()
    kilobytes = next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:"))
except OSError:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(kilobytes)
"""
"""ru_maxrss of a new process is its parent's on Linux, as long as that is larger."""


def peak_memory(code: str, *words: str) -> float:
    """Return the most memory a process of its own takes for some code, in MB."""
    command = [sys.executable, "-c", f"{code}\n{_PEAK}", *words]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, text=True)
    return int(done.stdout.split()[-1]) / 1024
