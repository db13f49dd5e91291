"""The shipped JSON Schemas, of the configuration and of reports; a test keeps them fresh."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

CONFIG = "config.schema.json"
REPORT = "report.schema.json"


def read_schema(name: str) -> dict[str, Any]:
    """Return a shipped schema: :data:`CONFIG` or :data:`REPORT`."""
    text = files("ebpf_static").joinpath("data", "schemas", name).read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def validate_pyproject_schema(_tool: str = "ebpf-static") -> dict[str, Any]:
    """Return the schema of ``[tool.ebpf-static]``: what ``validate-pyproject`` asks plugins for."""
    return read_schema(CONFIG)
