"""A rule package that kills, hangs or crashes where an object's section says so."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from ebpf_static import registry
from ebpf_static.api import Checker
from ebpf_static.engine.inputs import Inputs, find_inputs
from ebpf_static.registry import Registry
from tests.build.asm import LE, R0
from tests.build.elf_writer import SHF_ALLOC, SHF_EXECINSTR, STB_GLOBAL, STT_FUNC, ElfWriter

PLUGIN = '''
import os, signal, time
from ebpf_static.findings import Location, Severity
from ebpf_static.plugins import Rule


class Kills(Rule):
    """A rule that does what sections say.

    What it does
    ------------
    Kills, hangs or crashes; otherwise finds something.

    Why it matters
    --------------
    It tells whether others go on.

    Example
    -------
    x

    How to fix
    ----------
    x

    References
    ----------
    x
    """

    code, name, severity = "ZZZ901", "section-says", Severity.WARNING

    def check(self, spec, context):
        print("noise that must not get between the answers")
        for program in spec.programs:
            if program.name.startswith("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            if program.name.startswith("leave"):
                os._exit(3)
            if program.name.startswith("hang"):
                with open(os.environ.get("HANG_FILE", os.devnull), "a") as file:
                    file.write(f"{os.getpid()}\\\\n")
                time.sleep(3600)
            if program.name.startswith("crash"):
                raise RuntimeError("boom")
            about = context.object_name if program.name.startswith("named") else program.name
            yield self.finding(
                context, f"program `{about}`", Location(object=context.object_name)
            )


def rules():
    return [Kills]
'''.replace("\\\\n", "\\n")


def object_with(program: str) -> bytes:
    """Return an object whose one program is called ``program``."""
    writer = ElfWriter()
    code = LE.mov(R0, 2) + LE.exit()
    text = writer.section("xdp", code, SHF_ALLOC | SHF_EXECINSTR)
    writer.symbol(program, text, size=len(code), type=STT_FUNC, bind=STB_GLOBAL)
    return writer.build()


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the plugin, installed as pip would."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "section_says.py").write_text(PLUGIN)
    info = folder / "section_says-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: section-says\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ebpf_static.rules]\nsays = section_says:rules\n")
    return folder


@pytest.fixture
def installed(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The registry with the plugin."""
    monkeypatch.syspath_prepend(str(plugin))
    made = Registry()
    registry.get_registry.cache_clear()
    yield made
    registry.get_registry.cache_clear()
    sys.modules.pop("section_says", None)


Write: TypeAlias = Callable[..., Inputs]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes objects, by file and program name, and finds them."""
    monkeypatch.chdir(tmp_path)

    def _write(**programs: str) -> Inputs:
        for name, program in programs.items():
            (tmp_path / f"{name}.o").write_bytes(object_with(program))
        return find_inputs(["."])

    return _write


@pytest.fixture
def checker(installed: Registry) -> Checker:
    """A checker whose rules are the plugin's alone."""
    return Checker.prepare(select=["ZZZ901"], registry=installed)
