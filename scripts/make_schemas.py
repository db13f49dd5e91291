"""Write the JSON Schemas that ship with the package, from the models they describe.

python scripts/make_schemas.py            write them
python scripts/make_schemas.py --check    exit with 1 unless they are current
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ebpf_static.config.model import Settings  # noqa: E402 - found through the path set above
from ebpf_static.config.schema import CONFIG, REPORT  # noqa: E402
from ebpf_static.findings import Failure, Finding  # noqa: E402
from ebpf_static.output.json_v1 import SCHEMA_VERSION  # noqa: E402

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
"""The dialect of validate-pyproject's plugins."""

HOME = "https://github.com/ebpf-static/ebpf-static/blob/main/ebpf_static/data/schemas"
FOLDER = ROOT / "ebpf_static" / "data" / "schemas"
COUNTS = ("errors", "warnings", "notes", "suppressed", "objects", "failures")


def config_schema() -> dict[str, Any]:
    """Return the schema of a configuration file."""
    schema = _plain(Settings.model_json_schema(by_alias=True))
    return {"$schema": DRAFT_7, "$id": f"{HOME}/{CONFIG}", **schema, "title": "ebpf-static"}


def _plain(schema: Any) -> Any:
    """Return a schema without what TOML cannot say (null) and without titles nobody wrote."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: {name: _plain(each) for name, each in value.items()}
        if key in ("properties", "$defs")
        else _plain(value)
        for key, value in schema.items()
        if key != "title" and not (key == "default" and value is None)
    }
    choices = [choice for choice in kept.pop("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def report_schema() -> dict[str, Any]:
    """Return the schema of ``check --output-format json``.

    Fields may be added within a version, so unknown ones are allowed.
    """
    finding = Finding.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    finding["properties"]["url"] = {
        "anyOf": [{"type": "string", "format": "uri"}, {"type": "null"}],
        "description": "The rule's page, where one is published",
    }
    finding["properties"]["also_at"] = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Where else the same object was found",
    }
    failure = Failure.model_json_schema(mode="serialization")
    definitions = {**finding.pop("$defs"), "Finding": finding, "Failure": failure}
    for definition in definitions.values():
        _open(definition)
    texts = {"type": "array", "items": {"type": "string"}}
    tool = {"type": "object", "properties": {k: {"type": "string"} for k in ("name", "version")}}
    number = {"type": "integer", "minimum": 0}
    summary = {
        "type": "object",
        "properties": {
            **dict.fromkeys(COUNTS, number),
            "by_code": {"type": "object", "additionalProperties": number},
        },
        "required": [*COUNTS, "by_code"],
    }
    properties = {
        "schema_version": {"const": SCHEMA_VERSION},
        "tool": {**tool, "required": ["name", "version"]},
        "targets": {**texts, "description": "what was judged for"},
        "loaders": {
            **texts,
            "description": "the libraries objects are loaded with on Linux; empty for libbpf",
        },
        "objects": {**texts, "description": "what was judged, sorted"},
        "findings": {"type": "array", "items": {"$ref": "#/$defs/Finding"}},
        "failures": {"type": "array", "items": {"$ref": "#/$defs/Failure"}},
        "skipped": {**texts, "description": "what was passed over, with the reason"},
        "rules": {**texts, "description": "codes of the rules that ran on any object, sorted"},
        "stale": {**texts, "description": "entries of the baseline that no finding matches"},
        "copies": {
            "type": "array",
            "description": "what was found more than once, byte for byte the same, and judged once",
            "items": {
                "type": "object",
                "properties": {"object": {"type": "string"}, "places": texts},
                "required": ["object", "places"],
            },
        },
        "summary": summary,
    }
    return {
        "$schema": DIALECT,
        "title": "Report of ebpf-static check, version 1",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "$defs": definitions,
    }


def _open(definition: dict[str, Any]) -> None:
    """Allow fields to be added, and ask for all there are."""
    definition.pop("additionalProperties", None)
    description = definition.get("description")
    if description:
        definition["description"] = description.partition("\n")[0]
    if "properties" in definition:
        definition["required"] = list(definition["properties"])


def make() -> dict[Path, str]:
    """Return the text of every schema by its file."""
    schemas = {CONFIG: config_schema(), REPORT: report_schema()}
    return {FOLDER / name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}


def main() -> int:
    """Write or check the schemas."""
    parser = argparse.ArgumentParser(description="Write the JSON Schemas of the package.")
    parser.add_argument("--check", action="store_true", help="only tell whether they are current")
    check = parser.parse_args().check
    stale = [
        path
        for path, text in make().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in make().items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
