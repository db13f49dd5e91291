"""The Debian corpus by us and, in the same run, by the tools people have.

CPU time of everything, so that other processes do not count. The peers do far less than a check:
they list, dump or open; the ratio says what judging costs on top. Fetch the corpus first, with
``python3 corpus/fetch_debian.py``; without it our own objects are taken.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import io
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from benchmarks.timing import Row, cpu_time, print_rows, time_commands
from ebpf_static import check, read
from ebpf_static.btf import Btf
from ebpf_static.btf.elf_sections import find_sections
from ebpf_static.btf.raw_dump import iter_raw
from ebpf_static.containers import iter_objects
from ebpf_static.errors import EbpfStaticError
from ebpf_static.matrix import build_matrix
from ebpf_static.support.targets import default_matrix, parse_target
from ebpf_static.target import Platform

ROOT = Path(__file__).resolve().parent.parent
DEBIAN = ROOT / "corpus" / "debian"
OURS = ROOT / "corpus" / "objects" / "linux"
_PROCESSES = 12
"""Objects that get a process of their own each."""


def run() -> None:
    """Print every measurement of this module."""
    paths = objects()
    print(f"\n{len(paths)} objects of {paths[0].parents[1].name}/, {_size(paths)} kB")
    print_rows("A process per object, CPU ms each", list(_cold(paths)))
    print_rows("In one process, CPU ms per object", list(_warm(paths)))
    libbpf = _Libbpf.find()
    if libbpf is not None:
        opened = sum(libbpf.open_object(path.read_bytes()) for path in paths)
        print(f"  libbpf opens {opened} of {len(paths)}; the others it refuses early")
    print_rows("Every object in an archive, CPU ms in all", list(_containers(paths)))
    print_rows("Against eight releases, CPU ms in all", list(_matrix(paths)))


def objects() -> list[Path]:
    """Return the objects of the Debian corpus, distinct by content; our own without it."""
    found = sorted(p for p in DEBIAN.rglob("*") if p.suffix in (".o", ".elf"))
    by_content = {path.read_bytes(): path for path in found or sorted(OURS.glob("*.o"))}
    return list(by_content.values())


def _size(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths) // 1000


# --- a process each ------------------------------------------------------------------------------


def _cold(paths: Sequence[Path]) -> Iterator[Row]:
    chosen = paths[:: max(1, len(paths) // _PROCESSES)][:_PROCESSES]
    tool = (sys.executable, "-m", "ebpf_static")
    ours = {
        "check": (*tool, "check", "--exit-zero", "-qq"),
        "check, Linux 6.1": (*tool, "check", "--exit-zero", "-qq", "--target", "linux:6.1"),
        "inspect": (*tool, "inspect"),
        "inspect --disasm": (*tool, "inspect", "--disasm"),
    }
    peers = {
        "readelf -aW": ("readelf", "-aW"),
        "bpftool btf dump": ("bpftool", "btf", "dump", "file"),
        "llvm-objdump -d": ("llvm-objdump-19", "-d"),
        "bare Python": (sys.executable, "-c", "pass"),
    }
    for name, command in ours.items():
        mine = _each(command, chosen)
        for peer, words in peers.items():
            yield Row(name, mine or 0.0, peer, _each(words, chosen))


def _each(command: Sequence[str], paths: Sequence[Path]) -> float | None:
    times = time_commands([[*command, str(path)] for path in paths], runs=3)
    known = [time for time in times if time is not None]
    return sum(known) / len(known) if known else None


# --- in one process ------------------------------------------------------------------------------


def _warm(paths: Sequence[Path]) -> Iterator[Row]:
    data = [path.read_bytes() for path in paths]
    types = [btf for btf in map(_btf, data) if btf]

    def each(job: Callable[[bytes], object], items: Sequence[bytes] = data) -> float:
        return cpu_time(lambda: [job(item) for item in items], 3) / len(items)

    libbpf = _Libbpf.find()
    peers = {
        "pyelftools, sections": each(_sections),
        "pyelftools, every table": each(_tables),
        "libbpf (C), open": None if libbpf is None else each(libbpf.open_object),
    }
    jobs = {
        "read": (each(read), ""),
        "check, its own platform": (each(check), ""),
        "check, Linux 6.1": (each(lambda it: check(it, targets="linux:6.1")), "5"),
    }
    for what, (mine, goal) in jobs.items():
        for name, theirs in peers.items():
            yield Row(what, mine, name, theirs, goal)
    theirs = None if libbpf is None else each(libbpf.open_btf, types)
    yield Row("BTF: open", each(Btf.parse, types), "libbpf (C), open", theirs)
    yield Row("BTF: open, decode all", each(_decode, types), "libbpf (C), open", theirs)
    mine = each(lambda it: list(iter_raw(Btf.parse(it))), types)
    yield Row("BTF: dump raw", mine, "libbpf (C), open", theirs)


def _sections(data: bytes) -> list[str]:
    return [section.name for section in ELFFile(io.BytesIO(data)).iter_sections()]


def _tables(data: bytes) -> int:
    """Read every symbol and relocation, as the library offers it."""
    count = 0
    for section in ELFFile(io.BytesIO(data)).iter_sections():
        if isinstance(section, SymbolTableSection):
            count += sum(1 for _ in section.iter_symbols())
        elif isinstance(section, RelocationSection):
            count += sum(1 for _ in section.iter_relocations())
    return count


def _btf(data: bytes) -> bytes:
    try:
        found = find_sections(data, (".BTF",), "object").get(".BTF")
    except EbpfStaticError:
        return b""
    return b"" if found is None else data[found.offset : found.offset + found.size]


def _decode(raw: bytes) -> int:
    return sum(1 for _ in Btf.parse(raw).iter_types())


class _Libbpf:
    """libbpf itself, called in this process: what it costs without a process around it."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        for name in ("bpf_object__open_mem", "btf__new"):
            getattr(library, name).restype = ctypes.c_void_p
        library.bpf_object__open_mem.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p)
        library.btf__new.argtypes = (ctypes.c_char_p, ctypes.c_uint32)
        for name in ("bpf_object__close", "btf__free"):
            getattr(library, name).argtypes = (ctypes.c_void_p,)
            getattr(library, name).restype = None
        library.libbpf_set_print(None)

    @classmethod
    def find(cls) -> _Libbpf | None:
        """Return libbpf, None where it is not installed."""
        name = ctypes.util.find_library("bpf")
        return None if name is None else cls(ctypes.CDLL(name))

    def open_object(self, data: bytes) -> bool:
        """Open an object and close it, and return whether it opened; nothing is loaded."""
        opened = self._library.bpf_object__open_mem(data, len(data), None)
        if opened:
            self._library.bpf_object__close(opened)
        return bool(opened)

    def open_btf(self, data: bytes) -> bool:
        """Open types and free them, and return whether they opened."""
        opened = self._library.btf__new(data, len(data))
        if opened:
            self._library.btf__free(opened)
        return bool(opened)


