"""A directory of files to judge, rules that do not change, and the command line in-process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from ebpf_static import api, registry
from ebpf_static.cli.main import main
from ebpf_static.registry import Registry
from tests.engine import samples
from tests.engine.test_api import small_object


class Result(NamedTuple):
    """What a run of the command line left behind."""

    status: int
    out: str
    err: str


Run: TypeAlias = Callable[..., Result]
UseRules: TypeAlias = Callable[..., None]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EBPF_STATIC_OUTPUT_FORMAT", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def use_rules(monkeypatch: pytest.MonkeyPatch) -> UseRules:
    """Return a function that chooses which of the sample rules are installed."""

    def _use(*functions: str) -> None:
        chosen: Registry = samples.registry(*functions)
        monkeypatch.setattr(api, "get_registry", lambda: chosen)
        monkeypatch.setattr(registry, "get_registry", lambda: chosen)

    return _use


@pytest.fixture
def run(
    use_rules: UseRules, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Return a function that runs the command line with the sample rules."""
    use_rules("well_behaved")

    def _run(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main(arguments)
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return _run


@pytest.fixture
def objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with good, malformed and foreign files."""
    files = {
        "good.o": small_object(),
        "sub/other.bin": small_object(),
        "cut.o": small_object()[:200],
        "notes.txt": b"hello\n",
        "empty.o": b"",
        "x86.o": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\x3e\x00" + bytes(44),
        "lib.a": b"!<arch>\n",
        "none/readme": b"nothing here",
    }
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path
