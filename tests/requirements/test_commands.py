"""``ebpf-static requires`` and ``ebpf-static matrix``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebpf_static.cli.main import main

OBJECTS = Path(__file__).resolve().parents[2] / "corpus" / "objects" / "linux"
CALLBACKS = str(OBJECTS / "callbacks-clang19-el.o")


def test_requires(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(("requires", CALLBACKS)) == 0
    text = capsys.readouterr().out
    assert "  helper\n" in text
    assert "    loop, since 5.17\n" in text
    assert main(("requires", CALLBACKS, "--output-format", "json")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["platform"] == "linux"
    assert {item["kind"] for item in document["items"]} >= {"helper", "map type", "feature"}
    file = tmp_path / "needs.md"
    assert main(("requires", CALLBACKS, "--output-format", "markdown", "-o", str(file))) == 0
    assert "| helper | <code>loop</code> | 5.17 |" in file.read_text("utf-8")


def test_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    targets = ("--target", "linux:5.10", "--target", "ubuntu:22.04")
    assert main(("matrix", CALLBACKS, *targets, "--lowest")) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].split() == ["object", "linux:5.10", "ubuntu:22.04", "lowest"]
    assert "linux:5.10: rejected: INS201" in text
    assert main(("matrix", CALLBACKS, *targets, "--output-format", "json")) == 0
    document = json.loads(capsys.readouterr().out)
    (row,) = document["objects"]
    assert row["targets"]["linux:5.10"]["status"] == "rejected"


def test_a_directory_for_the_releases_people_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.o").write_bytes(Path(CALLBACKS).read_bytes())
    (tmp_path / "b.txt").write_text("no object")
    assert main(("matrix", str(tmp_path), "--output-format", "markdown")) == 0
    text = capsys.readouterr().out
    assert "linux\\:5.10" in text
    assert "linux\\:6.12" in text


def test_what_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(("matrix", str(tmp_path / "gone.o"), CALLBACKS, "--target", "linux:6.1")) == 2
    captured = capsys.readouterr()
    assert "gone.o: no such file" in captured.err
    assert "callbacks-clang19-el.o" in captured.out
    assert main(("requires", str(tmp_path / "gone.o"))) == 2
    assert main(("matrix", CALLBACKS, "--target", "linux:99.1")) == 2


def test_one_kernel_s_files_need_one_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--target", "linux:6.1", "--target", "linux:6.6", "--kconfig", "config")
    assert main(("matrix", CALLBACKS, *arguments)) == 2
    assert "name one Linux target" in capsys.readouterr().err


def test_a_directory_without_objects(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(("matrix", str(tmp_path))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no eBPF object in" in captured.err


def test_names_are_not_cut_and_no_column_is_made_up(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / ("a" * 100 + ".o")
    path.write_bytes(Path(CALLBACKS).read_bytes())
    for output_format in ("text", "markdown"):
        command = ("matrix", str(path), "--target", "linux:6.1", "--output-format", output_format)
        assert main(command) == 0
        text = capsys.readouterr().out
        assert path.name in next(line for line in text.splitlines() if "rejected" in line)
        assert "lowest" not in text.splitlines()[0]
        assert main((*command, "--lowest")) == 0
        assert "lowest" in capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_a_platform_alone_has_no_verdict(
    platform: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(("matrix", CALLBACKS, "--target", platform)) == 2
    assert f"target '{platform}' names no release" in capsys.readouterr().err
    profile = tmp_path / "profile.json"
    told = {"format": "ebpf-static-profile", "version": 1, "kernel_version": "6.1"}
    profile.write_text(json.dumps(told))
    assert main(("matrix", CALLBACKS, "--target", "linux", "--profile", str(profile))) == 0
