"""The Windows rules on real objects, on names, and against the table of traps in the docs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ebpf_static_rules
from ebpf_static.api import check
from ebpf_static.findings import Finding, Severity
from ebpf_static.reading import read
from ebpf_static.target import Platform
from tests.rules.image_builder import build_image

ROOT = Path(__file__).resolve().parents[2]
OBJECTS = ROOT / "corpus" / "objects"
TABLE = (ROOT / "docs" / "windows-traps.md").read_text("utf-8")
RULES = {entry.code: entry for entry in ebpf_static_rules.builtin()}

# What is wrong on purpose, or really, with our Windows objects.
WRONG = {
    "bind-clang19-eb.o": {"WIN019"},
    "contradictory-clang19-el.o": {"WIN002"},
}


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _errors(findings: tuple[Finding, ...], family: str = "WIN") -> set[str]:
    return {f.code for f in findings if f.severity is Severity.ERROR and f.code.startswith(family)}


@pytest.mark.parametrize("path", sorted(OBJECTS.glob("windows/*.o")), ids=lambda path: path.name)
def test_no_false_errors_on_windows_objects(path: Path) -> None:
    report = check(path, platform="windows", select=["WIN"])
    assert not report.failures
    assert _errors(report.findings) == WRONG.get(path.name, set())
    assert _errors(check(path, select=["WIN"]).findings) <= WRONG.get(path.name, set())


@pytest.mark.parametrize("path", sorted(OBJECTS.glob("linux/*.o")), ids=lambda path: path.name)
def test_linux_objects_are_never_fine_on_windows(path: Path) -> None:
    report = check(path, platform="windows")
    assert not report.failures
    if read(path).platform is Platform.LINUX:
        assert "PLT003" in _errors(report.findings, "PLT")
    else:
        assert {f.code for f in report.findings} & {"PLT006", "PLT004"}


@pytest.mark.parametrize("path", sorted(OBJECTS.glob("*/*.o")), ids=_id)
def test_windows_rules_are_silent_for_linux(path: Path) -> None:
    report = check(path, platform="linux", select=["WIN"])
    assert not report.findings
    assert not report.failures


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("linux/core-clang19-el.o", "WIN024"),
        ("linux/externs-clang19-el.o", "WIN024"),
        ("linux/globals-clang19-el.o", "WIN021"),
        ("linux/callbacks-clang19-el.o", "WIN022"),
        ("linux/legacy_maps-clang14-el.o", "WIN015"),
        ("linux/btf_maps-clang19-el.o", "WIN001"),
    ],
)
def test_linux_objects_show_the_trap(name: str, code: str) -> None:
    report = check(OBJECTS / name, platform="windows", select=[code])
    assert report.findings


def test_variables_that_are_not_static() -> None:
    report = check(OBJECTS / "linux/globals-clang19-el.o", platform="windows", select=["WIN021"])
    (finding,) = [f for f in report.findings if "not static" in f.message and "`.bss`" in f.message]
    assert finding.severity is Severity.ERROR
    assert finding.location.line is not None
    mine = check(OBJECTS / "windows/globals-clang19-el.o", platform="windows", select=["WIN021"])
    assert not any("not static" in f.message for f in mine.findings)


@pytest.mark.parametrize(
    ("name", "kind", "wrong"),
    [
        ("driver.sys", "driver", False),
        ("driver.SYS", "driver", True),
        ("driver.sys.bak", "driver", True),
        (
            "driver",
            "driver",
            False,
        ),  # standard input, for one: nothing says what the file is called
        ("driver.dll", "dll", False),
        ("driver.sys", "dll", True),
    ],
)
def test_image_extension(name: str, kind: str, wrong: bool) -> None:  # noqa: FBT001
    report = check(build_image({"kind": kind}), name=name, select=["WIN029"])
    assert bool(report.findings) is wrong


@pytest.mark.parametrize("trap", [f"W{number:02}" for number in range(1, 36)])
def test_table_has_every_trap_once(trap: str) -> None:
    rows = re.findall(rf"^\| {trap} \| .+$", TABLE, re.MULTILINE)
    assert len(rows) == 1
    codes = re.findall(r"\b[A-Z]{3}\d{3}\b", rows[0].split("|")[3])
    assert set(codes) <= set(RULES)
    assert codes or "bytes cannot show" in rows[0]
    for code in codes:
        assert (ROOT / "tests" / "rules" / "cases" / f"{code}.toml").is_file()


def test_table_names_every_windows_rule() -> None:
    assert {code for code in RULES if code.startswith("WIN")} <= set(re.findall(r"WIN\d{3}", TABLE))


def test_files_the_table_names_exist() -> None:
    for name in re.findall(r"`((?:tests|corpus)/[^`]+)`", TABLE):
        assert (ROOT / name).exists() or list(ROOT.glob(f"{name}*")) or "CODE" in name, name


def test_tables_are_up_to_date() -> None:
    script = ROOT / "scripts" / "make_windows_rule_tables.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
