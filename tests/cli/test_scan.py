from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.output import FORMATS
from tests.cli.conftest import Run
from tests.engine.samples import registry
from tests.engine.test_api import small_object


@pytest.fixture(autouse=True)
def _in_objects(objects: Path) -> None:
    """Every test runs where the files are, an archive and what others pass over beside them."""
    with tarfile.open(objects / "image.tar", "w") as archive:
        for name, data in (("usr/probe", small_object("tc")), ("usr/copy", small_object())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    (objects / "node_modules").mkdir()
    (objects / "node_modules" / "deep.o").write_bytes(small_object("kprobe/x"))


def test_everything_everywhere_is_found(run: Run) -> None:
    result = run("scan", ".", "--output-format", "json")
    document = json.loads(result.out)
    assert result.status == 1, "cut.o is malformed"
    assert document["objects"] == ["cut.o", "good.o", "image.tar!usr/probe", "node_modules/deep.o"]
    assert document["copies"] == [
        {"object": "good.o", "places": ["image.tar!usr/copy", "sub/other.bin"]}
    ]
    checked = json.loads(run("check", ".", "--output-format", "json").out)
    assert checked["objects"] == document["objects"][:3], "check passes over node_modules"


@pytest.mark.parametrize("path", ["notes.txt", "empty.o", "x86.o", "lib.a", "none"])
def test_finding_nothing_is_no_failure(run: Run, path: str) -> None:
    result = run("scan", path)
    assert result.status == 0
    assert result.err == f"note: no eBPF object in '{path}': looked at 1 file\n"
    assert run("scan", path, "-qq").err == ""
    assert run("scan", path, "--list").err == result.err


@pytest.mark.parametrize("words", [["nowhere.o"], [], ["good.o", "--list", "--jobs", "-1"]])
def test_what_fails(run: Run, words: list[str]) -> None:
    assert run("scan", *words).status == 2


def test_options_are_those_of_check(run: Run, objects: Path) -> None:
    assert run("scan", "good.o", "--fail-on", "warning").status == 1
    assert run("scan", "good.o", "--fail-on", "warning", "--ignore", "MAP102").status == 0
    assert run("scan", "good.o", "--write-baseline", "b.json").status == 0
    assert run("scan", "good.o", "--baseline", "b.json", "--fail-on", "note").status == 0
    (objects / "ebpf-static.toml").write_text('fail-on = "warning"')
    assert run("scan", "good.o").status == 1
    data = small_object()
    assert "<stdin>: MAP102" in run("scan", "-", "--output-format", "concise", stdin=data).out


@pytest.mark.parametrize("output_format", FORMATS)
def test_scan_and_check_write_the_same(run: Run, output_format: str) -> None:
    words = ("good.o", "cut.o", "image.tar", "--output-format", output_format)
    assert run("scan", *words).out == run("check", *words).out


def test_list(run: Run) -> None:
    data = small_object()
    listed = json.loads(run("scan", ".", "--list", "--output-format", "json").out)
    found = {each["path"]: each for each in listed["objects"]}
    assert list(found) == ["cut.o", "good.o", "image.tar!usr/probe", "node_modules/deep.o"]
    assert found["good.o"] == {
        "path": "good.o",
        "also_at": ["image.tar!usr/copy", "sub/other.bin"],
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "platform": "unknown",
        "programs": [{"name": "pass", "type": "XDP"}],
        "maps": [],
        "problem": None,
    }
    assert found["cut.o"]["problem"]
    lines = run("scan", ".", "--list", "--output-format", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == listed["objects"]
    assert run("scan", ".", "--list", "--output-format", "concise").out.split() == list(found)
    text = run("scan", ".", "--list").out
    assert "  programs: pass (XDP)\n  also at image.tar!usr/copy\n" in text
    assert text.endswith("Found 4 objects\n")
    refused = run("scan", ".", "--list", "--output-format", "sarif")
    assert (refused.status, refused.out) == (2, "")


def test_names_in_a_list_are_escaped(run: Run, objects: Path) -> None:
    (objects / "e\x1b[31m.o").write_bytes(small_object("tc/x"))
    for output_format in ("full", "concise", "json", "jsonl"):
        out = run("scan", ".", "--list", "--output-format", output_format).out
        assert "\x1b" not in out


def test_the_verbs(objects: Path) -> None:
    del objects
    report = es.scan([Path("good.o"), "image.tar"], registry=registry(), targets="linux:6.1")
    assert report.objects == ("good.o", "image.tar!usr/probe")
    assert report.targets == ("linux:6.1",)
    assert report.ok
    assert es.scan("none", registry=registry()).ok
    assert not es.scan("nowhere", registry=registry()).ok
    found = es.inventory("image.tar")
    assert [each.path for each in found.objects] == ["image.tar!usr/probe", "image.tar!usr/copy"]
    with pytest.raises(es.UsageError, match="takes no time limit"):
        es.scan("good.o", registry=registry(), timeout=1, executor=object())  # type: ignore[arg-type]


def test_matrix_looks_where_scan_does_and_in_as_many_processes(run: Run) -> None:
    words = ("matrix", ".", "--target", "linux:6.1", "--output-format", "json")
    alone = run(*words)
    assert [row["object"] for row in json.loads(alone.out)["objects"]] == [
        "good.o", "image.tar!usr/probe",
    ]  # fmt: skip
    assert alone.status == 2
    assert alone.err.startswith("error: cut.o: ")
    assert alone.err.count("\n") == 1
    assert run(*words, "--jobs", "2") == alone
    remarks = run(*words, "-v").err
    assert "note: sub/other.bin is the same as good.o\n" in remarks
    assert "note: skipped lib.a: no eBPF object is in it\n" in remarks
    for name in ("notes.txt", "nowhere.o", "lib.a"):
        assert run("matrix", name).status == 2
    broken = run("matrix", "good.o", "--target", "linux:6.1", "--kconfig", "nowhere")
    assert (broken.status, broken.err.count("\n")) == (2, 1)


def test_what_could_not_be_opened_is_counted(run: Run, objects: Path) -> None:
    (objects / "thin.a").write_bytes(b"!<thin>\n")
    note = "note: 1 part could not be opened: -v lists them, --strict fails\n"
    for words in (("scan", "."), ("scan", ".", "--list"), ("check", ".")):
        assert run(*words).err == note
        assert run(*words, "-q").err == ""
        assert "note: skipped thin.a: a thin archive" in run(*words, "-v").err
        strict = run(*words, "--strict")
        assert (strict.status, "error: thin.a: " in strict.err) == (2, True)
