from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebpf_static import api
from ebpf_static.cli.main import main
from ebpf_static.output import FORMATS
from tests.cli.conftest import Run, UseRules
from tests.engine.test_api import small_object

QUIET_RULES = ("--select", "WIN")


@pytest.fixture(autouse=True)
def _in_objects(objects: Path) -> None:
    """Every test runs where the files are."""


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["good.o", *QUIET_RULES], 0),
        (["good.o"], 0),  # a warning does not fail
        (["good.o", "--fail-on", "warning"], 1),
        (["good.o", "--platform", "windows", "--fail-on", "note", *QUIET_RULES], 1),
        (["good.o", "--fail-on", "warning", "--exit-zero"], 0),
        (["cut.o"], 1),
        (["cut.o", "--exit-zero"], 0),
        (["cut.o", "--select", "MAP101"], 1),
        (["notes.txt"], 2),
        (["notes.txt", "--exit-zero"], 2),
        (["good.o", "notes.txt"], 2),
        (["cut.o", "notes.txt"], 2),
        (["nowhere.o"], 2),
        (["*.nope"], 2),
        (["none"], 2),
        (["."], 1),
        ([], 1),
        (["good.o", "--select", "NOPE"], 2),
        (["good.o", "--target", "5.4"], 2),
        (["good.o", "--platform", "linux", "--target", "windows"], 2),
        (["good.o", "--nonsense"], 2),
        (["good.o", "-"], 2),
        (["good.o", "-o", "none"], 2),
    ],
)
def test_exit_status(run: Run, arguments: list[str], status: int) -> None:
    assert run("check", *arguments).status == status


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize(("path", "status"), [("good.o", 0), ("cut.o", 1), ("notes.txt", 2)])
def test_the_format_never_changes_the_status(
    run: Run, output_format: str, path: str, status: int
) -> None:
    assert run("check", path, "--output-format", output_format).status == status


@pytest.mark.parametrize("name", ["notes.txt", "empty.o", "x86.o", "lib.a"])
def test_a_named_file_that_is_no_object_gets_one_clear_line(run: Run, name: str) -> None:
    result = run("check", "good.o", name, "--output-format", "concise")
    assert result.status == 2
    assert result.err.startswith(f"error: {name}: ")
    assert result.err.count("\n") == 1
    assert "good.o: MAP102" in result.out, "the others are still judged"


@pytest.mark.parametrize("name", ["notes.txt", "empty.o", "x86.o", "lib.a"])
def test_what_is_not_ours_can_be_skipped(run: Run, name: str) -> None:
    result = run("check", name, "--skip-unrecognized")
    assert (result.status, result.err) == (0, "")
    assert f"note: skipped {name}: " in run("check", name, "--skip-unrecognized", "-v").err


def test_skipping_does_not_hide_what_is_missing_or_malformed(run: Run) -> None:
    assert run("check", "nowhere.o", "--skip-unrecognized").status == 2
    assert run("check", "cut.o", "--skip-unrecognized").status == 1


def test_a_directory_is_searched_by_content(run: Run) -> None:
    result = run("check", ".", "--output-format", "json", "-v")
    document = json.loads(result.out)
    assert document["objects"] == ["cut.o", "good.o"]
    assert document["copies"] == [{"object": "good.o", "places": ["sub/other.bin"]}]
    assert "note: sub/other.bin is the same as good.o" in result.err
    assert "skipped x86.o: an ELF file for x86-64, not for BPF, and no eBPF object" in result.err
    assert "notes.txt" not in result.err
    assert run("check", ".").err == ""


def test_a_directory_without_objects_says_what_was_looked_at(run: Run) -> None:
    result = run("check", "none")
    assert result.err == "error: no eBPF object in 'none': looked at 1 file\n"


def test_exclude(run: Run) -> None:
    document = json.loads(
        run("check", ".", "--exclude", "cut.o,sub", "--output-format", "json").out
    )
    assert document["objects"] == ["good.o"]
    forced = run("check", "cut.o", "--exclude", "cut.o", "--force-exclude")
    assert forced.status == 0
    assert run("check", "cut.o", "--exclude", "cut.o").status == 1


def test_standard_input(run: Run) -> None:
    result = run("check", "-", "--output-format", "concise", stdin=small_object())
    assert result.out.startswith("<stdin>: MAP102")
    named = run("check", "-", "--stdin-filename", "a/b.o", stdin=small_object()[:200])
    assert " --> a/b.o" in named.out
    assert named.status == 1
    foreign = run("check", "-", stdin=b"hello")
    assert (foreign.status, foreign.out) == (2, "No object was judged; 1 failure\n")
    assert foreign.err.startswith("error: <stdin>: ")
    assert run("check", "-", "--skip-unrecognized", stdin=b"hello").status == 0


