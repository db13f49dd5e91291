"""Opening a vmlinux BTF, looking types up and relocating CO-RE: ours beside bpftool and libbpf."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import Row, print_rows, time_call
from ebpf_static.btf import Btf, BtfExt, Kind
from ebpf_static.btf.c_dump import c_header
from ebpf_static.btf.core import CoreRelocator, patch_insn
from ebpf_static.btf.elf_sections import find_sections
from ebpf_static.btf.raw_dump import iter_raw
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import EbpfStaticError

ROOT = Path(__file__).resolve().parent.parent
VMLINUX = Path("/sys/kernel/btf/vmlinux")
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
    print_rows(f"CO-RE, {counted[1].name}, {counted[0]} relocations", list(_core(counted[1])))


def look_up() -> None:
    """Open the kernel's BTF and decode one struct."""
    btf = read_btf(VMLINUX)
    found = btf.find("task_struct", Kind.STRUCT)
    if found is not None:
        btf.type(found)
        btf.size_of(found)


def _vmlinux() -> Iterator[Row]:
    yield Row("open", time_call(lambda: read_btf(VMLINUX)))
    yield Row("open, look up task_struct", time_call(look_up), goal="100")
    ours = time_call(lambda: list(iter_raw(read_btf(VMLINUX))), 3)
    yield Row("dump raw", ours, "bpftool", _bpftool("raw"))
    ours = time_call(lambda: c_header(read_btf(VMLINUX)), 1)
    yield Row("dump as a C header", ours, "bpftool", _bpftool("c"))


def _bpftool(form: str) -> float | None:
    if shutil.which("bpftool") is None:
        return None
    command = ["bpftool", "btf", "dump", "file", str(VMLINUX), "format", form]
    return time_call(lambda: subprocess.run(command, capture_output=True, check=False), 3)


def _core(path: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        tool = build_log_tool(folder)
        command = [str(tool), str(path), str(VMLINUX)]
        theirs = None
        if tool is not None:
            theirs = time_call(lambda: subprocess.run(command, capture_output=True, check=False))
        ours = time_call(lambda: relocate_all(path))
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
    for name in ext.core_sections:
        section = find_sections(data, (name,), path.name)[name]
        for relocation in ext.core_relocations(name):
            at = section.offset + relocation.insn_offset
            patch_insn(data[at : at + 16], relocator.relocate(relocation), btf.byte_order)


def build_log_tool(folder: str) -> Path | None:
    """Return the libbpf program of the tests, built, or None."""
    program = Path(folder) / "core_log"
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    command = [compiler, "-O1", "-o", str(program), str(LOG_SOURCE), "-lbpf"]
    done = subprocess.run(command, capture_output=True, check=False)
    return program if done.returncode == 0 else None
