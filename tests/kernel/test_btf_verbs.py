"""What the public API tells of objects and kernels' types."""

from __future__ import annotations

from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.btf import Btf
from ebpf_static.btf.core import POISON_IMM
from ebpf_static.errors import UsageError
from tests.build.btf_writer import BtfWriter

ROOT = Path(__file__).resolve().parents[2]
OBJECTS = ROOT / "corpus" / "objects" / "linux"


@pytest.fixture(scope="module")
def core() -> es.CollectionSpec:
    return es.read(OBJECTS / "core-clang19-el.o")


def kernel(family_at: int) -> Btf:
    w = BtfWriter()
    short = w.integer("unsigned short", 2)
    w.struct("sock", 64, [("family", short, 8 * family_at)])
    w.struct("net", 4, [("inum", w.integer("unsigned int", 4), 0)])
    return Btf.parse(w.build())


def test_core_relocate(core: es.CollectionSpec) -> None:
    found = es.core_relocate(core, kernel(32))
    assert len(found.outcomes) > 10
    assert found.outside == 0
    assert [len(code) for code in found.code] == [len(f.code) for f in core.functions]
    poisoned = [it for it in found.outcomes if it.poisoned]
    assert poisoned
    for outcome in poisoned:
        at = 8 * outcome.insn
        insn = found.code[outcome.function][at : at + 8]
        assert int.from_bytes(insn[4:], "little") == POISON_IMM
    touched = {(it.function, it.insn) for it in found.outcomes}
    for index, function in enumerate(core.functions):
        for at in range(function.insn_count):
            if not {(index, at), (index, at - 1)} & touched:
                place = slice(8 * at, 8 * at + 8)
                assert found.code[index][place] == function.code[place]


def test_core_relocate_reads_files(core: es.CollectionSpec, tmp_path: Path) -> None:
    path = tmp_path / "vmlinux.btf"
    path.write_bytes(kernel(32).raw)
    one, other = es.core_relocate(core, path), es.core_relocate(core, [kernel(32)])
    assert one.code == other.code
    with pytest.raises(UsageError, match="none"):
        es.core_relocate(core, tmp_path / "none")
    with pytest.raises(UsageError, match="none"):
        es.core_relocate(core, [path, tmp_path / "none"])


def test_without_a_kernel_or_relocations(core: es.CollectionSpec) -> None:
    found = es.core_relocate(core, ())
    assert {it.result for it in found.outcomes} == {None}
    assert found.code == tuple(function.code for function in core.functions)
    plain = es.read(OBJECTS / "no_debug-clang19-el.o")
    assert es.core_relocate(plain, kernel(0)).outcomes == ()
    assert es.requires_types(plain) == ()


def test_requires_types(core: es.CollectionSpec) -> None:
    found = {str(it): it for it in es.requires_types(core)}
    assert found["struct sock.family"].flavours == ("sock___with_flavor",)
    assert found["struct gone_in_some_kernels"].is_optional


def test_btfgen_serves_as_the_whole(core: es.CollectionSpec) -> None:
    whole = kernel(32)
    small = Btf.parse(es.btfgen([core], whole))
    assert len(small) <= len(whole)
    ids = {7}  # type ids differ between the two
    for one, other in zip(
        es.core_relocate(core, whole).outcomes,
        es.core_relocate(core, small).outcomes,
        strict=True,
    ):
        assert one.result is not None
        assert other.result is not None
        if one.relocation.kind not in ids:
            assert one.result.value == other.result.value, one


def test_diff_btf(core: es.CollectionSpec) -> None:
    changes = es.diff_btf(kernel(0), kernel(32), [core])
    assert [change.what for change in changes] == ["struct sock___with_flavor.family"]
    assert changes[0].before == "offset 0, 2 bytes, unsigned short"
    assert changes[0].after == "offset 32, 2 bytes, unsigned short"
    assert [change.what for change in es.diff_btf(kernel(0), kernel(32))] == ["struct sock"]
    assert es.diff_btf(kernel(0), kernel(0)) == ()


def test_every_instruction_knows_its_line(core: es.CollectionSpec) -> None:
    for function in core.functions:
        for insn in range(function.insn_count):
            line = core.line_for(function, insn)
            assert line is not None
            assert line.file.endswith("core.c")
            assert line.line > 0
    assert core.line_for(core.programs[0]) is not None
    bare = es.read(OBJECTS / "no_debug-clang19-el.o")
    assert bare.line_for(bare.functions[0]) is None
