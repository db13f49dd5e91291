"""Whose BTF it is: the target's processor and byte order, or another's."""

from __future__ import annotations

from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import UnknownTargetError, UsageError
from ebpf_static.kernel.opening import find_machine, open_kernel, open_release
from ebpf_static.support.architectures import (
    Architecture,
    architecture_of,
    find_architecture,
    known_architectures,
    page_size_of,
)
from ebpf_static.target import Target
from tests.build.btf_writer import BtfWriter
from tests.differential.objects import OURS, ROOT

X86 = ROOT / "tests" / "btf" / "data" / "vmlinux-6.1.btf.xz"
LITTLE, BIG = OURS / "linux" / "bare-clang19-el.o", OURS / "linux" / "bare-clang19-eb.o"


def _write(path: Path, arch: str) -> Path:
    """Write the BTF of a kernel with nothing but the structures that tell its processor."""
    machine = find_architecture(arch)
    writer = BtfWriter(machine.byte_order)
    word = writer.integer("unsigned long", 8)
    structures: dict[str, list[str]] = {}
    for structure, member in machine.evidence:
        structures.setdefault(structure, []).append(member)
    for structure, members in structures.items():
        # As in many kernels, in a nameless structure inside.
        inner = writer.struct("", 8, [(members[0], word, 0)])
        rest = [(name, word, 0) for name in members[1:]]
        writer.struct(structure, 8, [("", inner, 0), *rest])
    path.write_bytes(writer.build())
    return path


@pytest.mark.parametrize("machine", known_architectures(), ids=lambda it: it.name)
def test_processors_are_told_by_their_structures(machine: Architecture, tmp_path: Path) -> None:
    btf = read_btf(_write(tmp_path / "btf", machine.name))
    assert find_machine(btf) == machine
    target = Target.parse("linux:6.12", btf=tmp_path / "btf", arch=machine.name)
    assert open_kernel(target, open_release(target)).machine == machine


def test_real_kernels() -> None:
    for path in X86.parent.glob("vmlinux-*.btf.xz"):
        assert find_machine(read_btf(path)) == find_architecture("x86_64")


def test_the_btf_of_another_processor_is_refused(tmp_path: Path) -> None:
    arm64 = _write(tmp_path / "arm64.btf", "arm64")
    with pytest.raises(UsageError, match=r"for arm64, and target 'linux:6.1' is x86_64"):
        es.check(LITTLE, targets="linux:6.1", btf=arm64)
    with pytest.raises(UsageError, match=r"for x86_64, and target 'linux:6.1' is arm64"):
        es.check(LITTLE, targets="linux:6.1", btf=X86, arch="aarch64")
    assert es.check(LITTLE, targets="linux:6.1", btf=arm64, arch="arm64").failures == ()


def test_the_btf_of_the_other_byte_order_is_refused(tmp_path: Path) -> None:
    writer = BtfWriter("big")
    writer.integer("int", 4)
    (tmp_path / "btf").write_bytes(writer.build())
    with pytest.raises(UsageError, match=r"is big-endian, and target 'linux:6.1' .x86_64. is li"):
        es.check(LITTLE, targets="linux:6.1", btf=tmp_path / "btf")
    assert not es.check(BIG, targets="linux:6.1", btf=tmp_path / "btf", arch="s390").failures


def test_a_module_needs_the_kernel(tmp_path: Path) -> None:
    writer = BtfWriter()
    writer.integer("int", 4)
    raw = bytearray(writer.build())
    raw[-len(b"\0int\0") :] = b"aint\0"
    module = tmp_path / "module.btf"
    module.write_bytes(bytes(raw))
    with pytest.raises(UsageError, match=r"holds the types of a module.*name the kernel's BTF be"):
        es.check(LITTLE, targets="linux:6.1", btf=module)


def test_byte_order_follows_the_processor() -> None:
    def codes(path: Path, arch: str | None) -> set[str]:
        return {it.code for it in es.check(path, targets="linux:6.1", arch=arch).findings}

    assert "ELF201" in codes(BIG, None)
    assert "ELF201" not in codes(BIG, "s390x")
    assert "ELF201" in codes(LITTLE, "s390x")
    assert "ELF201" not in codes(LITTLE, "arm64")
    without_release = es.check(LITTLE, arch="s390x").findings
    assert "ELF201" in {it.code for it in without_release}


def test_pages() -> None:
    assert page_size_of(None) == 4096
    assert page_size_of(Target.parse("linux:6.1", arch="powerpc")) == 65536
    assert page_size_of(Target.parse("linux:6.1", arch="arm64", page_size=16384)) == 16384
    for size in (0, 1000, 5000, 1 << 20):
        with pytest.raises(UnknownTargetError, match=f"no page has {size} bytes"):
            page_size_of(Target.parse("linux:6.1", page_size=size))


def test_names_of_processors() -> None:
    names = [it.name for it in known_architectures()]
    assert len(set(names)) == len(names)
    assert architecture_of(None).name == architecture_of(Target.parse("linux")).name == "x86_64"
    assert find_architecture("amd64") == find_architecture("x86-64")
    with pytest.raises(UnknownTargetError, match="unknown architecture 'z80': choose from 'x86_64"):
        find_architecture("z80")
    with pytest.raises(UsageError, match="are asked about for Linux targets"):
        es.check(LITTLE, targets="windows", arch="arm64")
