"""The shipped schemas are current, valid, and say about documents what the code says."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ebpf_static.cli import config as command
from ebpf_static.config.load import known_keys
from ebpf_static.config.schema import CONFIG, REPORT, read_schema, validate_pyproject_schema
from ebpf_static.output import get_renderer
from ebpf_static.output.style import RenderOptions
from tests.output.sample import EMPTY
from tests.output.sample import REPORT as SAMPLE


def test_the_schemas_are_current(repository: Path) -> None:
    script = repository / "scripts" / "make_schemas.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [CONFIG, REPORT])
def test_the_schemas_are_schemas(name: str) -> None:
    schema = read_schema(name)
    jsonschema.validators.validator_for(schema).check_schema(schema)


@pytest.mark.parametrize("report", [SAMPLE, EMPTY])
def test_reports_are_valid(report: Any) -> None:
    document = json.loads(get_renderer("json")(report, RenderOptions()))
    jsonschema.validate(document, read_schema(REPORT))
    assert set(document) == set(read_schema(REPORT)["properties"])
    del document["summary"]["suppressed"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, read_schema(REPORT))


@pytest.mark.parametrize("key", sorted(known_keys()))
def test_the_example_of_each_setting_is_valid(key: str) -> None:
    for example in command._EXAMPLES[key].split("\n\nor, with names:\n\n"):
        document = tomllib.loads(example)
        assert list(document) == [key]
        jsonschema.validate(document, validate_pyproject_schema("ebpf-static"))


@pytest.mark.parametrize("text", ["selct = []", "targets = 1", "fail-on = 'x'", "ignore = 3"])
def test_the_schema_refuses_what_the_model_refuses(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), read_schema(CONFIG))


def test_every_setting_is_described() -> None:
    assert all(known_keys().values())
    assert set(command._EXAMPLES) == set(known_keys())