def test_targets_are_judged_one_by_one(run: Run) -> None:
    arguments = ("--target", "linux:5.4", "--target", "windows", "--output-format", "json")
    document = json.loads(run("check", "good.o", *arguments).out)
    assert document["targets"] == ["linux:5.4", "windows"]
    found = [(f["code"], f["target"]) for f in document["findings"]]
    assert sorted(found) == [
        ("MAP102", "linux:5.4"), ("MAP102", "windows"),
        ("WIN201", "windows"),
    ]  # fmt: skip


def test_the_environment_names_the_default_format(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EBPF_STATIC_OUTPUT_FORMAT", "json")
    assert run("check", "good.o").out.startswith("{")
    assert not run("check", "good.o", "--output-format", "concise").out.startswith("{")
    monkeypatch.setenv("EBPF_STATIC_OUTPUT_FORMAT", "")
    assert not run("check", "good.o").out.startswith("{")
    monkeypatch.setenv("EBPF_STATIC_OUTPUT_FORMAT", "yaml")
    result = run("check", "good.o")
    assert result.status == 2
    assert "EBPF_STATIC_OUTPUT_FORMAT='yaml': choose from full, concise" in result.err


def test_output_file(run: Run, objects: Path) -> None:
    result = run("check", "cut.o", "-o", "report.json", "--output-format", "json")
    assert (result.status, result.out) == (1, "")
    assert json.loads((objects / "report.json").read_text())["summary"]["errors"] == 1
    run("check", "cut.o", "-o", "report.txt", "--color", "always")
    assert "\x1b[" in (objects / "report.txt").read_text()


def test_quiet_and_statistics(run: Run) -> None:
    assert "Found 1 warning in 1 object\n" in run("check", "good.o").out
    assert "Found" not in run("check", "good.o", "-q").out
    assert "MAP102" in run("check", "good.o", "-q").out
    assert run("check", "good.o", "-qq").out == ""
    assert "1  MAP102  map-for-target\n" in run("check", "good.o", "--statistics").out


def test_common_options_may_stand_before_the_command(run: Run) -> None:
    assert run("-qq", "check", "good.o").out == ""
    assert "\x1b[" in run("--color", "always", "check", "good.o").out


def test_color(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" not in run("check", "good.o").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;33mwarning[MAP102]" in run("check", "good.o").out
    assert "\x1b[" not in run("check", "good.o", "--color", "never").out
    assert "\x1b[" not in run("check", "good.o", "--output-format", "json").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("check", "good.o").out


def test_a_rule_that_crashes_is_named(run: Run, use_rules: UseRules) -> None:
    use_rules("misbehaving", "well_behaved")
    result = run("check", "good.o", "--output-format", "concise")
    assert result.status == 2
    assert "rule PRG001 (crashing-rule) of plugin tests failed" in result.err
    assert "MAP102" in result.out


def test_a_defect_of_ours_in_one_file_spares_the_others(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("oh\x1b[2J no")

    monkeypatch.setattr(api, "run_rules", broken)
    result = run("check", "good.o", "cut.o")
    assert result.status == 2
    assert "ELF001" in result.out
    assert result.err.startswith("error: good.o: internal error: RuntimeError: oh\\x1b[2J no")
    assert "-vv" in result.err
    assert "Traceback" not in result.err
    assert "Traceback" in run("check", "good.o", "-vv").err


@pytest.mark.skipif("sys.platform == 'win32'")
def test_file_names_are_escaped_everywhere(run: Run, objects: Path) -> None:
    name = "e\x1b[31m\n::error::x.o"
    (objects / name).write_bytes(small_object())
    (objects / f"{name}.txt").write_bytes(b"hello")
    for output_format in FORMATS:
        result = run("check", name, f"{name}.txt", "-v", "--output-format", output_format)
        for text in (result.out, result.err):
            assert all(char.isprintable() or char == "\n" for char in text)
        assert not any(line.startswith("::error::x") for line in result.out.splitlines())


@pytest.mark.parametrize("output_format", ["json", "jsonl"])
def test_findings_name_the_page_of_their_rule(run: Run, objects: Path, output_format: str) -> None:
    del objects
    document = json.loads(run("check", "cut.o", "--output-format", output_format).out)
    (finding,) = document["findings"] if output_format == "json" else [document]
    assert finding["code"] == "ELF001"
    assert finding["url"].endswith("/docs/rules/ELF001.md")
    plugin = run("check", "good.o", "--output-format", output_format, "--fail-on", "note").out
    assert '"url": null' in plugin


def test_no_error_without_a_release_is_said_to_be_no_promise(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = repository / "corpus" / "objects" / "linux" / "isa-v1-clang19-el.o"

    def notes(*arguments: str) -> str:
        assert main(["check", str(file), *arguments]) == 0
        return capsys.readouterr().err

    assert notes() == (
        "note: no release was judged for: name one (--target linux:6.1), or ask "
        "'ebpf-static requires'\n"
    )
    assert notes("--target", "linux:6.1") == notes("--select", "PLT") == notes("-q") == ""
    assert notes("--output-format", "concise") == notes("--platform", "linux") == ""
