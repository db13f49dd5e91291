"""``--loader``: the library an object is loaded with is a part of the question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.cli.main import main
from ebpf_static.target import ObjectLoader

OBJECTS = Path(__file__).parents[2] / "corpus/objects/linux"
LEGACY = OBJECTS / "legacy_maps-clang14-el.o"
EXTERNS = OBJECTS / "externs-clang19-el.o"


def codes(capsys: pytest.CaptureFixture[str], *arguments: str) -> set[str]:
    options = ("--output-format", "json", "--exit-zero")
    assert main(("check", *arguments, *options)) == 0
    return {found["code"] for found in json.loads(capsys.readouterr().out)["findings"]}


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    plain = (str(LEGACY), "--isolated")
    assert "MAP104" in codes(capsys, *plain)
    assert "MAP104" not in codes(capsys, *plain, "--loader", "cilium")
    assert "MAP104" not in codes(capsys, *plain, "--loader", "libbpf:0.8")
    assert "MAP104" in codes(capsys, *plain, "--loader", "libbpf:1.1")
    assert "LDR001" in codes(capsys, str(EXTERNS), "--isolated", "--loader", "aya")


def test_it_means_nothing_on_windows(capsys: pytest.CaptureFixture[str]) -> None:
    windows = (str(LEGACY), "--isolated", "--platform", "windows")
    assert codes(capsys, *windows) == codes(capsys, *windows, "--loader", "aya")


def test_configuration_and_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "ebpf-static.toml"
    plain = (str(LEGACY), "--config", str(config))
    config.write_text('loader = "cilium"\n', encoding="utf-8")
    assert "MAP104" not in codes(capsys, *plain)
    assert "MAP104" in codes(capsys, *plain, "--loader", "libbpf")
    config.write_text('[targets.one]\ntarget = "linux:6.1"\nloader = "aya"\n', encoding="utf-8")
    assert "MAP104" not in codes(capsys, *plain)
    assert "MAP104" in codes(capsys, *plain, "--loader", "libbpf")
    assert main(("check", *plain, "-v", "--exit-zero", "--loader", "cilium")) == 0
    assert "objects are loaded with cilium/ebpf" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "matrix", "requires"])
def test_a_loader_nobody_knows(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main((command, str(LEGACY), "--loader", "gobpf")) == 2
    assert "unknown loader 'gobpf'" in capsys.readouterr().err
    assert main((command, str(LEGACY), "--loader", "aya:9.9")) == 2
    assert "aya 9.9 is newer than" in capsys.readouterr().err


def test_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    words = {}
    for loader in ("libbpf", "cilium"):
        arguments = ("--target", "linux:6.1", "--loader", loader, "--output-format", "json")
        assert main(("matrix", str(LEGACY), *arguments)) == 0
        document = json.loads(capsys.readouterr().out)
        words[loader] = document["objects"][0]["targets"]["linux:6.1"]["status"]
    assert words["libbpf"] != words["cilium"]


def test_requires_says_who_replaces(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("requires", str(OBJECTS / "core-clang19-el.o"), "--loader", "aya")) == 0
    assert "libbpf" not in capsys.readouterr().out
    assert es.requires(LEGACY, loader="cilium").loader == "cilium/ebpf"


def test_python() -> None:
    assert es.verdicts(LEGACY, "linux:6.1").object.status == "rejected"
    assert es.verdicts(LEGACY, "linux:6.1", loader="libbpf:0.8").object.status == "loads"
    target = es.Target.parse("linux:6.1", loader="cilium")
    assert target.loader == ObjectLoader.parse("cilium")
    assert es.verdicts(LEGACY, target).object.status != "rejected"
    assert (
        es.check(LEGACY, targets=target, loader="libbpf").findings
        == es.check(LEGACY, targets="linux:6.1", loader="cilium").findings
    )


def test_releases_meant_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--target", "linux:6.6", "--target", "windows", "-v", "--exit-zero", "--isolated")
    assert main(("check", str(LEGACY), *arguments)) == 0
    err = capsys.readouterr().err
    assert "linux:6.6: Linux 6.6.156; 6.6 was read up to 6.6.9" in err
    assert "windows:" not in err


@pytest.mark.parametrize(
    ("output_format", "words"),
    [
        ("json", '"loaders": [\n    "aya:0.13"'),
        ("markdown", r"Loaded with <code>aya\:0.13"),
    ],
)
def test_reports_name_the_loader(
    output_format: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = ("check", str(LEGACY), "--isolated", "--exit-zero", "--output-format", output_format)
    assert main((*plain, "--loader", "aya:0.13")) == 0
    assert words in capsys.readouterr().out
    assert main(plain) == 0
    assert words not in capsys.readouterr().out


def test_a_page_is_made_for_the_loader(tmp_path: Path) -> None:
    pages = {}
    for loader in ("libbpf", "cilium"):
        file = tmp_path / f"{loader}.html"
        arguments = ("--target", "linux:6.1", "--isolated", "-o", str(file), "--loader", loader)
        main(("report", str(LEGACY), *arguments))
        pages[loader] = file.read_text(encoding="utf-8")
    assert "legacy records" in pages["libbpf"]
    assert "legacy records" not in pages["cilium"]
