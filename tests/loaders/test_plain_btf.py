"""Types put into the words an older kernel knows: what it lacks is gone, the rest is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.btf import Btf, Kind
from ebpf_static.btf.types import Datasec
from ebpf_static_loaders.dry_run.memory import MemorySystem
from ebpf_static_loaders.linux import btf_load
from ebpf_static_loaders.linux.features import Feature, Features
from ebpf_static_loaders.linux.layouts import Command
from ebpf_static_loaders.linux.loader import LinuxLoader
from ebpf_static_loaders.linux.syscall import Value

Read = Callable[[str], es.CollectionSpec]
CORPUS = Path(__file__).resolve().parents[2] / "corpus" / "objects" / "linux"
LACKS = {
    Feature.BTF_DATASEC: (Kind.DATASEC, Kind.VAR),
    Feature.BTF_FUNC: (Kind.FUNC, Kind.FUNC_PROTO),
    Feature.BTF_FLOAT: (Kind.FLOAT,),
    Feature.BTF_DECL_TAG: (Kind.DECL_TAG,),
    Feature.BTF_TYPE_TAG: (Kind.TYPE_TAG,),
    Feature.BTF_ENUM64: (Kind.ENUM64,),
}


def features_without(*missing: Feature) -> Features:
    features = Features(MemorySystem())
    features.assume_all()
    features._known.update(dict.fromkeys(missing, False))
    return features


def specs() -> Iterator[es.CollectionSpec]:
    for path in sorted(CORPUS.glob("*-el.o")):
        spec = es.read(path)
        if spec.btf is not None:
            yield spec


@pytest.mark.parametrize("feature", LACKS, ids=lambda feature: feature.name)
def test_what_a_kernel_lacks_is_gone_and_ids_stay(feature: Feature) -> None:
    seen = 0
    for spec in specs():
        assert spec.btf is not None
        seen += any(True for kind in LACKS[feature] for _ in spec.btf.iter_ids(kind))
        try:
            raw = btf_load.sanitise(spec, features_without(feature))
        except es.LoadRejectedError:
            continue
        assert raw is not None
        plain = Btf.parse(raw)
        assert not any(True for kind in LACKS[feature] for _ in plain.iter_ids(kind))
        for record in spec.btf.iter_types():
            if record.kind in (Kind.STRUCT, Kind.UNION, Kind.PTR, Kind.ARRAY, Kind.TYPEDEF):
                assert plain.type(record.id) == record
    assert seen or feature in (Feature.BTF_FLOAT, Feature.BTF_ENUM64, Feature.BTF_TYPE_TAG)


def test_global_functions_become_static() -> None:
    spec = next(spec for spec in specs() if spec.programs.get("first"))
    raw = btf_load.sanitise(spec, features_without(Feature.BTF_GLOBAL_FUNC))
    assert raw is not None
    plain = Btf.parse(raw)
    assert {plain.type(i).linkage for i in plain.iter_ids(Kind.FUNC)} == {0}  # type: ignore[union-attr]


def test_a_kernel_without_types_gets_none(read_data: Read) -> None:
    assert btf_load.sanitise(read_data("hooks"), features_without(Feature.BTF)) is None


def test_variables_get_the_places_only_the_elf_knows(read_data: Read) -> None:
    spec = read_data("pinned")
    types = Btf.parse(btf_load.complete(spec).build())
    for name in (".bss", ".data", ".maps", ".kconfig", ".ksyms"):
        type_id = types.find(name, Kind.DATASEC)
        if type_id is None:
            continue
        section = types.type(type_id)
        assert isinstance(section, Datasec)
        assert section.size
        ends = 0
        for entry in section.vars:
            assert entry.offset >= ends, (name, types.name(entry.type_id))
            ends = entry.offset + entry.size
        assert ends <= section.size


@pytest.mark.parametrize("feature", [*LACKS, Feature.BTF_GLOBAL_FUNC], ids=lambda f: f.name)
@pytest.mark.parametrize("name", ["hooks", "pinned", "trace", "cong"])
def test_a_kernel_takes_the_plainer_types(
    linux: LinuxLoader, read_data: Read, name: str, feature: Feature
) -> None:
    raw = btf_load.sanitise(read_data(name), features_without(feature))
    assert raw is not None
    if feature is Feature.BTF_DATASEC and name == "pinned":
        pytest.skip("no kernel has calls of its functions but no types of variables")
    system = linux.system()
    log = bytearray(1 << 16)
    fields: dict[str, Value] = {
        "btf": raw,
        "btf_size": len(raw),
        "btf_log_buf": log,
        "btf_log_size": len(log),
    }
    try:
        fd = system.bpf(Command.BTF_LOAD, {**fields, "btf_log_level": 1}).value
    except OSError:
        pytest.fail(bytes(log).partition(b"\0")[0].decode()[-500:])
    system.close(fd)
