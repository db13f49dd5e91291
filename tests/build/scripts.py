"""The scripts that make tables, run and loaded as tests need them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def load_script(name: str) -> ModuleType:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_fresh(name: str) -> None:
    """Show that the tables in the checkout are what the snapshots give."""
    run = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{name}.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def assert_names_stale_table(
    script: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Show that ``--check`` fails when a table was changed by hand; ``folder`` is where they go."""
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
    (folder / "linux" / "helpers.json").write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert script.main(["--check"]) == 1
    assert capsys.readouterr().out.split() == ["stale:", str(Path("linux", "helpers.json"))]
