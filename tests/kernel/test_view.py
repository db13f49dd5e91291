"""What a kernel decides about real objects: configuration values, externs, CO-RE."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from ebpf_static.analysis import ExternState
from ebpf_static.btf import Btf
from ebpf_static.errors import UsageError
from ebpf_static.kernel import Kernel, View, parse_config, read_config
from ebpf_static.kernel.opening import open_btf, open_kernel
from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec
from ebpf_static.support.targets import resolve
from ebpf_static.target import Target, Version
from tests.build.btf_writer import BtfWriter

ROOT = Path(__file__).resolve().parents[2]
OBJECTS = ROOT / "corpus" / "objects" / "linux"


@pytest.fixture(scope="module")
def externs() -> CollectionSpec:
    return read(OBJECTS / "externs-clang19-el.o")


@pytest.fixture(scope="module")
def core() -> CollectionSpec:
    return read(OBJECTS / "core-clang19-el.o")


def _empty_btf() -> Btf:
    writer = BtfWriter("little")
    writer.integer("int", 4)
    return Btf.parse(writer.build())


def _value(spec: CollectionSpec, view: View, name: str) -> list[int | None]:
    offset = next(
        reference.offset
        for function in spec.functions
        for reference in function.references
        if reference.name == name
    )
    size = spec.externs[name].size
    return list(view.kconfig.data[offset : offset + size])


def test_kernel_version_is_what_libbpf_makes_of_it(externs: CollectionSpec) -> None:
    view = View(externs, Kernel(Version(6, 1, 300)))
    expected = (6 << 16 | 1 << 8 | 255).to_bytes(4, "little")
    assert _value(externs, view, "LINUX_KERNEL_VERSION") == list(expected)


def test_configuration_values_are_unknown_without_a_configuration(
    externs: CollectionSpec,
) -> None:
    view = View(externs, Kernel(Version(6, 1)))
    assert None in view.kconfig.data
    assert view.kconfig.problems == ()


def test_strong_option_that_is_not_set_is_a_problem(externs: CollectionSpec) -> None:
    view = View(externs, Kernel(Version(6, 1), config=parse_config("CONFIG_HZ=250\n")))
    strong = {
        e.name
        for e in externs.externs
        if e.kind == "kconfig" and not e.weak and e.name.startswith("CONFIG_")
    }
    assert {p.name for p in view.kconfig.problems} == strong - {"CONFIG_HZ"}
    assert None not in view.kconfig.data or strong - {"CONFIG_HZ"}


def test_externs_of_a_kernel_without_them_are_absent(externs: CollectionSpec) -> None:
    view = View(externs, Kernel(Version(6, 1), (_empty_btf(),)))
    states = {externs.externs[i].name: state for i, state in view.externs.items()}
    for extern in externs.externs:
        if extern.kind == "kfunc":
            assert states[extern.name] is ExternState.ABSENT
    assert set(View(externs, Kernel()).externs.values()) == {ExternState.UNKNOWN}


def test_core_relocations_without_their_types_poison(core: CollectionSpec) -> None:
    view = View(core, Kernel(Version(6, 1), (_empty_btf(),)))
    assert len(view.core.outcomes) == 21
    poisoned = [o for o in view.core.outcomes if o.result is not None and o.result.poison]
    assert poisoned
    assert any(view.flow(program).poisoned for program in core.programs)


def test_core_relocations_without_kernel_types_stay_open(core: CollectionSpec) -> None:
    view = View(core)
    assert all(outcome.result is None for outcome in view.core.outcomes)
    assert not any(view.flow(program).poisoned for program in core.programs)


def test_core_relocations_match_the_object_itself(core: CollectionSpec) -> None:
    assert core.btf is not None
    view = View(core, Kernel(Version(6, 1), (core.btf,)))
    # libbpf takes offset and size of an array element, nothing else (bpf_core_calc_field_relo).
    errors = [o.error for o in view.core.outcomes if o.error]
    assert errors == ["a signed relocation cannot be applied to an array element"]
    assert not any(view.flow(program).poisoned for program in core.programs)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
def test_configurations_are_read_packed_or_not(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    text = b'# comment\nCONFIG_BPF=y\n# CONFIG_NET is not set\nCONFIG_NAME="a b"\n'
    path = tmp_path / "config"
    path.write_bytes(pack(text))
    assert dict(read_config(path)) == {"CONFIG_BPF": "y", "CONFIG_NAME": '"a b"'}


@pytest.mark.parametrize("data", [b"", b"hello", b"\x1f\x8bgarbage", b"\xfd7zXZ\0garbage"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "config"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="config"):
        read_config(path)


def test_btf_files_are_opened_once_and_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "vmlinux.btf"
    path.write_bytes(_empty_btf().raw)
    assert open_btf((str(path),))[0] is open_btf((str(path),))[0]
    path.write_bytes(b"nothing")
    with pytest.raises(UsageError, match="holds no usable BTF"):
        open_btf((str(path),))
    with pytest.raises(UsageError, match="cannot be read"):
        open_btf((str(tmp_path / "absent"),))


@pytest.mark.parametrize("order", ["el", "eb"])
def test_an_ebpf_object_is_no_kernel(order: str) -> None:
    with pytest.raises(UsageError, match="is an eBPF object"):
        open_btf((str(OBJECTS / f"btf_maps-clang19-{order}.o"),))


def test_windows_targets_have_no_kernel_files(tmp_path: Path) -> None:
    target = Target.parse("windows:1.1", btf=tmp_path / "x")
    with pytest.raises(UsageError, match="belong to Linux"):
        open_kernel(target, resolve(Target.parse("windows:1.1")))


def test_support_tables_tell_of_kfuncs_without_btf() -> None:
    kernel = open_kernel(Target.parse("linux:6.1"), resolve(Target.parse("linux:6.1")))
    assert kernel.knows_kfunc("bpf_task_acquire") is False
    later = open_kernel(Target.parse("linux:6.6"), resolve(Target.parse("linux:6.6")))
    assert later.knows_kfunc("bpf_task_acquire") is True
