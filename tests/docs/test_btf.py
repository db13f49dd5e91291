"""The commands of docs/btf.md do what it says."""

from __future__ import annotations

import lzma
import re
import shlex
from pathlib import Path

import pytest

from ebpf_static.cli.main import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/btf.md").read_text("utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
PYTHON = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the files the guide names."""
    made = tmp_path_factory.mktemp("guide")
    (made / "probe.bpf.o").write_bytes((ROOT / "docs/examples/btf/probe.bpf.o").read_bytes())
    for kernel in ("5.10", "6.1", "6.12"):
        packed = ROOT / f"tests/btf/data/vmlinux-{kernel}.btf.xz"
        (made / f"vmlinux-{kernel}.btf").write_bytes(lzma.decompress(packed.read_bytes()))
    return made


def examples(block: str) -> list[tuple[str, str]]:
    """Return each command of a block with the output shown for it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    pairs = (part.partition("\n") for part in parts if part)
    return [(command, output) for command, _, output in pairs]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_commands(
    number: int,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    for command, shown in examples(BLOCKS[number]):
        program, *arguments = shlex.split(command)
        assert program == "ebpf-static"
        assert main(arguments) in {0, 1}
        captured = capsys.readouterr()
        assert captured.out == shown, command


def test_python(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for code in PYTHON:
        exec(compile(code, "docs/btf.md", "exec"), {})
    assert "struct task_struct.se.vlag\n" in capsys.readouterr().out
