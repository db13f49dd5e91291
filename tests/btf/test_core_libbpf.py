"""Every CO-RE relocation comes out as libbpf decides it, instruction bytes included.

libbpf's debug log is the oracle: it names the candidates that match and the value written. It
needs a C compiler and libbpf's headers, and no privileges; without them the test skips.
"""

from __future__ import annotations

import lzma
import shutil
import struct
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from ebpf_static.btf import Btf, BtfExt
from ebpf_static.btf.core import (
    CoreKind,
    CoreRelocator,
    CoreResult,
    Patch,
    minimal_btf,
    patch_insn,
)
from ebpf_static.btf.elf_sections import find_sections
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import UnsupportedObjectError
from tests.btf.libbpf_log import LoggedRelocation, parse_log

HERE = Path(__file__).parent
DEBIAN = HERE.parents[1] / "corpus" / "debian"
KERNELS = ("5.10", "6.1", "6.12", "7.3")
CASES = ("NONE", "AMBIGUOUS_OFFSET", "AMBIGUOUS_ID", "AMBIGUOUS_SIZE", "TOO_FAR",
         "WIDE_BITFIELD", "ODD_SIZE")  # fmt: skip
CLANG = next((name for name in ("clang-19", "clang") if shutil.which(name)), None)
WIDTHS = {0x18: 8, 0x00: 4, 0x08: 2, 0x10: 1}


class Oracle:
    """Runs libbpf on an object and a kernel's BTF."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def log(self, path: Path, target: Path) -> dict[tuple[str, int], LoggedRelocation]:
        command = [self.program, path, target]
        done = subprocess.run(command, capture_output=True, check=False)
        return parse_log(done.stdout.decode("utf-8", "surrogateescape"))


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("libbpf") / "core_log"
    source = HERE / "libbpf" / "core_log.c"
    command = [compiler, "-O1", "-o", str(program), str(source), "-lbpf", "-ldl"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("libbpf's headers are not installed (libbpf-dev)")
    return Oracle(program)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases' objects: target.o and one for each case."""
    if CLANG is None:
        pytest.skip("no clang")
    folder = tmp_path_factory.mktemp("cases")
    for case in ("TARGET", *CASES):
        source = "target.c" if case == "TARGET" else "local.c"
        flags = ["-g", "-O2", "-target", "bpfel", "-mcpu=v3", "-Wno-gnu", f"-DCASE_{case}"]
        command = [CLANG, *flags, "-c", str(HERE / "libbpf" / source), "-o", str(folder / case)]
        subprocess.run(command, check=True, capture_output=True)
    return folder


class Ours:
    """Our reading of an object's relocations against one target."""

    def __init__(self, path: Path, target: Btf) -> None:
        self.path = path
        data = path.read_bytes()
        btf = Btf.parse(_section(data, ".BTF"), pointer_size=8)
        self.byte_order = btf.byte_order
        self.ext = BtfExt.parse(_section(data, ".BTF.ext"), btf)
        self.results: dict[tuple[str, int], tuple[CoreResult, Patch]] = {}
        relocator = CoreRelocator(btf, [target])
        for section in self.ext.core_sections:
            code = _section(data, section)
            for number, relocation in enumerate(self.ext.core_relocations(section)):
                result = relocator.relocate(relocation)
                at = relocation.insn_offset
                patch = patch_insn(code[at : at + 16], result, btf.byte_order)
                self.results[section, number] = (result, patch)


def _section(data: bytes, name: str) -> bytes:
    found = find_sections(data, (name,), "object").get(name)
    if found is None:
        raise UnsupportedObjectError(f"no {name}")
    return data[found.offset : found.offset + found.size]


def differences(result: CoreResult, patch: Patch, logged: LoggedRelocation) -> list[str]:
    """What our answer and libbpf's disagree about."""
    found = []
    if str(result.spec) != logged.spec:
        found.append(f"spec {result.spec}, libbpf {logged.spec}")
    if logged.problem is not None:
        return found if patch.error else [f"{patch}, libbpf gives up: {logged.problem}"]
    matching = [str(one) for one in result.matched]
    if matching != logged.matching:
        found.append(f"matching {matching}, libbpf {logged.matching}")
    if patch.error is not None:
        found.append(f"error {patch.error}, libbpf {logged}")
    elif patch.poisoned != logged.poisoned:
        found.append(f"poisoned {patch.poisoned}, libbpf {logged.poisoned}")
    elif logged.patched is not None and not patch.poisoned:
        opcode, _, offset, imm = struct.unpack_from("<BBhi", patch.insns)
        what, value = logged.patched
        ours = {"imm": imm, "off": offset, "imm64": _imm64(patch.insns)}[what]
        if (ours - value) % (1 << 32 if what == "imm" else 1 << 64):
            found.append(f"{what} {ours}, libbpf {value}")
        if logged.resized is not None and WIDTHS[opcode & 0x18] != logged.resized:
            found.append(f"opcode {opcode:#x}, libbpf makes it {logged.resized} bytes")
    return found


