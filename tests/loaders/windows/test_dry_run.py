"""What a dry run writes down for Windows is what the loaders call on the stub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ebpf_static as es
from ebpf_static.loading import LoadOptions
from ebpf_static_loaders.dry_run.loader import DryRunLoader
from ebpf_static_loaders.windows.loader_dll import WindowsDllLoader
from ebpf_static_loaders.windows.loader_native import WindowsNativeLoader
from tests.loaders.windows.stub import Stub
from tests.loaders.windows.test_native_loader import NATIVE, describe_gate

Read = Callable[[str], es.CollectionSpec]
PROBE = 1  # the call by which available() finds out whether efW answers


def lines_of(spec: es.CollectionSpec, **options: Any) -> list[dict[str, Any]]:
    loader = DryRunLoader()
    loader.load(spec, LoadOptions(**options)).close()
    assert not loader.open_descriptors
    return [json.loads(line) for line in loader.lines]


@pytest.mark.parametrize(
    "name",
    [
        "tail_call-clang19-el",
        "bind_legacy-clang19-el",
        "sock_addr-clang19-el",
        "xdp_maps-clang19-el",
    ],
)
def test_bytecode(stub: Stub, read_object: Read, name: str) -> None:
    spec = read_object(name)
    plain = type(spec.maps)(item.model_copy(update={"pinning": 0}) for item in spec.maps)
    spec = spec.model_copy(update={"maps": plain})
    WindowsDllLoader(stub.library).load(spec).close()
    lines = lines_of(spec)
    assert [line["call"] for line in lines] == stub.called[PROBE:]
    made = [line for line in lines if line.get("command") == "BPF_MAP_CREATE"]
    assert {line["map_name"] for line in made} >= {item.name for item in spec.maps}
    for program in spec.programs:
        (line,) = (it for it in lines if it.get("prog_name") == program.name)
        assert line["prog_type"] == program.type.number
        assert len(bytes.fromhex(line["insns"])) == 8 * line["insn_cnt"]


def test_a_native_image(stub: Stub) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    describe_gate(stub, path)
    spec = es.read(path)
    options = LoadOptions(object_name=str(path))
    WindowsNativeLoader(stub.library, machine=lambda: "x64").load(spec, options).close()
    lines = lines_of(spec, object_name="anywhere/gate.sys")
    assert [line["call"] for line in lines] == stub.called[PROBE:]
    (line,) = (it for it in lines if it["call"] == "ebpf_object_load_native_by_fds")
    assert line["file_name"] == "anywhere/gate.sys"
    assert (line["map_fds"], line["program_fds"]) == ([1, 2, 3, 4], [5, 6, 7])


def test_what_is_done_with_it(read_object: Read) -> None:
    loader = DryRunLoader()
    with loader.load(read_object("sockops-clang19-el")) as loaded:
        link = loaded.attach("monitor", "3")
        link.pin("/a")
        link.info()
        link.unpin()
        assert list(loaded.maps["connections"].read_ring(timeout=0)) == []
        assert loaded.programs["monitor"].test_run(b"x", context=b"y").data == b"x"
        link.detach()
    lines = [json.loads(line) for line in loader.lines]
    (attached,) = (it for it in lines if it["call"] == "ebpf_program_attach_by_fds")
    assert attached["attach_parameters"] == "03000000"
    assert attached["attach_type"] == "837d02cd-3251-4632-8d94-60d3b45769f2"
    (pinned,) = (it for it in lines if it.get("command") == "BPF_OBJ_PIN")
    assert pinned["pathname"] == "/a"
    assert "ebpf_object_unpin" in [it["call"] for it in lines]
    assert not loader.open_descriptors


def test_what_no_windows_takes_is_not_pretended(read_object: Read) -> None:
    loader = DryRunLoader()
    with pytest.raises(es.LoadRejectedError) as caught:
        loader.load(read_object("globals-clang19-el"))
    assert caught.value.rule == "WIN021"
    assert not loader.open_descriptors


def test_maps_pinned_by_name_are_found_again(read_object: Read) -> None:
    loader = DryRunLoader()
    spec = read_object("bind-clang19-el")
    with loader.load(spec) as first, loader.load(spec) as second:
        ids = [it.maps["processes"].info()["id"] for it in (first, second)]
        assert ids[0] == ids[1]
        queue = second.maps["denied"]
        queue.update(None, 5)
        assert queue.lookup() == 5
        assert queue.lookup() is None


def test_the_path_is_not_looked_at(tmp_path: Path) -> None:
    spec = es.read(NATIVE / "maps-0.21-arm64.sys")
    with DryRunLoader().load(spec, LoadOptions(object_name=str(tmp_path / "no"))) as loaded:
        assert loaded.maps["lone_outer_by_id"].info()["inner_map_id"]
