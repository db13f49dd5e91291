"""Reading and checking objects: cold, warm, large, many; beside the tools people have."""

from __future__ import annotations

import io
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile

from benchmarks.big_object import make_big_object
from benchmarks.timing import Row, print_rows, time_call, time_commands
from ebpf_static import check, read

ROOT = Path(__file__).resolve().parent.parent
SMALL = ROOT / "corpus" / "objects" / "linux" / "btf_maps-clang19-el.o"


def run() -> None:
    """Print every measurement of this module."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.o"
        large.write_bytes(make_big_object(50_000, size=2 << 20))
        print_rows("One process per object (CPU time)", list(_cold(large)))
        print_rows("In one process (wall time)", list(_warm(large)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process: {peak:.0f} MB")


def _cold(large: Path) -> Iterator[Row]:
    tool = [sys.executable, "-m", "ebpf_static"]
    jobs = [
        ("bare Python", [sys.executable, "-c", "pass"], ""),
        ("--version", [*tool, "--version"], ""),
        ("check, small object", [*tool, "check", "--exit-zero", str(SMALL)], "200"),
        ("check, 2 MB, 50 000 instructions", [*tool, "check", "--exit-zero", str(large)], ""),
    ]
    peers = [
        ("readelf -aW", ["readelf", "-aW", str(SMALL)]),
        ("readelf -aW", ["readelf", "-aW", str(SMALL)]),
        ("bpftool btf dump", ["bpftool", "btf", "dump", "file", str(SMALL)]),
        ("llvm-objdump-19 -d", ["llvm-objdump-19", "-d", str(large)]),
    ]
    times = time_commands([command for _, command, _ in jobs] + [command for _, command in peers])
    for index, (what, _, goal) in enumerate(jobs):
        ours = times[index]
        if ours is not None:
            yield Row(what, ours, peers[index][0], times[len(jobs) + index], goal)
    bare, version = times[:2]
    if bare is not None and version is not None:
        yield Row("--version over bare Python", version - bare, goal="60")


def _sections(data: bytes) -> list[str]:
    return [section.name for section in ELFFile(io.BytesIO(data)).iter_sections()]


def _warm(large: Path) -> Iterator[Row]:
    small, big = SMALL.read_bytes(), large.read_bytes()
    peer = "pyelftools, section names only"
    peer_small, peer_big = time_call(lambda: _sections(small)), time_call(lambda: _sections(big))
    yield Row("read, small object", time_call(lambda: read(small)), peer, peer_small)
    yield Row("read and check, small", time_call(lambda: check(read(small))), peer, peer_small, "3")
    yield Row("read, 2 MB", time_call(lambda: read(big)), peer, peer_big)
    yield Row("read and check, 2 MB", time_call(lambda: check(read(big))), peer, peer_big, "400")
