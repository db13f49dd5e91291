"""Text that anybody may have chosen, in Markdown: it shows as it is and starts nothing.

Neither a table, a link, a heading, a mention nor HTML. Source: CommonMark 0.31 and GitHub Flavored
Markdown.
"""

from __future__ import annotations

import re

from ebpf_static.errors import escape

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|&~@:$\"'^=]|(?<![0-9A-Za-z])[-.]|(?<=[Ww]{3})\.)")


def text(value: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", escape(value))


def code(value: str) -> str:
    """Return text as code; HTML, because nothing can be escaped between backticks."""
    return f"<code>{text(value)}</code>"


def message(value: str) -> str:
    """Return a message whose names stand between backticks, as code."""
    parts = value.split("`")
    if len(parts) % 2 == 0:  # a name holds a backtick: nobody can tell which is which
        return text(value)
    return "".join(code(p) if n % 2 and p else text(p) for n, p in enumerate(parts))
