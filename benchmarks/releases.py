"""Checking for releases of Linux: one large object, and the Debian objects in one process."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.big_object import make_big_object
from benchmarks.timing import Row, cpu_time, print_rows, time_commands
from ebpf_static.api import Checker
from tests.differential.objects import MISSING, debian_objects

ROOT = Path(__file__).resolve().parent.parent
BTF = ROOT / "tests" / "btf" / "data" / "vmlinux-6.12.btf.xz"
EIGHT = tuple(
    f"linux:{line}" for line in ("5.4", "5.10", "5.15", "6.1", "6.6", "6.12", "6.18", "7.3")
)


def run() -> None:
    """Print every measurement of this module; all times are CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.o"
        large.write_bytes(make_big_object(50_000, size=2 << 20))
        single = Path(folder) / "single.o"
        single.write_bytes(make_big_object(50_000, programs=1, size=2 << 20))
        print_rows("2 MB, 50 000 instructions, a process of its own", list(_cold(large, single)))
    found = debian_objects()
    if not found:
        print(f"\n{MISSING}")
        return
    data = [path.read_bytes() for path in found.values()]
    print_rows(f"{len(data)} Debian objects in one process", list(_warm(data)))


def _cold(large: Path, single: Path) -> Iterator[Row]:
    check = [sys.executable, "-m", "ebpf_static", "check", "--exit-zero", "--isolated"]
    jobs = {
        "50 programs, linux:6.1": [str(large), "--target", "linux:6.1"],
        "50 programs, linux:6.12 with its BTF": [
            str(large), "--target", "linux:6.12", "--btf", str(BTF),
        ],
        "one program, linux:6.12 with its BTF": [
            str(single), "--target", "linux:6.12", "--btf", str(BTF),
        ],
    }  # fmt: skip
    times = time_commands([[*check, *arguments] for arguments in jobs.values()])
    for what, milliseconds in zip(jobs, times, strict=True):
        if milliseconds is not None:
            yield Row(what, milliseconds, goal="1500")


def _warm(data: list[bytes]) -> Iterator[Row]:
    each = len(data)
    jobs = {
        "an object, linux:6.1": (Checker.prepare(targets="linux:6.1"), each, "5"),
        "an object, linux:6.12 with its BTF": (
            Checker.prepare(targets="linux:6.12", btf=BTF), each, "5",
        ),
        "all of them, eight releases": (Checker.prepare(targets=EIGHT), 1, "5000"),
    }  # fmt: skip
    for what, (checker, parts, goal) in jobs.items():

        def judge(checker: Checker = checker) -> None:
            for one in data:
                checker.check(one)

        yield Row(what, cpu_time(judge, runs=3) / parts, goal=goal)
