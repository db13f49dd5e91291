"""load, run, maps and unload from the shell: what they print and how they exit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from ebpf_static.cli.main import main
from ebpf_static_loaders.linux.loader import LinuxLoader
from tests.loaders.conftest import DATA

OBJECTS = DATA.parents[2] / "corpus" / "objects"


class Result(NamedTuple):
    status: int
    out: str
    err: str


Shell: TypeAlias = Callable[..., Result]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    def _run(*arguments: object) -> Result:
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return _run


def test_a_dry_run_prints_calls_on_any_host(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    done = shell("load", DATA / "basic.o", "--dry-run", "--attach", "one=7", "--pin", "/pins")
    assert done.status == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    commands = [line.get("command") for line in lines]
    assert commands.count("BPF_PROG_LOAD") == 2
    link = next(line for line in lines if line.get("command") == "BPF_LINK_CREATE")
    assert (link["target_fd"], link["attach_type"]) == (7, 37)
    pinned = [line["pathname"] for line in lines if line.get("command") == "BPF_OBJ_PIN"]
    assert pinned == [
        "/pins/maps/table", "/pins/maps/slots", "/pins/programs/one", "/pins/programs/two",
        "/pins/links/0",
    ]  # fmt: skip


def test_the_wrong_host_is_refused_with_2(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    done = shell("load", DATA / "basic.o")
    assert (done.status, done.out) == (2, "")
    assert "loader linux: this is no Linux (win32)" in done.err


def test_the_wrong_platform_is_refused_with_2(shell: Shell) -> None:
    done = shell("load", OBJECTS / "windows" / "bind-clang19-el.o", "--loader", "linux")
    assert done.status == 2
    assert "loader linux is for Linux, but the object is made for eBPF for Windows" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--loader", "nobody"), "there is no loader 'nobody'; there are: linux"),
        (("--dry-run", "--loader", "linux"), "--dry-run pretends by itself"),
        (("--dry-run", "--max-entries", "table"), "write NAME=VALUE"),
        (("--dry-run", "--max-entries", "table=x"), "is no number"),
        (("--dry-run", "--max-entries", "chair=1"), "the object has no map `chair`"),
        (("--dry-run", "--set", "x=1"), "the object has no global variable `x`"),
        (("--dry-run", "--set", "x=hex:0"), "is not hexadecimal"),
        (("--dry-run", "--program", "three"), "the object has no program `three`"),
        (("--dry-run", "--attach", "three"), "nothing called `three` is loaded"),
    ],
)
def test_what_makes_no_sense_exits_with_2(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    done = shell("load", DATA / "basic.o", *arguments)
    assert done.status == 2
    assert words in done.err


def test_findings_keep_an_object_from_being_loaded(shell: Shell) -> None:
    broken = OBJECTS / "linux" / "legacy_iproute2-clang19-el.o"
    done = shell("load", broken, "--dry-run")
    assert (done.status, done.out) == (1, "")
    assert "PRG001" in done.err
    assert "--no-check loads it all the same" in done.err
    done = shell("load", broken, "--dry-run", "--no-check")
    assert done.status == 1
    assert "the legacy way" in done.err


def test_load_pin_look_and_unload(
    shell: Shell, linux: LinuxLoader, bpffs: Path, tmp_path: Path
) -> None:
    del linux
    folder = bpffs / "hooks"
    done = shell(
        "load", DATA / "hooks.o", "--attach", "notice", "--pin", folder,
        "--set", "watched_pid=1", "--output-format", "json",
    )  # fmt: skip
    assert done.status == 0, done.err
    document = json.loads(done.out)
    assert {item["name"] for item in document["programs"]} >= {"count", "notice"}
    assert document["links"][0]["how"] == "bpf_link"
    assert str(folder / "links" / "0") in document["pins"]
    shown = json.loads(
        shell("maps", "dump", folder / "maps" / "counts", "--output-format", "json").out
    )
    assert shown["elements"] == [{"key": 0, "value": {"packets": 0, "bytes": 0}}]
    assert "0 = {packets: 0, bytes: 0}" in shell("maps", "dump", folder / "maps" / "counts").out
    raw = shell("maps", "dump", folder / "maps" / "counts", "--raw").out
    assert "00 00 00 00 = 00 00" in raw
    gone = json.loads(shell("unload", folder, "--output-format", "json").out)
    assert gone["removed"][0] == str(folder / "links" / "0")
    assert not any(path.is_file() for path in folder.rglob("*"))
    missing = shell("maps", "dump", folder / "maps" / "counts")
    assert missing.status == 2
    assert "ENOENT" in missing.err
    assert list(tmp_path.rglob("links")) == []


def test_load_without_pins_is_a_test(shell: Shell, linux: LinuxLoader) -> None:
    del linux
    done = shell("load", DATA / "basic.o")
    assert done.status == 0
    assert "program one: type XDP" in done.out
    done = shell("load", DATA / "hooks.o", "--attach", "notice", "--duration", "0")
    assert done.status == 0
    assert "link: how bpf_link" in done.out


def test_what_the_kernel_refuses_exits_with_1(shell: Shell, linux: LinuxLoader) -> None:
    del linux
    done = shell("load", OBJECTS / "linux" / "globals-clang19-el.o", "--no-check")
    assert done.status == 1
    assert "program `sample` is refused" in done.err
    assert "globals.c:31" in done.err


def test_run_on_a_packet(shell: Shell, linux: LinuxLoader, tmp_path: Path) -> None:
    del linux
    packet, out = tmp_path / "packet", tmp_path / "out"
    packet.write_bytes(bytes(64))
    done = shell(
        "run", DATA / "hooks.o", "first", "--all-programs", "--data", packet,
        "--data-out", out, "--output-format", "json",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert json.loads(done.out)["result"] == 4
    assert out.read_bytes() == bytes(64)
    assert "returned 2 (0x2)" in shell("run", DATA / "basic.o", "two", "--data", packet).out
    assert shell("run", DATA / "basic.o", "two", "--data", tmp_path / "none").status == 2
    assert shell("run", DATA / "basic.o", "two").status == 1


def test_pinning_elsewhere_is_refused_and_leaves_nothing(
    shell: Shell, linux: LinuxLoader, tmp_path: Path
) -> None:
    del linux
    done = shell("load", DATA / "basic.o", "--pin", tmp_path / "deep" / "pins")
    assert done.status == 2
    assert "in no BPF file system" in done.err
    assert list(tmp_path.iterdir()) == []
