from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import pytest

from ebpf_static.cli.main import main

CORPUS = Path(__file__).parents[2] / "corpus" / "objects"
BARE = CORPUS / "linux" / "bare-clang19-el.o"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["report", *arguments, "--isolated"])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_page_goes_to_a_file_or_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    target = ("--target", "linux:6.1")
    assert run(capsys, "--html", str(BARE), *target, "-o", str(file)) == (0, "", "")
    text = file.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>\n<html")
    assert run(capsys, str(BARE), *target) == (0, text, "")
    assert run(capsys, str(BARE), *target, "--output-format", "html")[1] == text


def test_without_a_target_the_releases_people_run_are_judged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = run(capsys, str(BARE))
    assert "on linux:6.12: loads" in out
    assert "on windows:" not in out
    _, out, _ = run(capsys, str(CORPUS / "windows" / "connect-clang19-el.o"))
    assert "on windows:1.1: loads" in out
    assert "on linux:" not in out


def test_what_cannot_be_read_is_on_the_page_and_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cut, notes = tmp_path / "cut.o", tmp_path / "notes.txt"
    cut.write_bytes(BARE.read_bytes()[:200])
    notes.write_text("no object")
    status, out, err = run(capsys, str(cut), str(notes), "--target", "linux:6.1")
    assert status == 2
    assert "ELF001" in out
    assert "on linux:6.1: rejected" in out
    assert "What could not be done" in out
    assert err.count("\n") == 1
    assert "notes.txt" in err


def test_settings_hold_as_in_check(capsys: pytest.CaptureFixture[str]) -> None:
    core = str(CORPUS / "linux" / "core-clang19-el.o")
    target = (core, "--target", "linux:4.18")
    assert 'id="o0-f0"' in run(capsys, *target, "--select", "INS208")[1]
    assert 'id="o0-f0"' not in run(capsys, *target, "--ignore", "ALL")[1]


def test_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BARE.read_bytes())))
    status, out, _ = run(capsys, "-", "--target", "linux:6.1")
    assert status == 0
    assert "&lt;stdin&gt; on linux:6.1: loads" in out


def test_objects_inside_files_are_there_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    archive, copy = tmp_path / "objects.zip", tmp_path / "copy.o"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(BARE, "inner.o")
    copy.write_bytes(BARE.read_bytes())
    status, out, err = run(capsys, str(archive), str(copy), "--target", "linux:6.1")
    assert (status, err) == (0, "")
    assert out.count('class="object"') == 1
    assert "objects.zip!inner.o" in out
    assert f"The same object is in <code>{copy.as_posix()}</code>" in out


def test_files_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, str(BARE), "--show-files")
    assert status == 0
    assert out.endswith("bare-clang19-el.o\n")


def test_nothing_to_report_on_is_a_mistake(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, out, err = run(capsys, str(tmp_path))
    assert (status, out) == (2, "")
    assert err == f"error: no eBPF object in '{tmp_path}': looked at 0 files\n"
