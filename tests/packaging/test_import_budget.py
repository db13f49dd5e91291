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
