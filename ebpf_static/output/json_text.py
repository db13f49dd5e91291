"""JSON that may be printed anywhere."""

from __future__ import annotations

import json
from typing import Any


def dumps(document: Any) -> str:
    r"""Return JSON in printable ASCII, indented, with a newline at the end.

    Everything else in a text becomes ``\uXXXX``, so no name can reach a terminal raw.
    """
    return json.dumps(document, indent=2, allow_nan=False).replace("\x7f", "\\u007f") + "\n"


def dumps_line(document: Any) -> str:
    """Return the same on one line."""
    return _encode(document).replace("\x7f", "\\u007f") + "\n"


def dumps_rows(document: dict[str, Any]) -> str:
    """Return the same with each item of a top-level list on a line of its own, not indented.

    Many times faster for large documents: only unindented JSON is written by compiled code.
    """
    members = [f"  {_encode(key)}: {_rows(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(members).replace("\x7f", "\\u007f") + "\n}\n"


def _rows(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _encode(value)
    return "[\n" + ",\n".join(f"    {_encode(item)}" for item in value) + "\n  ]"


def _encode(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
