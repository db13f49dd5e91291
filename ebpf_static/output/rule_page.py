"""A rule's page as Markdown: what ``rule CODE``, SARIF viewers and the documentation show.

Pages are docstrings: headings underlined with dashes, which Markdown reads as they are, and
examples introduced by ``::`` and indented, which it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ebpf_static.plugins import RuleMeta
    from ebpf_static.registry import RegisteredRule

DOCS = "https://github.com/ebpf-static/ebpf-static/blob/main/docs/rules"
"""Where the generated pages of built-in rules are."""

_BUILTIN = ("ebpf_static", "ebpf_static_rules")
_HEADING = re.compile(r"(?m)^(.+)\n-{3,}$")
_INTRO = re.compile(r"^(.*?)\s*::\s*$")
_GAP = re.compile(r"\n{3,}```text")
_ADDRESS = re.compile(r"(?<![<(`])(https?://[^\s()<>`,;]*[^\s()<>`,;.:])")
_ITEM = re.compile(r"^(?=<https?://[^>]+>$)")
_LITERAL = re.compile(r"``([^`\n]+)``")


class RulePage(NamedTuple):
    """A rule's identity and page.

    Attributes:
        meta: the rule.
        url: where its page is published; empty for other people's rules, who knows where.
    """

    meta: RuleMeta
    url: str


def pages_of(rules: Iterable[RegisteredRule], codes: Iterable[str]) -> tuple[RulePage, ...]:
    """Return the pages of the rules with these codes, by code."""
    wanted = set(codes)
    found = (rule for rule in rules if rule.entry.code in wanted)
    return tuple(
        RulePage(rule.meta, url_of(rule))
        for rule in sorted(found, key=lambda rule: rule.entry.code)
    )


def url_of(rule: RegisteredRule) -> str:
    """Return where a rule's page is published; nobody knows it of other people's rules."""
    return f"{DOCS}/{rule.entry.code}.md" if rule.plugin in _BUILTIN else ""


def section(meta: RuleMeta, heading: str) -> str:
    """Return the text below a heading of the page, in Markdown; empty without it."""
    parts = _HEADING.split(meta.explanation)
    named = dict(zip(parts[1::2], parts[2::2], strict=True))
    return _markdown(named.get(heading, "").strip())


def to_markdown(meta: RuleMeta, *, level: int = 2) -> str:
    """Return the page in Markdown, its headings at ``level``."""
    body = meta.explanation.partition("\n")[2].strip()
    parts = _HEADING.split(body)
    text = [meta.summary]
    for heading, content in zip(parts[1::2], parts[2::2], strict=True):
        text += [f"{'#' * level} {heading}", _markdown(content.strip())]
    return "\n\n".join(text) + "\n"


def _markdown(text: str) -> str:
    """Return docstring text with its examples fenced."""
    lines: list[str] = []
    block: list[str] | None = None
    for line in (*text.splitlines(), "end"):
        if block is not None and (line.startswith("    ") or not line):
            block.append(line[4:])
            continue
        lines += _fenced(block or [])
        block = [] if line.rstrip().endswith("::") else None
        lines.append(_inline(_INTRO.sub(_without_colons, line)))
    return _GAP.sub("\n\n```text", "\n".join(lines[:-1])).strip()


def _inline(line: str) -> str:
    """Return a line with its code and its addresses marked; an address alone is a list's item."""
    return _ITEM.sub("- ", _ADDRESS.sub(r"<\1>", _LITERAL.sub(r"`\1`", line)))


def _without_colons(match: re.Match[str]) -> str:
    return f"{match[1]}:" if match[1] else ""


def _fenced(block: list[str]) -> list[str]:
    text = "\n".join(block).strip("\n")
    return ["", "```text", text, "```", ""] if text else []