# --- containers ----------------------------------------------------------------------------------


def _containers(paths: Sequence[Path]) -> Iterator[Row]:
    """Find every object in one archive; the peer unpacks it to nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        for mode, packing in (("w", ""), ("w:gz", ".gz"), ("w:xz", ".xz")):
            archive = Path(folder) / f"objects.tar{packing}"
            with tarfile.open(archive, mode) as made:  # type: ignore[call-overload]
                for path in paths:
                    made.add(path)
            mine = cpu_time(lambda path=archive: list(iter_objects(path, "x")), 3)  # type: ignore[misc]
            theirs = time_commands([["tar", "-xOf", str(archive)]])[0]
            yield Row(f"find in {archive.name}", mine, "tar -xO", theirs)
        scan = [sys.executable, "-m", "ebpf_static", "scan", str(archive), "--exit-zero", "-qq"]
        scan += ["--target", "linux:6.1"]
        store = ["--cache-dir", str(Path(folder) / "cache")]
        peer = time_commands([["tar", "-xOf", str(archive)]])[0]
        for what, more in (("scan", ["--no-cache"]), ("scan, with a cache that knows all", store)):
            yield Row(f"{what}, {archive.name}", _once([*scan, *more]), "tar -xO", peer)


def _once(command: Sequence[str]) -> float:
    return time_commands([command], 3)[0] or 0.0


# --- a matrix ------------------------------------------------------------------------------------


def _matrix(paths: Sequence[Path]) -> Iterator[Row]:
    targets = [parse_target(name) for name in default_matrix(Platform.LINUX)]
    data = [(path.name, path.read_bytes()) for path in paths]

    def whole() -> object:
        specs = [(name, read(raw)) for name, raw in data]
        return build_matrix(specs, targets)

    mine = cpu_time(whole, 3)
    libbpf = _Libbpf.find()
    theirs = None
    if libbpf is not None:
        everything = [raw for _, raw in data for _ in targets]
        theirs = cpu_time(lambda: list(map(libbpf.open_object, everything)), 3)
    yield Row(f"matrix, {len(targets)} targets", mine, "libbpf (C), open as often", theirs, "5000")
    cells = len(targets) * len(data)
    per = None if theirs is None else theirs / cells
    yield Row("a cell", mine / cells, "libbpf (C), open", per)
