"""Every format of the same report, compared with files that are reviewed when they change.

``EBPF_STATIC_UPDATE_GOLDEN=1 pytest tests/output`` writes them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ebpf_static.findings import Finding, Location, Report, Severity
from ebpf_static.output import FORMATS, get_renderer
from ebpf_static.output.style import RenderOptions, Style
from tests.output.sample import EMPTY, PAGES, REPORT

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("EBPF_STATIC_UPDATE_GOLDEN"))
PLAIN = RenderOptions()
LINKS = {page.meta.code: page.url for page in PAGES}

VARIANTS = {
    **{name: (name, REPORT, PLAIN) for name in FORMATS},
    **{f"{name}-empty": (name, EMPTY, PLAIN) for name in FORMATS},
    "full-color": ("full", REPORT, RenderOptions(Style(enabled=True))),
    "full-links": ("full", REPORT, RenderOptions(Style(enabled=True), links=LINKS)),
    "json-links": ("json", REPORT, RenderOptions(links=LINKS)),
    "jsonl-links": ("jsonl", REPORT, RenderOptions(links=LINKS)),
    "concise-color": ("concise", REPORT, RenderOptions(Style(enabled=True))),
    "full-quiet": ("full", REPORT, RenderOptions(footer=False)),
    "sarif-pages": ("sarif", REPORT, RenderOptions(pages=PAGES)),
    "markdown-pages": ("markdown", REPORT, RenderOptions(pages=PAGES)),
    "junit-note": ("junit", REPORT, RenderOptions(fail_on="note")),
    "concise-statistics": ("concise", REPORT, RenderOptions(statistics=True)),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden(variant: str) -> None:
    output_format, report, options = VARIANTS[variant]
    text = get_renderer(output_format)(report, options)
    golden = GOLDEN / f"{variant}.txt"
    if UPDATE:
        golden.write_text(text, encoding="utf-8", newline="\n")
    assert text == golden.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_variant() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} >= set(VARIANTS)
    assert {path.stem for path in GOLDEN.glob("*.txt")} - set(VARIANTS) <= {"inspect"}


@pytest.mark.parametrize("output_format", FORMATS)
def test_no_name_reaches_the_terminal_raw(output_format: str) -> None:
    text = get_renderer(output_format)(REPORT, RenderOptions(pages=PAGES))
    assert all(char.isprintable() or char == "\n" for char in text)
    text.encode("utf-8")


def test_no_name_can_start_a_workflow_command() -> None:
    lines = get_renderer("github")(REPORT, PLAIN).splitlines()
    assert len(lines) == len(REPORT.active) + len(REPORT.failures)
    for line in lines:
        properties = line.split("::")[1].partition(" ")[2]
        assert all(part.count("=") == 1 for part in properties.split(","))


@pytest.mark.parametrize(
    ("value", "escaped"), [("50%", "50%25"), ("a:b", "a%3Ab"), ("a,b", "a%2Cb")]
)
def test_github_properties_are_escaped(value: str, escaped: str) -> None:
    place = Location(object=value)
    finding = Finding(
        code="X001", name="a-b", severity=Severity.NOTE, message=value, locations=(place,)
    )
    text = get_renderer("github")(Report(findings=(finding,)), PLAIN)
    assert f"file={escaped}::" in text
    assert text.startswith("::notice ")


def test_json_is_complete_and_versioned() -> None:
    document: dict[str, Any] = json.loads(get_renderer("json")(REPORT, PLAIN))
    assert document["schema_version"] == 1
    assert document["tool"]["name"] == "ebpf-static"
    assert document["summary"] == {
        "errors": 1, "warnings": 1, "notes": 1, "suppressed": 1, "objects": 2, "failures": 2,
        "by_code": {"HLP101": 1, "MAP101": 1, "TGT001": 1},
    }  # fmt: skip
    findings = document["findings"]
    assert [f["suppressed_by"] for f in findings].count("a reason") == 1
    assert set(findings[0]) == set(Finding.model_fields) | {"fingerprint", "url", "also_at"}
    assert set(findings[0]["locations"][0]) == set(Location.model_fields)
    assert set(document) >= set(Report.model_fields) - {"ran"}
    assert document["rules"] == ["HLP101", "MAP101", "TGT001"]


def source_block(source: str, column: int) -> list[str]:
    place = Location(object="a.o", file="a.c", line=7, column=column, source=source)
    finding = Finding(
        code="X001", name="a-b", severity=Severity.ERROR, message="m", locations=(place,)
    )
    text = get_renderer("full")(Report(findings=(finding,)), RenderOptions(footer=False))
    return text.splitlines()[2:-1]


def test_the_caret_stands_below_its_column() -> None:
    assert source_block("  int x = 1;", 7) == ["  |", "7 | int x = 1;", "  |     ^"]
    assert source_block("\tif\t(x)", 5) == ["  |", "7 | if  (x)", "  |     ^"]


@pytest.mark.parametrize("column", [0, 1, 99])
def test_a_column_outside_the_text_has_no_caret(column: int) -> None:
    assert source_block("  int x;", column) == ["  |", "7 | int x;"]


def test_a_source_line_without_end_is_cut() -> None:
    line = source_block("x" * 100_000, 50_000)[1]
    assert len(line) < 200
    assert source_block(" ", 1) == []