def _imm64(insns: bytes) -> int:
    low, high = struct.unpack_from("<4xI", insns)[0], insns[12:16]
    return int(low) | int.from_bytes(high, "little") << 32


def compare(path: Path, ours: Ours, log: dict[tuple[str, int], LoggedRelocation]) -> Counter[str]:
    """Check every relocation libbpf reached; count them by kind."""
    counts: Counter[str] = Counter()
    for key, logged in log.items():
        result, patch = ours.results[key]
        assert not differences(result, patch, logged), (path.name, key)
        assert result.kind is not None
        counts[result.kind.label] += 1
    if not any(logged.problem for logged in log.values()):
        assert set(ours.results) == set(log), path.name
    return counts


def kernel_btf(kernel: str, folder: Path) -> Path:
    """Return a kernel's BTF, unpacked."""
    path = folder / "vmlinux"
    path.write_bytes(lzma.decompress((HERE / "data" / f"vmlinux-{kernel}.btf.xz").read_bytes()))
    return path


def debian_objects(target: Btf) -> list[Ours]:
    """Return the little-endian CO-RE objects of the Debian corpus."""
    paths = sorted(DEBIAN.glob("*/*"))
    if not paths:
        pytest.skip("corpus/debian is not fetched (corpus/fetch_debian.py)")
    found = []
    for path in paths:
        with suppress(UnsupportedObjectError):
            ours = Ours(path, target)
            if ours.byte_order == "little" and ours.results:
                found.append(ours)
    assert len(found) >= 50
    return found


def compare_all(objects: list[Ours], oracle: Oracle, target: Path) -> Counter[str]:
    """Check every relocation of every object."""
    counts: Counter[str] = Counter()
    for ours in objects:
        log = oracle.log(ours.path, target)
        assert log, f"libbpf did not come to relocate {ours.path.name}"
        counts += compare(ours.path, ours, log)
    return counts


@pytest.mark.parametrize("kernel", KERNELS)
def test_debian_objects(kernel: str, oracle: Oracle, tmp_path: Path) -> None:
    raw = kernel_btf(kernel, tmp_path)
    counts = compare_all(debian_objects(read_btf(raw)), oracle, raw)
    assert counts.total() >= 700


@pytest.mark.parametrize("kernel", ["5.10", "7.3"])
def test_minimal_btf_serves_as_the_whole(kernel: str, oracle: Oracle, tmp_path: Path) -> None:
    target = read_btf(kernel_btf(kernel, tmp_path))
    whole = debian_objects(target)
    results = [result for ours in whole for result, _ in ours.results.values()]
    path = tmp_path / "minimal.btf"
    path.write_bytes(minimal_btf(target, results))
    assert path.stat().st_size < 100_000
    small = debian_objects(read_btf(path))
    compare_all(small, oracle, path)
    for before, after in zip(whole, small, strict=True):
        for key, (result, patch) in before.results.items():
            if result.kind is CoreKind.TYPE_ID_TARGET:
                continue
            assert after.results[key][1] == patch, (before.path.name, key)


@pytest.mark.parametrize("case", CASES)
def test_cases(case: str, oracle: Oracle, built: Path) -> None:
    log = oracle.log(built / case, built / "TARGET")
    assert log
    counts = compare(built / case, Ours(built / case, read_btf(built / "TARGET")), log)
    if case == "NONE":
        assert set(counts) == {kind.label for kind in CoreKind}
    else:
        assert any(logged.problem for logged in log.values())


def test_minimal_btf_of_the_cases(oracle: Oracle, built: Path, tmp_path: Path) -> None:
    target = read_btf(built / "TARGET")
    ours = Ours(built / "NONE", target)
    path = tmp_path / "minimal.btf"
    path.write_bytes(minimal_btf(target, [result for result, _ in ours.results.values()]))
    small = Ours(built / "NONE", read_btf(path))
    for key, (result, patch) in ours.results.items():
        if result.kind is not CoreKind.TYPE_ID_TARGET:
            assert small.results[key][1] == patch, key
    log = oracle.log(built / "NONE", path)
    if log:
        compare(built / "NONE", small, log)
