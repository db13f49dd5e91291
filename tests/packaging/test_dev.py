"""The set-up script: what it says on a machine that lacks something, and that it runs it all."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def dev(repository: Path, tmp_path: Path) -> ModuleType:
    """The script as a module, looking at a checkout without .venv."""
    loader = SourceFileLoader("dev_script", str(repository / "dev"))
    spec = importlib.util.spec_from_loader("dev_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, saved = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = saved
    vars(module).update(ROOT=tmp_path, VENV=tmp_path / ".venv", PYTHON=tmp_path / ".venv/python")
    return module


def test_machine_without_venv_is_told_the_package_in_one_line(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert dev.main(["check"]) == 2
    assert capsys.readouterr().err == (
        "dev: this Python cannot make virtual environments; try: apt-get install python3-venv\n"
    )


def test_old_python_is_told_what_is_needed(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))
    assert dev.main(["test"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("dev: Python 3.11 or newer is needed, this is 3.10.12")
    assert message.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["tset"]])
def test_unknown_job_prints_the_jobs(
    dev: ModuleType, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert dev.main(words) == 2
    assert "./dev test" in capsys.readouterr().err


def test_every_linter_and_the_tests_run_though_all_fail(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def failing(command: list[str]) -> int:
        ran.append(" ".join(command))
        return 1

    vars(dev).update(run=failing, set_up=lambda *_groups: None)
    monkeypatch.chdir(dev.ROOT)
    assert dev.main(["test", "tests/isa"]) == 1
    assert len(ran) == 5
    assert ran[-1].endswith("-m pytest tests/isa")
    failed = "dev: failed: ruff check, ruff format, mypy, import-linter, pytest"
    assert failed in capsys.readouterr().err


def test_half_made_environment_is_made_again(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dev.ROOT / "pyproject.toml").write_text("")
    dev.VENV.mkdir()
    ran: list[list[str]] = []
    monkeypatch.setattr(dev, "must", ran.append)
    dev.set_up()
    assert ran[0] == [sys.executable, "-m", "venv", "--clear", str(dev.VENV)]
    assert ran[1][-2:] == ["--editable", "."]
    ran.clear()
    dev.set_up()
    assert ran == [], "done once is done"
    dev.set_up("test")
    assert ran[-2][-2:] == ["--group", "test"]
    assert "compileall" in ran[-1]
