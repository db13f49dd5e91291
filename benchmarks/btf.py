"""Opening a vmlinux BTF, looking types up and relocating CO-RE: ours beside bpftool and libbpf.

CPU time, not wall time: these take long enough for other processes to get in the way. Of bpftool
and libbpf the whole process is measured, of ours the call alone; Python's start comes on top.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from benchmarks.timing import Row, cpu_time, peak_memory, print_rows, time_commands
from ebpf_static.btf import Btf, BtfExt, Kind
from ebpf_static.btf.c_dump import c_header
from ebpf_static.btf.core import CoreRelocator, patch_insn
from ebpf_static.btf.elf_sections import find_sections
from ebpf_static.btf.raw_dump import iter_raw
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import EbpfStaticError

ROOT = Path(__file__).resolve().parent.parent
VMLINUX = Path("/sys/kernel/btf/vmlinux")
COUNT = 100
"""Relocations to resolve at least: what the goal is stated for."""

LOG_SOURCE = ROOT / "tests" / "btf" / "libbpf" / "core_log.c"


def run() -> None:
    """Print every measurement of this module."""
    if not VMLINUX.exists():
        print(f"\nBTF: skipped, this kernel has no {VMLINUX}")
        return
    btf = read_btf(VMLINUX)
    print_rows(f"BTF of this kernel, {len(btf)} types, {len(btf.raw)} bytes", list(_vmlinux()))
    paths = [path for path in (ROOT / "corpus").glob("*/**/*") if path.is_file()]
    counted = max((relocation_count(path), path) for path in paths)
    title = f"CO-RE, {counted[1].name}, {counted[0]} relocations, the first again up to {COUNT}"
    print_rows(title, list(_core(counted[1])))
    print_memory(counted[1])


def look_up() -> None:
    """Open the kernel's BTF and decode one struct."""
    btf = read_btf(VMLINUX)
    found = btf.find("task_struct", Kind.STRUCT)
    if found is not None:
        btf.type(found)
        btf.size_of(found)


def print_memory(path: Path) -> None:
    """Print the most memory a process of its own takes for relocating an object."""
    code = "import sys, pathlib; from benchmarks.btf import relocate_all; "
    code += "relocate_all(pathlib.Path(sys.argv[1]))"
    peak = peak_memory(code, str(path))
    print(f"  {'peak memory of the process, MB':<44} {peak:9.1f}  {'150':>10}")


def _vmlinux() -> Iterator[Row]:
    yield Row("open", cpu_time(lambda: read_btf(VMLINUX)))
    yield Row("open, look up task_struct", cpu_time(look_up), goal="100")
    ours = cpu_time(lambda: list(iter_raw(read_btf(VMLINUX))), 3)
    yield Row("dump raw", ours, "bpftool", _bpftool("raw"))
    ours = cpu_time(lambda: c_header(read_btf(VMLINUX)), 1)
    yield Row("dump as a C header", ours, "bpftool", _bpftool("c"))


def _bpftool(form: str) -> float | None:
    command = ["bpftool", "btf", "dump", "file", str(VMLINUX), "format", form]
    return time_commands([command], 3)[0]


def _core(path: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        tool = build_log_tool(folder)
        theirs = None
        if tool is not None:
            theirs = time_commands([[str(tool), str(path), str(VMLINUX)]])[0]
        ours = cpu_time(lambda: relocate_all(path))
        yield Row("open both, relocate, patch", ours, "libbpf, open and load", theirs, "150")


def sections(path: Path) -> dict[str, bytes]:
    """Return the .BTF and .BTF.ext of an object."""
    data = path.read_bytes()
    found = find_sections(data, (".BTF", ".BTF.ext"), path.name)
    return {name: data[s.offset : s.offset + s.size] for name, s in found.items()}


def relocation_count(path: Path) -> int:
    """Return how many CO-RE relocations an object has; 0 for what is no such object."""
    try:
        parts = sections(path)
        ext = BtfExt.parse(parts[".BTF.ext"], Btf.parse(parts[".BTF"]))
        return sum(len(ext.core_relocations(name)) for name in ext.core_sections)
    except (KeyError, EbpfStaticError):
        return 0


def relocate_all(path: Path) -> None:
    """Open both BTFs and relocate every instruction."""
    data = path.read_bytes()
    parts = sections(path)
    btf = Btf.parse(parts[".BTF"], pointer_size=8)
    ext = BtfExt.parse(parts[".BTF.ext"], btf)
    relocator = CoreRelocator(btf, [read_btf(VMLINUX)])
    work = []
    for name in ext.core_sections:
        section = find_sections(data, (name,), path.name)[name]
        work += [(section.offset + it.insn_offset, it) for it in ext.core_relocations(name)]
    for at, relocation in islice(cycle(work), max(COUNT, len(work))):
        patch_insn(data[at : at + 16], relocator.relocate(relocation), btf.byte_order)


def build_log_tool(folder: str) -> Path | None:
    """Return the libbpf program of the tests, built, or None."""
    program = Path(folder) / "core_log"
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    command = [compiler, "-O1", "-o", str(program), str(LOG_SOURCE), "-lbpf", "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    return program if done.returncode == 0 else None
