"""The commands of the shell, on the pretended efW."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from ebpf_static.cli.main import main
from ebpf_static_loaders.windows import base
from tests.loaders.windows.conftest import OBJECTS
from tests.loaders.windows.stub import Stub
from tests.loaders.windows.test_native_loader import NATIVE, describe_gate

Shell: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run a command as on a host that has no efW."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def windows(shell: Shell, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Run a command as on a Windows with efW."""
    monkeypatch.setattr(base, "_find", lambda: stub.library)
    return shell


@pytest.mark.parametrize(
    ("path", "loader"),
    [
        (OBJECTS / "connect-clang19-el.o", "windows-dll"),
        (NATIVE / "gate-0.21-x64.sys", "windows-native"),
    ],
)
def test_other_hosts_refuse_with_2(shell: Shell, path: Path, loader: str) -> None:
    status, out, error = shell("load", path)
    assert (status, out) == (2, "")
    assert f"loader {loader}: this is no Windows" in error


def test_what_is_pinned_stays_until_unloaded(windows: Shell, stub: Stub, tmp_path: Path) -> None:
    folder = tmp_path / "pins"  # which must not become a directory
    status, out, error = windows(
        "load", OBJECTS / "connect-clang19-el.o", "--attach", "only_https=2", "--pin", folder,
        "--output-format", "json",
    )  # fmt: skip
    assert status == 0, error
    document = json.loads(out)
    assert document["loader"] == "windows-dll"
    assert [it["name"] for it in document["programs"]] == ["only_https"]
    assert (stub.open_fds, stub.pins, stub.attached) == (0, 2, 1)
    assert not folder.exists()
    status, out, error = windows("unload", folder, "--loader", "windows-dll")
    assert status == 0, error
    assert (stub.pins, stub.attached) == (0, 0)


def test_a_pinned_map_is_shown(windows: Shell, stub: Stub) -> None:
    status, _, error = windows(
        "load", OBJECTS / "sock_addr-clang19-el.o", "--pin", "/mine", "--no-check"
    )
    assert status == 0, error
    status, out, error = windows("maps", "dump", "/mine/maps/redirects", "--loader", "windows-dll")
    assert status == 0, error
    assert "redirects" in out
    assert windows("unload", "/mine", "--loader", "windows-dll")[0] == 0
    assert stub.pins == 0


def test_an_image_is_loaded_from_its_path(
    windows: Shell, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = NATIVE / "gate-0.21-x64.sys"
    describe_gate(stub, path)
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    status, out, error = windows("load", path)
    assert status == 0, error
    assert "loaded by windows-native" in out
    describe_gate(stub, path, skip="gate_bind")
    status, _, error = windows("load", path)
    assert status == 1
    assert "program `gate_bind` of the image is not loaded" in error


def test_a_test_run(windows: Shell, tmp_path: Path) -> None:
    packet = tmp_path / "packet"
    packet.write_bytes(b"x" * 64)
    status, out, error = windows(
        "run", OBJECTS / "xdp_maps-clang19-el.o", "filter", "--data", packet, "--no-check"
    )
    assert status == 0, error
    assert out
