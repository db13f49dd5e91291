"""``check --btf`` and ``--kconfig``: what is said of a kernel beside its release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ebpf_static.cli.main import main
from tests.build.btf_writer import BtfWriter

OBJECT = Path(__file__).parents[2] / "corpus/objects/linux/core-clang19-el.o"


@pytest.fixture
def vmlinux(tmp_path: Path) -> Path:
    w = BtfWriter()
    w.struct("sock", 4, [("family", w.integer("unsigned short", 2), 0)])
    path = tmp_path / "vmlinux.btf"
    path.write_bytes(w.build())
    return path


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    options = ("--select", "REL1", "--output-format", "json", "--exit-zero", "--isolated")
    assert main(("check", str(OBJECT), *options, *arguments)) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["findings"]
    return found


def test_the_linux_target_gets_the_btf(vmlinux: Path, capsys: pytest.CaptureFixture[str]) -> None:
    targets = ("--target", "linux:6.1", "--target", "windows:1.1")
    assert {f["code"] for f in findings(capsys, *targets)} == {"REL103"}
    found = findings(capsys, *targets, "--btf", str(vmlinux))
    assert {f["target"] for f in found} == {"linux:6.1"}
    assert {f["code"] for f in found} == {"REL101", "REL102"}
    assert any("`sock___with_flavor::marks[2]`" in f["message"] for f in found)


def test_one_kernel_s_files_are_of_no_two(
    vmlinux: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = ("--target", "linux:6.1", "--target", "linux:5.15")
    for command in ("check", "matrix"):
        assert main((command, str(OBJECT), *targets, "--btf", str(vmlinux))) == 2
        assert "one kernel's: name one Linux target" in capsys.readouterr().err


def test_btf_alone_is_a_target(vmlinux: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert findings(capsys) == []
    found = findings(capsys, "--btf", str(vmlinux))
    assert {f["target"] for f in found} == {"linux"}


def test_wrong_use(vmlinux: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("check", str(OBJECT), "--isolated")
    assert main((*command, "--platform", "windows", "--btf", str(vmlinux))) == 2
    assert "for Linux targets" in capsys.readouterr().err
    assert main((*command, "--btf", str(OBJECT.parent / "none"))) == 2
    assert "none" in capsys.readouterr().err
    assert main((*command, "--kconfig", str(vmlinux))) == 2
    assert "is no kernel configuration" in capsys.readouterr().err


def test_settings_show_the_files(vmlinux: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--target", "linux:6.1", "--btf", str(vmlinux), "--show-settings", "--isolated")
    assert main(("check", *arguments)) == 0
    assert "vmlinux.btf" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--btf", "--kconfig", "--profile"])
@pytest.mark.parametrize("command", ["check", "matrix"])
def test_a_wrong_file_is_told_once_and_not_for_each_object(
    command: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "notes.txt"
    wrong.write_text("no file of a kernel")
    for file in (wrong, tmp_path / "none"):
        objects = [str(it) for it in sorted(OBJECT.parent.glob("core-*-el.o"))]
        assert len(objects) > 1
        assert main((command, *objects, "--target", "linux:6.1", option, str(file))) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].count(str(file)) == 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device without an end")
@pytest.mark.parametrize("option", ["--btf", "--kconfig", "--profile"])
def test_a_file_without_an_end_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("check", str(OBJECT), "--target", "linux:6.1", option, "/dev/zero")) == 2
    assert "/dev/zero: " in capsys.readouterr().err
