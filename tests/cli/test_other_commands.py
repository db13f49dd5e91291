from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebpf_static import __version__
from ebpf_static.cli import version
from tests.cli.conftest import Run
from tests.engine.test_api import small_object


def test_inspect(run: Run, objects: Path) -> None:
    del objects
    result = run("inspect", "good.o")
    assert result.status == 0
    assert "xdp" in result.out
    assert 'Program "pass"' not in result.out
    assert 'Program "pass" in section xdp, 2 insns' in run("inspect", "good.o", "--disasm").out
    document = json.loads(run("inspect", "good.o", "--output-format", "json").out)
    assert document["object"] == "good.o"
    assert document["programs"][0]["type"]["platform"] == "linux"
    windows = ("--platform", "windows", "--output-format", "json")
    document = json.loads(run("inspect", "-", *windows, stdin=small_object()).out)
    assert document["object"] == "<stdin>"
    assert document["programs"][0]["type"]["platform"] == "windows"


@pytest.mark.parametrize("name", ["notes.txt", "cut.o", "nowhere.o", "none"])
def test_inspect_says_in_one_line_what_it_cannot_read(run: Run, objects: Path, name: str) -> None:
    del objects
    result = run("inspect", name)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"error: {name}: ")
    assert result.err.count("\n") == 1


def test_rule(run: Run) -> None:
    result = run("rule", "ELF001")
    assert result.status == 0
    assert result.out.startswith("ELF001 malformed-object\n")
    assert "How to fix\n" in result.out
    assert run("rule", "malformed-object").out == result.out
    document = json.loads(run("rule", "ELF001", "--output-format", "json").out)
    assert document["schema_version"] == 1
    assert document["rules"][0]["family"] == "ELF"
    assert document["rules"][0]["platforms"] == ["linux", "windows"]


def test_all_rules(run: Run) -> None:
    lines = run("rule", "--all").out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "ELF001", "MAP101", "MAP102", "MAP301", "SUP001", "WIN201",
    ]  # fmt: skip
    document = json.loads(run("rule", "--all", "--output-format", "json").out)
    assert len(document["rules"]) == len(lines)


@pytest.mark.parametrize("arguments", [["MAP1"], ["NOPE"], [], ["ELF001", "--all"]])
def test_rule_wants_one_rule_that_exists(run: Run, arguments: list[str]) -> None:
    result = run("rule", *arguments)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")


def test_version(run: Run) -> None:
    assert run("--version").out == f"ebpf-static {__version__}\n"
    assert run("-V").status == 0
    assert run("version").out == f"ebpf-static {__version__}\n"
    document = json.loads(run("version", "--output-format", "json").out)
    assert document["version"] == __version__
    assert document["libraries"]["pydantic"]
    assert version._version_of("no-such-distribution") is None


def test_a_family_is_no_rule(run: Run) -> None:
    result = run("rule", "ELF")
    assert result.status == 2
    assert "'ELF' stands for " in result.err
    assert "did you mean 'ELF'" not in result.err
