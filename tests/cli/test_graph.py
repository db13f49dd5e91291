from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ebpf_static.cli.main import main
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "corpus" / "objects" / "linux"
CORE = str(CORPUS / "core-clang19-el.o")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["graph", *arguments, "--isolated"])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_calls_of_the_object_and_flow_of_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, CORE)
    assert (status, out.splitlines()[0]) == (0, "digraph {")
    assert '"Calls"' in out
    status, out, _ = run(capsys, CORE, "--program", "direct", "--output-format", "mermaid")
    assert (status, out.splitlines()[0]) == (0, "flowchart TD")
    assert "Control flow of .direct." in out
    status, out, _ = run(capsys, CORE, "--kind", "maps", "--output-format", "svg")
    assert status == 0
    assert ET.fromstring(out.encode()).tag.endswith("svg")


def test_the_target_decides_what_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (CORE, "--program", "collect", "--target", "linux:4.18")
    assert "INS208" in run(capsys, *arguments)[1]
    assert "INS208" not in run(capsys, *arguments, "--ignore", "INS208")[1]
    assert "INS208" not in run(capsys, CORE, "--program", "collect", "--target", "linux:6.1")[1]


def test_code_is_dead_on_some_targets_only(capsys: pytest.CaptureFixture[str]) -> None:
    # Linux looks into read-only data since 5.5.
    sample = (str(CORPUS / "globals-clang19-el.o"), "--program", "sample")
    both = run(capsys, *sample, "--target", "linux:5.4", "--target", "linux:6.12")[1]
    assert "never runs on linux:6.12\\l" in both
    assert 'style="dashed"' not in both
    assert "with the read-only data the object has" in both
    alone = run(capsys, *sample, "--target", "linux:6.12")[1]
    assert 'style="dashed"' in alone
    assert "never runs" not in run(capsys, *sample, "--target", "linux:5.4")[1]


def test_the_format_follows_the_name_of_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for suffix, start in ((".svg", "<?xml"), (".gv", "digraph"), (".mmd", "flowchart")):
        file = tmp_path / f"picture{suffix}"
        assert run(capsys, CORE, "-o", str(file)) == (0, "", "")
        assert file.read_text("utf-8").startswith(start)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--program", "nobody"), "there is no program 'nobody': there are collect, direct"),
        (("--kind", "flow"), "say whose control flow with --program: there are collect, direct"),
        (("--target", "linux:9.9.9"), "Linux 9.9.9 is newer"),
    ],
)
def test_mistakes_are_told_in_a_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    status, out, err = run(capsys, CORE, *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_what_is_no_object_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not an object")
    status, _, err = run(capsys, str(file))
    assert status == 2
    assert err.startswith("error: ")


def test_the_picture_in_the_documentation_is_current(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "pictures.md").read_text("utf-8")
    (command,) = re.findall(r"(?m)^ebpf-static graph (corpus.*)$", page)
    *arguments, option, file = command.split()
    assert option == "-o"
    status, out, _ = run(capsys, *arguments, "--output-format", "svg")
    assert status == 0
    if os.environ.get("EBPF_STATIC_UPDATE_GOLDEN"):
        (ROOT / file).write_text(out, encoding="utf-8", newline="\n")
    assert out == (ROOT / file).read_text("utf-8")


def test_a_file_name_that_says_no_format_is_refused(run: Run, objects: Path) -> None:
    result = run("graph", "good.o", "-o", "picture.png")
    assert result.status == 2
    assert result.err == (
        "error: picture.png: no picture for .png files: .svg, .dot, .gv, .mmd, .mermaid are known\n"
    )
    assert not (objects / "picture.png").exists()
    assert run("graph", "good.o", "-o", "picture.txt", "--output-format", "dot").status == 0
    assert (objects / "picture.txt").read_text("utf-8").startswith("digraph")
