"""Objects as bytecode: what is created, in which order, and what is refused beforehand."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ebpf_static as es
from ebpf_static.loading import LoadOptions
from ebpf_static.uapi.constants import MapType
from ebpf_static_loaders.windows.base import WindowsLoader
from ebpf_static_loaders.windows.host import DLL_NAME, find_library
from ebpf_static_loaders.windows.loader_dll import WindowsDllLoader
from ebpf_static_loaders.windows.loader_native import WindowsNativeLoader
from ebpf_static_loaders.windows.runtime import Runtime
from tests.loaders.windows.conftest import OBJECTS
from tests.loaders.windows.stub import Stub, build

Read = Callable[[str], es.CollectionSpec]

REFUSED = {
    "bind-clang19-eb": "WIN019",
    "globals-clang19-el": "WIN021",
    "globals-untagged-clang22-el": "WIN021",
    "module_function-clang19-el": "WIN024",
    "module_function-untagged-clang19-el": "WIN024",
}
"""Objects the check has errors for too."""


def of(name: str) -> MapType:
    return MapType.named(es.Platform.WINDOWS, name)


def windows_objects() -> list[str]:
    return [path.stem for path in sorted(OBJECTS.glob("*.o"))]


@pytest.mark.parametrize("name", windows_objects())
def test_objects_of_the_corpus_load_or_are_refused_as_predicted(
    loader: WindowsDllLoader, stub: Stub, read_object: Read, name: str
) -> None:
    spec = read_object(name)
    if spec.platform is not es.Platform.WINDOWS:
        with pytest.raises(es.UsageError):
            loader.load(spec)
        return
    if name in REFUSED or ("nobtf" in name and any(not it.type.number for it in spec.maps)):
        with pytest.raises(es.LoadRejectedError) as caught:
            loader.load(spec)
        assert stub.left == (0, 0, 0, 0, 0, 0)
        assert caught.value.rule == REFUSED.get(name)  # without types, maps are of no type
        if name in REFUSED:
            assert REFUSED[name] in {f.code for f in es.check(spec, platform="windows").findings}
        return
    loaded = loader.load(spec)
    with loaded:
        assert set(loaded.maps) == {item.name for item in spec.maps}
        assert set(loaded.programs) == {program.name for program in spec.programs}
        for item in spec.maps:
            info = loaded.maps[item.name].info()
            assert info["type"] == item.type.name
            assert (info["key_size"], info["max_entries"]) == (item.key_size, item.max_entries)
    if any(item.pinning for item in spec.maps):
        assert loader.unload("/ebpf/global")


def test_maps_come_first_and_references_become_descriptors(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    with loader.load(read_object("sockops-clang19-el")):
        pass
    commands = [line.split()[1:] for line in stub.calls if line.startswith("bpf ")]
    assert commands[:3] == [["12", "8"], ["0", "48"], ["5", "144"]]  # probe, map, program
    assert stub.called.count("ebpf_close_fd") == 2


def test_tail_calls_and_maps_of_maps_are_filled(
    loader: WindowsDllLoader, read_object: Read
) -> None:
    with loader.load(read_object("tail_call-clang19-el")) as loaded:
        programs, shards = loaded.maps["programs"], loaded.maps["shards"]
        slots = dict(programs.items())
        ids = {name: loaded.programs[name].info()["id"] for name in loaded.programs}
        spec = programs.spec
        assert spec is not None
        wanted = {struct.pack("<I", it.index): ids[it.name] for it in spec.values}
        assert wanted
        assert {_key(key): value for key, value in slots.items()} == wanted
        assert shards.info()["inner_map_id"]
        program = loaded.programs["first"].info()
        assert program["type"] == "XDP"
        assert loaded.maps["programs"].info()["id"] in program["map_ids"]


def _key(key: object) -> bytes:
    return struct.pack("<I", key) if isinstance(key, int) else bytes(key)  # type: ignore[call-overload]


def test_a_slot_for_a_program_not_loaded_is_refused(
    loader: WindowsDllLoader, read_object: Read
) -> None:
    with pytest.raises(es.LoadRejectedError, match="which is not loaded"):
        loader.load(read_object("tail_call-clang19-el"), LoadOptions(programs=("first",)))


def test_long_names_go_the_way_that_carries_them(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    spec = read_object("xdp_maps-clang19-el")
    long = "d" * 40
    maps = tuple(
        item.model_copy(update={"name": long}) if item.name == "drops" else item
        for item in spec.maps
    )
    with loader.load(spec.model_copy(update={"maps": type(spec.maps)(maps)})) as loaded:
        assert loaded.maps[long].info()["name"] == long
        assert "bpf_map_create" in stub.called


def test_pinned_maps_are_used_again(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    spec, options = read_object("bind-clang19-el"), LoadOptions(pin_dir="/mine")
    with loader.load(spec, options) as first, loader.load(spec, options) as second:
        assert stub.pins == 1
        same = [it.maps["processes"].info()["id"] for it in (first, second)]
        assert same[0] == same[1]
        assert first.maps["limits"].info()["id"] != second.maps["limits"].info()["id"]
    with loader.open_map("BPF:\\mine\\processes") as pinned:
        assert pinned.info()["id"] == same[0]
        assert pinned.spec is None
    other = replace(options, max_entries={"processes": 77})
    with pytest.raises(es.LoadRejectedError, match=r"number of entries is .*, not 77"):
        loader.load(spec, other)
    assert loader.unload("/sys/fs/bpf/mine") == ["BPF:\\mine\\processes"]
    with pytest.raises(es.LoadRejectedError, match="nothing is pinned"):
        loader.unload("/mine")


def test_a_map_given_takes_the_place_of_the_declared_one(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    spec = read_object("sockops-clang19-el")
    with loader.load(spec) as first:
        given = first.maps["connections"]
        with loader.load(spec, LoadOptions(maps={"connections": given})) as second:
            assert second.maps["connections"].info()["id"] == given.info()["id"]
        given.pin("/shared")
        with loader.load(spec, LoadOptions(maps={"connections": "/shared"})) as third:
            assert third.maps["connections"].info()["id"] == given.info()["id"]
        given.unpin()
        with pytest.raises(es.LoadRejectedError, match="nothing is pinned at /shared"):
            loader.load(spec, LoadOptions(maps={"connections": "/shared"}))
    assert stub.open_fds == 0


def test_sizes_of_the_users(loader: WindowsDllLoader, read_object: Read) -> None:
    spec = read_object("sock_addr-clang19-el")
    with loader.load(spec, LoadOptions(max_entries={"redirects": 9})) as loaded:
        assert loaded.maps["redirects"].info()["max_entries"] == 9
    with pytest.raises(es.UsageError, match="cannot have"):
        loader.load(spec, LoadOptions(max_entries={"redirects": 1 << 32}))
    maps = [spec.maps[0].model_copy(update={"max_entries": 0})]
    empty = spec.model_copy(update={"maps": type(spec.maps)(maps)})
    with pytest.raises(es.LoadRejectedError, match=r"cannot create map `redirects`.*EINVAL"):
        loader.load(empty)
    with loader.load(empty, LoadOptions(default_max_entries=3)) as loaded:
        assert loaded.maps["redirects"].info()["max_entries"] == 3


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"flags": 1}, "WIN011"),
        ({"numa_node": 1}, "WIN011"),
        ({"pinning": 2}, "WIN016"),
    ],
)
def test_maps_bpf_cannot_take_are_refused_with_the_rule(
    loader: WindowsDllLoader, stub: Stub, read_object: Read, changes: dict[str, int], rule: str
) -> None:
    spec = read_object("sock_addr-clang19-el")
    maps = type(spec.maps)([spec.maps[0].model_copy(update=changes)])
    with pytest.raises(es.LoadRejectedError) as caught:
        loader.load(spec.model_copy(update={"maps": maps}))
    assert caught.value.rule == rule
    assert "bpf 0 48" not in stub.calls


@pytest.mark.parametrize(
    "options",
    [
        LoadOptions(kernel_btf="x"),
        LoadOptions(kernel_config={}),
        LoadOptions(token_dir="/x"),
        LoadOptions(programs=("nobody",)),
        LoadOptions(max_entries={"nobody": 1}),
        LoadOptions(attach_to={"nobody": "1"}),
        LoadOptions(variables={"nobody": 1}),
    ],
)
def test_options_that_mean_nothing_are_refused(
    loader: WindowsDllLoader, read_object: Read, options: LoadOptions
) -> None:
    with pytest.raises(es.UsageError, match=r"for Linux|has no"):
        loader.load(read_object("sock_addr-clang19-el"), options)


def test_numbers_of_linux_are_not_taken_for_those_of_windows(
    loader: WindowsDllLoader, repository: Path
) -> None:
    path = repository / "corpus" / "objects" / "windows" / "xdp_maps-untagged-clang19-el.o"
    spec = es.read(path, platform="linux").model_copy(update={"platform": es.Platform.UNKNOWN})
    with pytest.raises(es.UsageError, match="read it with platform='windows'"):
        loader.load(spec)


@pytest.mark.parametrize(
    ("name", "changes", "rule"),
    [
        ("sockops-clang19-el", {"max_entries": 5000}, "WIN012"),
        ("sockops-clang19-el", {"max_entries": 1024}, "WIN012"),
        ("sock_addr-clang19-el", {"key_size": 0}, "MAP107"),
        ("sock_addr-clang19-el", {"value_size": 0}, "MAP107"),
        ("sock_addr-clang19-el", {"max_entries": 0}, "MAP107"),
        ("sock_addr-clang19-el", {"type": of("QUEUE")}, "WIN014"),
        ("sock_addr-clang19-el", {"type": of("LPM_TRIE"), "key_size": 2}, "WIN014"),
        ("sock_addr-clang19-el", {"type": of("PROG_ARRAY"), "value_size": 8}, "WIN014"),
        ("sock_addr-clang19-el", {"type": of("XSKMAP")}, "WIN101"),
    ],
)
def test_what_the_runtime_refuses_the_check_predicts(
    loader: WindowsDllLoader, read_object: Read, name: str, changes: dict[str, Any], rule: str
) -> None:
    spec = read_object(name)
    maps = type(spec.maps)([spec.maps[0].model_copy(update=changes)])
    broken = spec.model_copy(update={"maps": maps})
    with pytest.raises(es.LoadRejectedError, match="cannot create map") as caught:
        loader.load(broken)
    assert caught.value.rule == rule
    assert rule in {found.code for found in es.check(broken, platform="windows").findings}


# -- what the runtime says ---------------------------------------------------------------------


def test_the_verifiers_words_are_kept(loader: WindowsDllLoader, read_object: Read) -> None:
    spec = read_object("connect-clang19-el")
    program = spec.programs[0]
    broken = program.model_copy(
        update={"code": program.code[:-8] + bytes.fromhex("b701") + bytes(6)}
    )
    functions = type(spec.functions)([broken])
    with pytest.raises(es.LoadRejectedError) as caught:
        loader.load(spec.model_copy(update={"functions": functions}))
    assert str(caught.value).endswith("fall through off the end: EACCES")
    assert "from 0 to" in caught.value.log
    assert caught.value.result == "EACCES"
    with loader.load(spec, LoadOptions(log_level=1)) as loaded:
        assert loaded.programs[program.name].log == ""  # the stub praises nobody


def test_a_build_for_native_images_only_is_explained(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    stub.dll.stub_native_only(1)
    with pytest.raises(es.LoadRejectedError, match=r"native images only.*windows-native") as caught:
        loader.load(read_object("bind-clang19-el"))
    assert caught.value.rule == "WIN030"
    assert stub.left == (0, 0, 0, 0, 0, 0)


def test_a_program_type_nobody_provides(
    loader: WindowsDllLoader, stub: Stub, read_object: Read
) -> None:
    stub.dll.stub_forget_types()
    with pytest.raises(es.LoadRejectedError, match="program `on_process` is refused: EINVAL"):
        loader.load(read_object("process-clang19-el"))


# -- availability ------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="this is about other hosts")
@pytest.mark.parametrize("kind", [WindowsDllLoader, WindowsNativeLoader])
def test_other_hosts_have_no_dll(
    kind: type[WindowsLoader], read_object: Read, repository: Path
) -> None:
    problem = kind().available()
    assert problem is not None
    assert "ebpfapi.dll does not exist here" in problem
    native = issubclass(kind, WindowsNativeLoader)
    source = repository / "corpus" / "native" / "gate-0.21-x64.sys"
    spec = es.read(source) if native else read_object("bind-clang19-el")
    with pytest.raises(es.LoaderUnavailableError):
        kind().load(spec, LoadOptions(object_name=str(source)))
    with pytest.raises(es.LoaderUnavailableError):
        kind().open_map("/x")
    with pytest.raises(es.LoaderUnavailableError):
        kind().unload("/x")


def test_the_dll_is_looked_for_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ProgramW6432", raising=False)
    monkeypatch.setenv("ProgramFiles", str(tmp_path))
    monkeypatch.setenv("PATH", "relative")
    assert find_library() is None
    here = tmp_path / "elsewhere" / DLL_NAME
    here.parent.mkdir()
    here.touch()
    monkeypatch.setenv("PATH", f'"{here.parent}"')
    assert find_library() == here
    installed = tmp_path / "ebpf-for-windows" / DLL_NAME
    installed.parent.mkdir()
    installed.touch()
    assert find_library() == installed


def test_a_release_too_old_is_named(tmp_path: Path) -> None:
    old = Stub(build(tmp_path, "0.20.0"))
    problem = WindowsDllLoader(old.library).available()
    assert problem == (
        "ebpfapi.dll has no ebpf_close_fd: this needs efW ≥ 0.21.0; "
        "its exports are those of efW 0.18.0 to 0.20.0"
    )


@pytest.mark.parametrize(
    ("code", "words"), [(1, "an administrator"), (131, "eBPFCore and the service ebpfsvc")]
)
def test_a_runtime_that_does_not_answer(
    loader: WindowsDllLoader, stub: Stub, code: int, words: str
) -> None:
    with stub.failing("bpf", code):
        problem = loader.available()
    assert problem is not None
    assert words in problem
    with stub.failing("bpf", 2):  # no map is there
        assert loader.available() is None


def test_the_loader_is_chosen_by_what_the_object_is(repository: Path, read_object: Read) -> None:
    from ebpf_static.api_load import get_loader
    from ebpf_static.registry import get_registry

    registry = get_registry()
    assert registry.loader_failures == ()
    native = es.read(repository / "corpus" / "native" / "gate-0.21-x64.sys")
    assert get_loader(None, native, registry).name == "windows-native"
    assert get_loader(None, read_object("bind-clang19-el"), registry).name == "windows-dll"
    assert not WindowsDllLoader.takes(native)
    with pytest.raises(es.UsageError, match="windows-native"):
        WindowsDllLoader().load(native)


def test_subprograms_are_appended_and_calls_corrected(stub: Stub) -> None:
    from ebpf_static.specs import ByName, CollectionSpec, FunctionSpec, ProgramSpec, Reference
    from ebpf_static.specs import ReferenceKind as Kind
    from ebpf_static.uapi.constants import ProgramType
    from ebpf_static_loaders.windows.programs import link
    from ebpf_static_loaders.windows.session import Session

    call = bytes.fromhex("85100000ffffffff")
    leave = bytes.fromhex("9500000000000000")
    common: dict[str, Any] = {"section_index": 1, "linkage": "global", "byte_order": "little"}
    inner = FunctionSpec(
        name="inner", section=".text", section_offset=0, code=call + leave,
        references=(Reference(0, Kind.CALL, "last", 1, 0, 10),), **common,
    )  # fmt: skip
    last = FunctionSpec(name="last", section=".text", section_offset=16, code=leave, **common)
    program = ProgramSpec(
        name="p", section="bind", section_offset=0, code=call + leave,
        references=(Reference(0, Kind.CALL, "inner", 0, 0, 10),),
        type=ProgramType.named(es.Platform.WINDOWS, "BIND"), **common,
    )  # fmt: skip
    spec = CollectionSpec(
        platform=es.Platform.WINDOWS, numbering=es.Platform.WINDOWS, byte_order="little",
        functions=ByName((inner, last, program)),
    )  # fmt: skip
    code = link(Session(spec, LoadOptions(), Runtime(stub.library), 1), program)
    assert len(code) == 40
    assert struct.unpack_from("<i", code, 4) == (1,)  # from 0 to 2
    assert struct.unpack_from("<i", code, 20) == (1,)  # from 2 to 4
    with WindowsDllLoader(stub.library).load(spec) as loaded:
        assert set(loaded.programs) == {"p"}
