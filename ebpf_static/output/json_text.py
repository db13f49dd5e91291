"""JSON that may be printed anywhere."""

from __future__ import annotations

import json
from typing import Any


def dumps(document: Any) -> str:
    r"""Return JSON in printable ASCII, indented, with a newline at the end.

    Everything else in a text becomes ``\uXXXX``, so no name can reach a terminal raw.
    """
    return json.dumps(document, indent=2, allow_nan=False).replace("\x7f", "\\u007f") + "\n"
