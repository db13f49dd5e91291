"""Native images: read first, loaded as a file, and compared with what the runtime says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.loading import Collection, LoadOptions
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static_loaders.windows.loader_native import WindowsNativeLoader, require_image
from tests.build.pe_writer import BIND, BIND_ATTACH, NativeWriter
from tests.loaders.windows.stub import Stub

NATIVE = Path(__file__).resolve().parents[3] / "corpus" / "native"
CONNECT = "92ec8e39-aeec-11ec-9a30-18602489beee"
CONNECT4 = "a82e37b1-aee7-11ec-9a30-18602489beee"


def describe_gate(stub: Stub, path: Path, skip: str = "") -> None:
    """Describe what ``gate-*.sys`` holds, from its source and not from the reader."""
    stub.image(path)
    stub.image_map("gate_policy", 1, 16, 4, 1024)
    stub.image_map("gate_events", 13, 0, 0, 65536)
    stub.image_map("gate_chain", 3, 4, 4, 8)
    stub.image_map("gate.rodata", 2, 4, 24, 1)
    for name, kind, attach, maps in (
        ("gate_bind", BIND, BIND_ATTACH, (0,)),
        ("gate_chained", BIND, BIND_ATTACH, (2,)),
        ("gate_connect4", CONNECT, CONNECT4, (0, 1)),
    ):
        if name != skip:
            stub.image_program(name, kind, attach, maps)


@pytest.fixture
def native(stub: Stub) -> WindowsNativeLoader:
    """The loader for native images, on the stub, which pretends to be an x64 host."""
    return WindowsNativeLoader(stub.library, machine=lambda: "x64")


def load(loader: WindowsNativeLoader, path: Path, **options: object) -> Collection:
    spec = es.read(path)
    return loader.load(spec, LoadOptions(object_name=str(path), **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["gate-0.21-x64.sys", "gate-1.2-x64.sys", "gate-1.5-x64.sys"])
def test_what_is_loaded_is_what_was_read(
    native: WindowsNativeLoader, stub: Stub, name: str
) -> None:
    path = NATIVE / name
    describe_gate(stub, path)
    with load(native, path) as loaded:
        assert [*loaded.maps] == ["gate_policy", "gate_events", "gate_chain", "gate.rodata"]
        assert [*loaded.programs] == ["gate_bind", "gate_chained", "gate_connect4"]
        loaded.maps["gate_policy"].update(bytes(16), 1)
        assert loaded.maps["gate_policy"].lookup(bytes(16)) == b"\1\0\0\0"
        loaded.attach("gate_connect4", "2")
        loaded.attach("gate_bind")
        assert stub.attached == 2
        assert loaded.programs["gate_bind"].info()["type"] == "BIND"
    assert f"ebpf_object_load_native_by_fds {path} 32 32" in stub.calls


def test_maps_of_maps(native: WindowsNativeLoader, stub: Stub) -> None:
    path = NATIVE / "maps-0.21-arm64.sys"
    spec = es.read(path)
    stub.image(path)
    sizes = {
        it.name: (it.type.number, it.key_size, it.value_size, it.max_entries) for it in spec.maps
    }
    for name, inner in (
        ("lone_inner", -1),
        ("lone_outer_by_index", 0),
        ("lone_outer_by_id", 0),
        ("lone_perf", -1),
    ):
        stub.image_map(name, *sizes[name], inner)
    arm = WindowsNativeLoader(native.library(), machine=lambda: "arm64")
    with load(arm, path) as loaded:
        assert loaded.maps["lone_outer_by_id"].info()["inner_map_id"]
        assert loaded.spec.maps[0].name == next(iter(loaded.maps))  # the image's order, not efW's
    with pytest.raises(es.LoadRejectedError, match="is for arm64, this host is x64"):
        load(native, path)


def test_more_than_there_was_room_for(
    native: WindowsNativeLoader, stub: Stub, tmp_path: Path
) -> None:
    """The first call has 32 slots, what the runtime asks for is what the second has."""
    path = tmp_path / "gate.sys"
    shutil.copy(NATIVE / "gate-0.21-x64.sys", path)
    describe_gate(stub, path)
    for number in range(40):
        stub.image_map(f"extra{number}", 1, 4, 4, 1)
    with pytest.raises(es.LoadRejectedError, match="loaded, but not in the image"):
        load(native, path)
    calls = [it for it in stub.calls if it.startswith("ebpf_object_load_native_by_fds")]
    assert [it.split()[-2:] for it in calls] == [["32", "32"], ["44", "32"]]
    assert stub.left == (0, 0, 0, 0, 0, 0)


def test_a_runtime_that_always_wants_more_is_given_up_on(
    native: WindowsNativeLoader, stub: Stub
) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    describe_gate(stub, path)
    with stub.failing("ebpf_object_load_native_by_fds"), pytest.raises(es.LoadRejectedError) as it:
        load(native, path)
    assert it.value.result == "EBPF_NO_MEMORY"
    assert stub.called.count("ebpf_object_load_native_by_fds") == 1  # no larger count was told


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (("gate_policy", 1, 16, 4, 1025), "`gate_policy`: number of entries is 1025, not 1024"),
        (("gate_policy", 8, 16, 4, 1024), "`gate_policy`: type is 8, not 1"),
        (("gate_policy", 1, 8, 4, 1024), "`gate_policy`: key size is 8, not 16"),
        (("gate_policy", 1, 16, 8, 1024), "`gate_policy`: value size is 8, not 4"),
        (("other", 1, 16, 4, 1024), "map `gate_policy` of the image is not loaded; map `other`"),
        (("", 1, 16, 4, 1024), "a map without a name"),
        (("gate_chain", 3, 4, 4, 8), "efW has 2 maps called `gate_chain`"),
    ],
)
def test_a_map_that_is_not_the_images(
    native: WindowsNativeLoader, stub: Stub, changed: tuple[str, int, int, int, int], words: str
) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    describe_gate(stub, path)
    stub.image(path)
    stub.image_map(*changed)
    stub.image_map("gate_events", 13, 0, 0, 65536)
    stub.image_map("gate_chain", 3, 4, 4, 8)
    stub.image_map("gate.rodata", 2, 4, 24, 1)
    stub.image_program("gate_bind", BIND, BIND_ATTACH, (0,))
    stub.image_program("gate_chained", BIND, BIND_ATTACH, (2,))
    stub.image_program("gate_connect4", CONNECT, CONNECT4, (0, 1))
    with pytest.raises(es.LoadRejectedError, match="something else than the image says") as caught:
        load(native, path)
    assert words in str(caught.value).replace("\\", "")
    assert stub.left == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (("gate_bind", CONNECT, BIND_ATTACH, (0,)), f"program type {CONNECT}, not {BIND}"),
        (("gate_bind", BIND, CONNECT4, (0,)), f"attach type {CONNECT4}, not {BIND_ATTACH}"),
        (("gate_bind", BIND, BIND_ATTACH, (0, 1)), "maps used gate_events, gate_policy, not"),
        (("gate_bind", BIND, BIND_ATTACH, ()), "maps used none, not gate_policy"),
        (("gate_other", BIND, BIND_ATTACH, (0,)), "program `gate_bind` of the image is not loaded"),
    ],
)
def test_a_program_that_is_not_the_images(
    native: WindowsNativeLoader,
    stub: Stub,
    program: tuple[str, str, str, tuple[int, ...]],
    words: str,
) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    describe_gate(stub, path, skip="gate_bind")
    stub.image_program(*program)
    with pytest.raises(es.LoadRejectedError) as caught:
        load(native, path)
    assert words in str(caught.value)
    assert words in caught.value.log
    assert stub.left == (0, 0, 0, 0, 0, 0)


def test_only_programs_asked_for_stay(native: WindowsNativeLoader, stub: Stub) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    describe_gate(stub, path)
    with load(native, path, programs=("gate_bind",)) as loaded:
        assert [*loaded.programs] == ["gate_bind"]
        assert stub.objects(3) == 1


# -- before anything is called -----------------------------------------------------------------


def write(path: Path, fill: Callable[[NativeWriter], None], layout: str = "0.21") -> Path:
    writer = NativeWriter(layout)
    fill(writer)
    writer.metadata(version=(0, 21, 0))
    path.write_bytes(writer.build())
    return path


def one_map(name: str, **sizes: int) -> Callable[[NativeWriter], None]:
    def fill(writer: NativeWriter) -> None:
        writer.map(name, **({"type": 1, "key_size": 4, "value_size": 4, "max_entries": 1} | sizes))

    return fill


def test_the_file_is_what_was_checked(
    native: WindowsNativeLoader, stub: Stub, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.sys", one_map("m"))
    spec = es.read(path)
    options = LoadOptions(object_name=str(path))
    write(path, one_map("m", max_entries=2))
    with pytest.raises(es.LoadRejectedError, match="not what was checked: it has changed"):
        native.load(spec, options)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(es.LoadRejectedError, match="not what was checked"):
        native.load(spec, options)
    path.unlink()
    with pytest.raises(es.UsageError, match="no such file"):
        native.load(spec, options)
    with pytest.raises(es.LoadRejectedError, match="small letters") as caught:
        native.load(spec, LoadOptions())
    assert caught.value.rule == "WIN029"
    assert stub.calls == []


def test_the_extension_is_in_small_letters(native: WindowsNativeLoader, tmp_path: Path) -> None:
    path = write(tmp_path / "a.SYS", one_map("m"))
    with pytest.raises(es.LoadRejectedError) as caught:
        load(native, path)
    assert caught.value.rule == "WIN029"


def test_the_path_is_a_full_one(
    native: WindowsNativeLoader, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.sys", one_map("m"))
    stub.image(path)
    stub.image_map("m", 1, 4, 4, 1)
    monkeypatch.chdir(tmp_path)
    with native.load(es.read("a.sys"), LoadOptions(object_name=f".{os.sep}a.sys")) as loaded:
        assert set(loaded.maps) == {"m"}


def two(name: str, other: str) -> Callable[[NativeWriter], None]:
    def fill(writer: NativeWriter) -> None:
        one_map(name)(writer)
        one_map(other)(writer)

    return fill


@pytest.mark.parametrize(
    ("fill", "layout", "words", "rule"),
    [
        (one_map("m"), "0.11", r"bpf2c before 0\.21\.0", "WIN025"),
        (one_map("m" * 64), "0.21", "more than 63 bytes", "WIN017"),
        (two("m", "m"), "0.21", "two maps called `m`", None),
        (one_map(""), "0.21", "has no name", None),
    ],
)
def test_images_nobody_can_use_are_refused(
    native: WindowsNativeLoader,
    stub: Stub,
    tmp_path: Path,
    fill: Callable[[NativeWriter], None],
    layout: str,
    words: str,
    rule: str | None,
) -> None:
    path = write(tmp_path / "a.sys", fill, layout)
    with pytest.raises(es.LoadRejectedError, match=words) as caught:
        load(native, path)
    assert caught.value.rule == rule
    assert stub.calls == []


def test_names_of_63_characters_are_kept(
    native: WindowsNativeLoader, stub: Stub, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.sys", one_map("m" * 63))
    stub.image(path)
    stub.image_map("m" * 63, 1, 4, 4, 1)
    with load(native, path) as loaded:
        assert set(loaded.maps) == {"m" * 63}


def test_names_that_are_no_text_are_compared_byte_by_byte(
    native: WindowsNativeLoader, stub: Stub, tmp_path: Path
) -> None:
    name = r"m\xff"  # as the reader of images spells what is no UTF-8
    path = write(tmp_path / "a.sys", one_map("m?"))
    path.write_bytes(path.read_bytes().replace(b"m?\0", b"m\xff\0"))
    assert es.read(path).maps[0].name == name
    stub.image(path)
    stub.dll.stub_image_map(b"m\xff", 1, 4, 4, 1, -1)
    with load(native, path) as loaded:
        assert set(loaded.maps) == {name}


def test_two_programs_of_one_name(native: WindowsNativeLoader, tmp_path: Path) -> None:
    def fill(writer: NativeWriter) -> None:
        writer.program("p")
        writer.program("p")

    path = write(tmp_path / "a.sys", fill)
    with pytest.raises(es.LoadRejectedError, match="two programs called `p`"):
        load(native, path)


def test_a_dll_for_user_mode_is_no_driver() -> None:
    spec = es.read(NATIVE / "gate-0.21-x64.dll")
    assert isinstance(spec, NativeImageSpec)
    with pytest.raises(es.LoadRejectedError, match="no driver"):
        require_image(spec, "x64")


@pytest.mark.parametrize(
    "options",
    [
        {"max_entries": {"gate_policy": 2}},
        {"maps": {"gate_policy": "/x"}},
        {"pin_dir": "/x"},
        {"default_max_entries": 2},
        {"kernel_btf": "x"},
    ],
)
def test_options_that_would_change_the_image_are_refused(
    native: WindowsNativeLoader, stub: Stub, options: dict[str, object]
) -> None:
    with pytest.raises(es.UsageError, match="option"):
        load(native, NATIVE / "gate-0.21-x64.sys", **options)
    assert stub.calls == []


def test_bytecode_is_for_the_other_loader(native: WindowsNativeLoader, repository: Path) -> None:
    path = repository / "corpus" / "objects" / "windows" / "bind-clang19-el.o"
    with pytest.raises(es.UsageError, match="windows-dll"):
        load(native, path)
    linux = next((repository / "corpus" / "objects" / "linux").glob("*.o"))
    with pytest.raises(es.UsageError, match="is for eBPF for Windows"):
        load(native, linux)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (14, "EBPF_RPC_EXCEPTION (the eBPF service (ebpfsvc) does not answer"),
        (20, "EBPF_ACCESS_DENIED (loading takes an administrator)"),
        (21, "EBPF_BLOCKED_BY_POLICY (this host does not trust the image's signature)"),
        (3, "EBPF_PROGRAM_LOAD_FAILED"),
    ],
)
def test_what_the_service_refuses_is_explained(
    native: WindowsNativeLoader, stub: Stub, code: int, words: str
) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    describe_gate(stub, path)
    with (
        stub.failing("ebpf_object_load_native_by_fds", code),
        pytest.raises(es.LoadRejectedError) as caught,
    ):
        load(native, path)
    assert words in str(caught.value)


def test_load_checks_first_and_finds_the_path_by_itself(
    native: WindowsNativeLoader, stub: Stub
) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    describe_gate(stub, path)
    with es.load(path, loader=native) as loaded:
        assert len(loaded.programs) == 3
