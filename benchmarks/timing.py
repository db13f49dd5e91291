"""Timing that survives a noisy machine: medians of several runs, peers in turn with ours."""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


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
            peer = f"{row.peer_milliseconds:9.2f}"
            ratio = f"{row.milliseconds / max(row.peer_milliseconds, 1e-3):6.2f}x"
        name = row.peer if peer else (f"{row.peer} (not installed)" if row.peer else "")
        print(
            f"  {row.what:<44} {row.milliseconds:9.2f}  {row.goal:>10}  {name:<28} "
            f"{peer:>9}  {ratio:>7}"
        )
