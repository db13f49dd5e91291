"""The help of every command, kept as text so that it is read when it changes.

``EBPF_STATIC_UPDATE_GOLDEN=1 pytest tests/cli/test_help.py`` writes it.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from pathlib import Path

import pytest

from ebpf_static.cli.main import _COMMANDS, build_parser
from tests.cli.conftest import Run

FOLDER = Path(__file__).parent / "help"
UPDATE = bool(os.environ.get("EBPF_STATIC_UPDATE_GOLDEN"))
WIDTH = 100


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of the whole command line and of each command, by name."""
    whole = build_parser()
    commands = next(it for it in whole._actions if isinstance(it, argparse._SubParsersAction))
    return {"ebpf-static": whole, **commands.choices}


NAMES = ("ebpf-static", *_COMMANDS)


@pytest.mark.parametrize("name", NAMES)
def test_help(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = parsers()[name].format_help()
    file = FOLDER / f"{name}.txt"
    if UPDATE:
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text("utf-8"), "see the top of this test for how to write it"


def test_every_file_belongs_to_a_command() -> None:
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_help_reads_as_one_text(name: str) -> None:
    parser = parsers()[name]
    description = parser.description or ""
    assert description.endswith(".")
    assert max(map(len, parser.format_help().splitlines())) <= WIDTH
    for action in parser._actions:
        help_ = action.help or ""
        if help_ == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        assert help_, f"{action.dest} is not explained"
        assert not help_.endswith("."), help_
        assert help_[0].islower() or help_.startswith(("/", "'")), help_
        if action.choices and action.default is not None and action.option_strings:
            assert "default" in help_, f"{action.option_strings}: which is the default?"


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_commands(name: str) -> None:
    epilog = parsers()[name].epilog or ""
    lines = re.findall(r"(?m)^  (ebpf-static .*)$", epilog)
    for line in lines:
        command = re.split(r"  +|\s[>(]|>>", line)[0]
        build_parser().parse_args(shlex.split(command)[1:])
    assert lines or name == "version"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("chek", "x.o"), "unknown command 'chek': did you mean 'check'?"),
        (("frobnicate",), "unknown command 'frobnicate': 'ebpf-static --help' lists them"),
        (("check", "--taget", "linux:6.1"), "unknown option '--taget': did you mean '--target'?"),
        (("check", "--zzz"), "unknown option '--zzz': 'ebpf-static check --help' lists them"),
        (("check", "--select"), "--select: expected one argument"),
        (("inspect",), "FILE is missing: ebpf-static inspect [OPTIONS] FILE"),
        (("inspect", "a.o", "b.o"), "one argument too many: 'b.o'"),
        (("schema", "rules"), "config|report: 'rules' is none of config, report"),
        (("completion", "dos"), "SHELL: 'dos' is none of bash, zsh, fish, tcsh, powershell"),
        (("check", "--fail-on", "all"), "--fail-on: 'all' is none of error, warning, note"),
        (("check", "--target", "foo", "x.o"), "unknown target 'foo': write 'linux:6.1', "),
        (("check", "\x1b.o"), "\\x1b.o: no such file or directory"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(
    run: Run, words: tuple[str, ...], message: str
) -> None:
    result = run(*words)
    assert result.status == 2
    assert result.err.startswith(f"error: {message}")
    assert len([line for line in result.err.splitlines() if line.startswith("error")]) == 1
