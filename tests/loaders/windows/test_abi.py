"""Structures, argument order and export lists, as two compilers see them."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from ebpf_static.errors import LoaderError, LoaderUnavailableError, UsageError
from ebpf_static_loaders.windows import bpf_syscall, tables
from ebpf_static_loaders.windows.dll import TYPES, MissingExportError
from ebpf_static_loaders.windows.results import CallError
from ebpf_static_loaders.windows.runtime import Runtime
from tests.loaders.ebpfapi_stub import generate
from tests.loaders.windows.stub import MINGW, SOURCE, Stub, build

WINE = ("/usr/lib/wine/wine64", "wine64", "wine")


def layouts_of(lines: list[str]) -> dict[str, dict[str, tuple[int, int]]]:
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for line in lines:
        structure, field, offset, size = line.split()
        found.setdefault(structure, {})[field] = int(offset), int(size)
    return found


def layouts_of_the_table() -> dict[str, dict[str, tuple[int, int]]]:
    return {
        name: {"-": (0, layout.size)}
        | {key: (it.offset, it.size) for key, it in layout.fields.items()}
        for name, layout in tables.layouts().items()
    }


def test_structures_lie_as_a_compiler_lays_them(stub: Stub) -> None:
    lines: list[str] = []
    while line := stub.dll.stub_layout_at(len(lines)):
        lines.append(line.decode())
    assert layouts_of(lines) == layouts_of_the_table()


def test_every_export_can_be_bound(stub: Stub) -> None:
    for name, export in tables.exports().items():
        assert stub.library.has(name), name
        function = getattr(stub.dll, name)
        assert function.restype is TYPES[export.returns]
        assert [*function.argtypes] == [TYPES[kind] for _, kind in export.arguments]


def test_arguments_arrive_in_order(stub: Stub, tmp_path: Path) -> None:
    runtime = Runtime(stub.library)
    fd = runtime.create_named_map(1, b"a" * 40, 4, 12, 7, None)
    outer = runtime.create_named_map(7, b"b" * 40, 4, 4, 3, fd)
    path = tmp_path / "x.sys"
    stub.image(path)
    assert runtime.load_native(str(path).encode(), 2, 5) == ([], [])
    assert stub.calls == [
        f"bpf_map_create 1 {'a' * 40} 4 12 7 NULL",
        f"bpf_create_map_in_map 7 {'b' * 40} 4 {fd} 3 0",
        f"ebpf_object_load_native_by_fds {path} 2 5",
    ]
    runtime.close(outer)
    runtime.close(fd)


def test_numbers_and_bytes_that_do_not_fit_are_refused() -> None:
    layout = tables.layouts()["sys_bpf_map_create_attr_t"]
    attr, _ = bpf_syscall.pack(layout, {"map_type": 13, "map_name": b"x" * 16, "numa_node": -1})
    assert bpf_syscall.unpack(layout.fields["map_type"], attr.raw) == 13
    assert attr.raw[24:28] == b"\xff" * 4
    assert attr.raw[28:44] == b"x" * 16
    with pytest.raises(UsageError, match="map_type"):
        bpf_syscall.pack(layout, {"map_type": 1 << 32})
    with pytest.raises(UsageError, match="17 bytes"):
        bpf_syscall.pack(layout, {"map_name": bytes(17)})


def test_an_unknown_command_and_a_name_too_long_are_refused_by_the_runtime(stub: Stub) -> None:
    runtime = Runtime(stub.library)
    with pytest.raises(LoaderError, match="no BPF_BTF_LOAD"):
        runtime.bpf("BTF_LOAD", {})
    with pytest.raises(CallError) as caught:
        runtime.bpf("MAP_CREATE", {"map_type": 1, "key_size": 4, "map_name": b"x" * 16})
    assert (caught.value.name, caught.value.number) == ("EINVAL", 22)


def test_ids_lead_to_objects(stub: Stub) -> None:
    runtime = Runtime(stub.library)
    fd = runtime.create_named_map(1, b"m", 4, 4, 1, None)
    first = runtime.bpf("MAP_GET_NEXT_ID", {"start_id": 0})["next_id"]
    again = runtime.bpf("MAP_GET_FD_BY_ID", {"id": first}).value
    assert runtime.object_type(again) == 1
    with pytest.raises(CallError, match="ENOENT"):
        runtime.bpf("MAP_GET_NEXT_ID", {"start_id": first})
    with pytest.raises(CallError, match="EBPF_INVALID_FD"):
        runtime.object_type(99)
    for opened in (fd, again):
        runtime.close(opened)
    with pytest.raises(CallError, match="EBPF_INVALID_FD"):
        runtime.close(fd)


@pytest.mark.parametrize(
    ("release", "lacks", "needs"),
    [
        ("0.2.0", "bpf_map_lookup_batch", "0.14"),
        ("0.20.0", "ebpf_close_fd", "0.21"),
        ("0.21.1", "ebpf_ring_buffer_map_map_buffer", "1.0.0-rc1"),
        ("1.0.0-rc2", "perf_buffer__poll", "1.1"),
    ],
)
def test_a_missing_export_says_which_release_has_it(
    tmp_path: Path, release: str, lacks: str, needs: str
) -> None:
    old = Stub(build(tmp_path, release))
    assert old.dll.stub_release().decode() == release
    assert not old.library.has(lacks)
    with pytest.raises(MissingExportError, match=f"has no {lacks}: this needs efW ≥ {needs}"):
        old.library.require("bpf", lacks)
    with pytest.raises(LoaderUnavailableError):
        old.library.call(lacks)
    oldest, newest = old.library.release
    assert str(oldest) <= release <= str(newest)


def test_a_build_between_releases_is_dated_by_its_newest_export(tmp_path: Path) -> None:
    generate.write(tmp_path, "1.1.0")
    stub = Stub(build(tmp_path, "1.1.0"))
    stub.library._bound["ebpf_program_synchronize"] = None  # as if it had been taken out
    assert [str(it) for it in stub.library.release] == ["1.1.0", "1.5.0"]


# -- the DLL -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dll(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dll"), compiler=MINGW)


def test_the_dll_exports_what_efw_does(dll: Path) -> None:
    from ebpf_static.formats.native_container import PeFile
    from ebpf_static.formats.native_directories import read_exports

    exported = set(read_exports(PeFile(dll.read_bytes()))[1])
    assert exported == generate.exports_of(None) | set(generate.stub_names())


@pytest.fixture(scope="module")
def answers(dll: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a program in C sees of the DLL under Wine."""
    wine = next((found for name in WINE if (found := shutil.which(name))), None)
    if wine is None:
        pytest.skip("no Wine")
    program = dll.parent / "abi.exe"
    command = [MINGW, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE}", f"-I{dll.parent}"]
    subprocess.run([*command, str(SOURCE / "abi.c"), "-o", str(program)], check=True)
    names = dll.parent / "exports.txt"
    names.write_text("\n".join(sorted(generate.exports_of(None))) + "\n", encoding="utf-8")
    home = tmp_path_factory.mktemp("wine")
    environment = {"WINEPREFIX": str(home), "WINEDEBUG": "-all", "HOME": str(home), "PATH": ""}
    done = subprocess.run(
        [wine, str(program)], capture_output=True, text=True, check=False, cwd=dll.parent,
        env=environment, stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.splitlines()


def test_windows_lays_structures_the_same_way(answers: list[str]) -> None:
    lines = [line.removeprefix("layout ") for line in answers if line.startswith("layout ")]
    assert layouts_of(lines) == layouts_of_the_table()


def test_windows_finds_every_export_by_its_name(answers: list[str]) -> None:
    found = {line.removeprefix("export ") for line in answers if line.startswith("export ")}
    assert found == generate.exports_of(None)


def test_the_windows_build_works(answers: list[str]) -> None:
    assert [line for line in answers if not line.startswith(("layout", "export"))] == [
        "created", "refused 22 120", "event set", "ring 5", "closed", "left 0 0",
    ]  # fmt: skip


def test_scalars_have_the_sizes_of_windows() -> None:
    sizes = {code: ctypes.sizeof(kind) for code, kind in TYPES.items() if kind is not None}
    assert sizes == {
        "bool": 1, "u16": 2, "i32": 4, "u32": 4, "i64": 8, "u64": 8, "str": 8, "ptr": 8,
    }  # fmt: skip
