"""Checking an ELF object must not pay for libraries that only other jobs need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.objects import Objects

HEAVY = {"lief", "capstone", "rich", "networkx", "pygments", "markdown_it"}

FROM_PYTHON = """
import ebpf_static
ebpf_static.check(ebpf_static.read({path!r}))
"""
FROM_THE_SHELL = """
from ebpf_static.cli.main import main
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(["check", {path!r}])
"""
REPORT = "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"


def modules_after(repository: Path, code: str) -> set[str]:
    """Top-level modules a fresh interpreter has imported after running ``code``."""
    roots = [repository, repository / "rules", repository / "loaders"]
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, roots))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("code", [FROM_PYTHON, FROM_THE_SHELL], ids=["python", "shell"])
@pytest.mark.parametrize("platform", ["linux", "windows_untagged"])
def test_check_of_an_elf_object(
    repository: Path, objects: Objects, code: str, platform: str
) -> None:
    path: Path = getattr(objects, platform)
    loaded = modules_after(repository, code.format(path=str(path)))
    assert "ebpf_static_rules" in loaded, "nothing was checked"
    assert not loaded & HEAVY


def test_import_alone_reads_nothing(repository: Path) -> None:
    loaded = modules_after(repository, "import ebpf_static")
    assert not loaded & (HEAVY | {"pydantic", "elftools", "ebpf_static_rules"})


NOT_FOR_A_CHECK = {
    "email.message": "importlib.metadata, which pydantic imports for its plugins",
    "bdb": "pdb, which pyelftools imports for its debugger",
    "importlib.resources": "the tables are read without it",
    "ebpf_static.cli.diff": "another command",
    "ebpf_static.containers": "a plain object is in none",
    "ebpf_static.scanning.pool": "one object needs no process of its own",
    "concurrent.futures": "the same",
    "multiprocessing": "the same",
    "pickle": "nothing is sent anywhere",
    "sqlite3": "no cache is asked for",
    "tarfile": "a plain object is in none",
    "ebpf_static_rules.hlp.hlp201_helper_unavailable": "judges releases, and none is named",
    "ebpf_static_rules.win.win021_global_variables_unsupported": "judges the other platform",
}
AS_INSTALLED = """
import os, sys
sys.argv = ["ebpf-static", "check", {path!r}]
def leave(status):
    print(*sorted(sys.modules))
    sys.stdout.flush()
    leave_at_once(status)
leave_at_once, os._exit = os._exit, leave
from ebpf_static.cli.main import run
run()
"""


def test_installed_command_imports_what_it_uses(repository: Path, objects: Objects) -> None:
    roots = [repository, repository / "rules", repository / "loaders"]
    done = subprocess.run(
        [sys.executable, "-c", AS_INSTALLED.format(path=str(objects.linux))],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, roots))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.splitlines()[-1].split())
    assert "ebpf_static_rules.hlp.hlp101_helper_unknown" in imported
    assert sorted(imported & NOT_FOR_A_CHECK.keys()) == []


def test_postponed_modules_come_when_they_are_used() -> None:
    code = """
import sys
from ebpf_static.cli.main import _POSTPONED, _Postponed
for name, functions in _POSTPONED.items():
    assert name not in sys.modules
    sys.modules[name] = _Postponed(name, functions)
import importlib.metadata, pdb
from importlib.metadata import entry_points
assert isinstance(pdb, _Postponed)
assert isinstance(sys.modules["importlib.metadata"], _Postponed)
assert entry_points(group="pytest11")
assert not isinstance(sys.modules["importlib.metadata"], _Postponed)
from importlib.metadata import version
assert version("pydantic") == importlib.metadata.version("pydantic")
assert pdb.Pdb.__name__ == "Pdb" and not isinstance(sys.modules["pdb"], _Postponed)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
