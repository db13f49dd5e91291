"""SARIF, GitLab and JUnit against what their readers publish, with names meant to break them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from ebpf_static.findings import Failure, Finding, Location, Ran, Report, Severity
from ebpf_static.output import get_renderer
from ebpf_static.output import markdown as markdown_module
from ebpf_static.output import sarif as sarif_module
from ebpf_static.output.style import RenderOptions
from tests.output.sample import EMPTY, PAGES, REPORT

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
OPTIONS = RenderOptions(pages=PAGES)
HOSTILE = (
    "]]><script>alert(1)</script>",
    '"><!--<![CDATA[',
    "&lt;&#0;\x00\x08\x1b]8;;http://evil\x1b\\",
    "\ufffe\uffff\ud800\U0010ffff",
    "](http://evil) [a](http://evil)",
    "a|b\n| c | d |\n\n# head",
    "`x`<img src=x onerror=y>@me #1",
    "../../etc/passwd",
    "\r\n::set-env name=A::b",
    "",
    "x" * 5_000,
)


def made(name: str, **more: Any) -> Finding:
    """Return a finding in which everything an object can choose is ``name``."""
    place = Location(
        object=f"{name}.o", section=name, program=name, insn=1, file=name or "a.c", line=1,
        column=1, source=name,
    )  # fmt: skip
    values: dict[str, Any] = {
        "code": "MAP101",
        "name": "map-type-unknown",
        "severity": Severity.ERROR,
        "message": f"program `{name}` is bad: {name}",
        "locations": (place, Location(object=f"{name}.o", map=name)),
        "help": name,
        "related": (name,),
    }
    return Finding(**(values | more))


def reports() -> list[Any]:
    hostile = [
        pytest.param(
            Report(
                findings=(made(name), made(name, suppressed_by=name)),
                failures=(Failure(object=name, message=name),),
                objects=(f"{name}.o",),
                targets=("linux",),
                ran=(Ran(f"{name}.o", "linux", ("MAP101",)),),
            ),
            id=f"hostile-{number}",
        )
        for number, name in enumerate(HOSTILE)
    ]
    return [pytest.param(REPORT, id="sample"), pytest.param(EMPTY, id="empty"), *hostile]


@pytest.fixture(scope="module")
def sarif_validator() -> Any:
    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text("utf-8"))
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.fixture(scope="module")
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(SCHEMAS / "jenkins-junit.xsd"))


@pytest.mark.parametrize("report", reports())
def test_sarif_is_valid(report: Report, sarif_validator: Any) -> None:
    document = json.loads(get_renderer("sarif")(report, OPTIONS))
    sarif_validator.validate(document)
    run = document["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for place in (*result["locations"], *result.get("relatedLocations", ())):
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert uri.isascii()
            assert not set(uri) & set(' "<>\\^`{|}\n')
        assert "](" not in result["message"]["text"]
    assert run["invocations"][0]["executionSuccessful"] == (not report.failures)


@pytest.mark.parametrize("report", reports())
def test_junit_is_valid(report: Report, junit_schema: xmlschema.XMLSchema) -> None:
    for fail_on in ("error", "note"):
        text = get_renderer("junit")(report, RenderOptions(fail_on=fail_on))
        junit_schema.validate(text)
        root = ET.fromstring(text)
        assert not root.findall(".//script")
        for suite in root:
            cases = suite.findall("testcase")
            assert int(suite.get("tests", "")) == len(cases)
            assert int(suite.get("failures", "")) == sum(
                c.find("failure") is not None for c in cases
            )
            assert int(suite.get("errors", "")) == sum(c.find("error") is not None for c in cases)


@pytest.mark.parametrize("report", reports())
def test_gitlab_has_the_documented_fields(report: Report) -> None:
    issues = json.loads(get_renderer("gitlab")(report, OPTIONS))
    assert len(issues) == len(report.active) + len(report.failures)
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert all(isinstance(issue[key], str) for key in ("description", "check_name"))
        assert set(issue["location"]) == {"path", "lines"}
        assert issue["location"]["lines"]["begin"] >= 1
        assert not issue["location"]["path"].startswith("./")
    prints = [issue["fingerprint"] for issue in issues]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_shows_names_as_they_are(name: str) -> None:
    from markdown_it import MarkdownIt

    report = Report(findings=(made(name),), failures=(Failure(object=name, message=name),))
    text = get_renderer("markdown")(report, RenderOptions())
    parser = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    tokens = [t for block in parser.parse(text) for t in (block, *(block.children or ()))]
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_block", "fence", "code_block", "code_inline"}
    assert {t.content for t in tokens if t.type == "html_inline"} <= {"<code>", "</code>", "<br>"}
    headings = [t.content for t in tokens if t.type == "inline" and t.level == 1]
    assert [h for h in headings if h in ("ebpf-static", "Failures", "Findings")] == [
        "ebpf-static", "Failures", "Findings"
    ]  # fmt: skip
    assert sum(t.type == "heading_open" for t in tokens) == 3
    assert sum(t.type == "table_open" for t in tokens) == 1


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "output_format", ["full", "concise", "json", "jsonl", "github", "markdown"]
)
def test_no_name_makes_a_line_of_its_own(output_format: str, name: str) -> None:
    report = Report(findings=(made(name),), failures=(Failure(object=name, message=name),))
    text = get_renderer(output_format)(report, RenderOptions())
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\n::set-env" not in text


def test_a_line_of_source_is_where_code_scanning_looks() -> None:
    place = Location(object="a.o", section="xdp", program="f", file="/build/a.c", line=3, column=0)
    finding = made("f", locations=(place,))
    document = json.loads(get_renderer("sarif")(Report(findings=(finding,)), OPTIONS))
    result = document["runs"][0]["results"][0]
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "file:///build/a.c"
    assert physical["region"] == {"startLine": 3}
    related = result["relatedLocations"][0]["physicalLocation"]
    assert related["artifactLocation"]["uri"] == "a.o"
    names = result["locations"][0]["logicalLocations"][0]
    assert (names["fullyQualifiedName"], names["kind"]) == ("xdp/f", "function")


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b.o", "a%20b.o"),
        ("C:\\x\\a.o", "file:///C:/x/a.o"),
        ("c:a.o", "c%3Aa.o"),
        ("/ü.o", "file:///%C3%BC.o"),
        ("\udcff.o", "%FF.o"),
    ],
)
def test_paths_become_uris(path: str, uri: str) -> None:
    report = Report(findings=(made("f", locations=(Location(object=path),)),))
    result = json.loads(get_renderer("sarif")(report, OPTIONS))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_suppressions_say_where_they_are_kept() -> None:
    findings = (
        made("a", suppressed_by="btf_decl_tag: old kernels only"),
        made("b", suppressed_by="baseline b.json"),
    )
    results = json.loads(get_renderer("sarif")(Report(findings=findings), OPTIONS))["runs"][0]
    kinds = [result["suppressions"][0]["kind"] for result in results["results"]]
    assert kinds == ["inSource", "external"]


def test_the_most_severe_results_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif_module, "MAX_RESULTS", 1)
    findings = (made("a", severity=Severity.NOTE), made("b"))
    run = json.loads(get_renderer("sarif")(Report(findings=findings), OPTIONS))["runs"][0]
    assert [result["level"] for result in run["results"]] == ["error"]
    notice = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert notice == "1 findings are left out: a run holds 1"


def test_markdown_has_room_for_the_most_severe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown_module, "MAX_SHOWN", 1)
    findings = (made("a", code="HLP101", severity=Severity.NOTE), made("b"))
    text = get_renderer("markdown")(Report(findings=findings), RenderOptions())
    assert "**error** MAP101" in text
    assert "… and 1 more: HLP101 (1)." in text


def test_the_same_thing_twice_has_two_fingerprints() -> None:
    report = Report(findings=(made("a"), made("a", severity=Severity.NOTE)))
    first, second = json.loads(get_renderer("gitlab")(report, OPTIONS))
    assert second["fingerprint"] == f"{first['fingerprint']}-2"


def test_jsonl_holds_what_json_holds() -> None:
    lines = get_renderer("jsonl")(REPORT, RenderOptions()).splitlines()
    document = json.loads(get_renderer("json")(REPORT, RenderOptions()))
    assert [json.loads(line) for line in lines] == document["findings"]
