"""Reports on the objects of the corpus, with every installed rule, against their schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import jsonschema
import pytest
import xmlschema

from ebpf_static.cli.main import main
from ebpf_static.config.schema import REPORT, read_schema

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
Reported: TypeAlias = Callable[[str], str]


@pytest.fixture(scope="module")
def reported(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Return a function that gives the corpus in a format; each is made once."""
    known: dict[str, str] = {}
    folder = tmp_path_factory.mktemp("reports")

    def _report(output_format: str) -> str:
        if output_format not in known:
            file = folder / f"report.{output_format}"
            options = ("--isolated", "--exit-zero", "--target", "linux:6.1", "--target", "windows")
            objects = str(repository / "corpus" / "objects")
            status = main(
                ("check", objects, *options, "--output-format", output_format, "-o", str(file))
            )
            assert status == 0
            known[output_format] = file.read_text("utf-8")
        return known[output_format]

    return _report


def test_sarif(reported: Reported) -> None:
    document = json.loads(reported("sarif"))
    schema = json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text("utf-8"))
    jsonschema.Draft4Validator(schema).validate(document)
    run = document["runs"][0]
    assert len(run["results"]) > 100
    assert all("helpUri" in rule for rule in run["tool"]["driver"]["rules"])
    prints = [result["partialFingerprints"]["ebpfStatic/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_junit(reported: Reported) -> None:
    xmlschema.XMLSchema(str(SCHEMAS / "jenkins-junit.xsd")).validate(reported("junit"))


def test_json(reported: Reported) -> None:
    jsonschema.validate(json.loads(reported("json")), read_schema(REPORT))


@pytest.mark.parametrize("output_format", ["concise", "gitlab", "jsonl", "markdown"])
def test_other_formats_tell_of_every_finding(reported: Reported, output_format: str) -> None:
    findings = json.loads(reported("json"))["findings"]
    text = reported(output_format)
    assert {f["code"] for f in findings if f"{f['code']}" in text} == {f["code"] for f in findings}
