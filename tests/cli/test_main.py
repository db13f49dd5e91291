from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ebpf_static
from ebpf_static.cli import version
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.main import main
from tests.cli.conftest import Run
from tests.engine.test_api import small_object

COMMANDS = ("check", "inspect", "rule", "version")


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd
    )


def test_help_lists_commands_groups_and_exit_statuses(run: Run) -> None:
    result = run("--help")
    assert result.status == 0
    for command in COMMANDS:
        assert f"\n    {command} " in result.out
    assert "exit status: 0" in result.out
    text = run("check", "--help").out
    for heading in ("file selection:", "rule selection:", "judged for:", "miscellaneous:"):
        assert f"\n{heading}\n" in text


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_the_terminal(run: Run, command: str) -> None:
    text = run(*command.split(), "--help").out
    assert max(map(len, text.splitlines())) <= 100


def test_without_a_command_help_is_shown_and_nothing_done(run: Run) -> None:
    result = run()
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("usage: ebpf-static [OPTIONS] COMMAND")


def test_a_path_in_the_place_of_a_command_gets_a_hint(run: Run, objects: Path) -> None:
    del objects
    result = run("good.o")
    assert result.status == 2
    assert "did you mean 'ebpf-static check good.o'?" in result.err
    assert run("no-such-thing").status == 2


def test_options_may_not_be_abbreviated(run: Run) -> None:
    assert run("check", "--exit-z").status == 2


def test_ctrl_c_is_quiet(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(version, "run", interrupt)
    assert run("version") == (130, "", "")


def test_a_defect_of_ours_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(version, "run", fail)
    result = run("version")
    assert result.status == 2
    assert result.err.startswith("error: internal error: ZeroDivisionError: boom (rerun with -vv")
    assert result.err.count("\n") == 1
    assert "Traceback" in run("version", "-vv").err


def test_exit_codes_are_public() -> None:
    assert ebpf_static.ExitCode is ExitCode
    assert list(ExitCode) == [0, 1, 2, 130]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close differently")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "cut.o").write_bytes(small_object()[:200])
    process = subprocess.Popen(
        [sys.executable, "-m", "ebpf_static", "check", str(tmp_path / "cut.o")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=repository,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process, process.stderr:
        errors = process.stderr.read()
    assert (process.returncode, errors) == (1, b"")


def test_characters_the_terminal_lacks_are_no_error(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "ünï.o").write_bytes(small_object()[:200])
    code = (
        "import sys; sys.stdout.reconfigure(encoding='ascii', errors='strict');"
        f"from ebpf_static.cli.main import main; sys.exit(main(['check', {str(tmp_path)!r}]))"
    )
    result = python(code, repository)
    assert (result.returncode, result.stderr) == (1, "")
    assert "\\xfcn\\xef.o" in result.stdout


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["check", "--help"]])
def test_a_cold_start_imports_no_parser_of_objects(arguments: list[str], repository: Path) -> None:
    code = f"""
import sys
from ebpf_static.cli.main import main
main({arguments!r})
heavy = {{"pydantic", "elftools", "lief", "capstone", "rich", "json", "importlib.metadata"}}
print("imported:", *sorted(heavy & set(sys.modules)))
"""
    result = python(code, repository)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "imported:"


def test_import_of_the_package_imports_nothing_else(repository: Path) -> None:
    code = """
import sys
before = set(sys.modules)
import ebpf_static
new = set(sys.modules) - before
print([name for name in new if name.split(".")[0] not in sys.stdlib_module_names])
"""
    assert python(code, repository).stdout == "['ebpf_static']\n"


def test_check_imports_neither_lief_nor_capstone_nor_rich(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "a.o").write_bytes(small_object())
    code = f"""
import sys
from ebpf_static.cli.main import main
main(["-qq", "check", {str(tmp_path / "a.o")!r}, "--exit-zero"])
print("imported:", *sorted({{"lief", "capstone", "rich"}} & set(sys.modules)))
"""
    result = python(code, repository)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "imported:"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_full_disk_is_said_in_a_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ebpf_static", "version"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: cannot write to standard output: ")


def test_usage_errors_name_the_option(run: Run) -> None:
    result = run("check", "--platform", "x")
    assert (result.status, result.err) == (2, "error: --platform: 'x' is none of linux, windows\n")


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_a_closed_stream_is_no_error_of_ours(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    (tmp_path / "none.txt").write_text("no object")
    del run  # the sample rules are all it is wanted for
    monkeypatch.setattr(sys, name, None)
    assert main(("check", str(tmp_path), "--exit-zero")) == 2
    assert main(("version",)) == 0
    with getattr(sys, name) as opened:
        assert opened.name == os.devnull
