"""Elements of HTML: text is escaped here and nowhere else, so that nothing else can forget it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape as escape_html
from typing import Final, TypeAlias

from ebpf_static.errors import escape

_EMPTY: Final = frozenset({"link", "meta", "br"})


class Html(str):
    """Markup of our own making; any other string is text."""

    __slots__ = ()


Child: TypeAlias = "Html | str | None"
Attribute: TypeAlias = "str | int | bool | None"


def tag(element: str, /, *children: Child, **attributes: Attribute) -> Html:
    """Return an element.

    Args:
        element: its name.
        children: markup, and text that is escaped; None is left out.
        attributes: an underscore at the end of a name is dropped, others become dashes; True gives
            an attribute without value, False and None none at all.
    """
    start = "".join(_attribute(key, value) for key, value in attributes.items())
    if element in _EMPTY:
        return Html(f"<{element}{start}>")
    return Html(f"<{element}{start}>{join(children)}</{element}>")


def join(children: Iterable[Child], between: str = "") -> Html:
    """Return children one after another, with text between them."""
    parts = (text(child) for child in children if child is not None)
    return Html(escape_html(between).join(parts))


def text(value: str) -> Html:
    """Return text as markup: printable, on one line, and nothing but text; markup as it is."""
    return value if isinstance(value, Html) else Html(escape_html(escape(value)))


def code(value: str) -> Html:
    """Return a name."""
    return tag("code", value)


def message(value: str) -> Html:
    """Return a message, its names, which stand between backticks, as code."""
    parts = value.split("`")
    if len(parts) % 2 == 0:  # a name holds a backtick: nobody can tell which is which
        return text(value)
    return join(code(p) if n % 2 and p else text(p) for n, p in enumerate(parts))


def table(
    caption: str, header: Sequence[str], rows: Sequence[Sequence[Child | int]], most: int = 300
) -> Html:
    """Return a table that scrolls by itself; its first column names the rows.

    Columns in which no row has anything are left out, and rows beyond ``most`` are counted.
    """
    kept = [i for i in range(len(header)) if any(row[i] not in (None, "") for row in rows)]
    head = tag("tr", *(tag("th", header[i], scope="col") for i in kept))
    body = [_row(row, kept) for row in rows[:most]]
    whole = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))
    left_out = len(rows) - most
    return join(
        (
            scrolling(whole, caption),
            tag(
                "p",
                f"… and {count(left_out, 'more row')}, left out to keep the page small",
                class_="cut",
            )
            if left_out > 0
            else None,
        )
    )


def brief(value: str, most: int = 200) -> str:
    """Return text that is not longer than something printed again and again may be."""
    return value if len(value) <= most else f"{value[: most - 1]}…"


def count(number: int, noun: str) -> str:
    """Return how many there are: ``1 object``, ``2 objects``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def scrolling(child: Html, label: str) -> Html:
    """Return markup in a box that scrolls sideways, with the keyboard, too."""
    return tag("div", child, class_="scroll", role="region", aria_label=label, tabindex=0)


def details(summary: Child, *children: Child, open_: bool = False, id_: str | None = None) -> Html:
    """Return something that can be folded away."""
    return tag("details", tag("summary", summary), *children, open=open_, id=id_)


def _row(row: Sequence[Child | int], kept: Sequence[int]) -> Html:
    cells = []
    for n, i in enumerate(kept):
        value = row[i]
        number = isinstance(value, int)
        shown = "–" if value is None or value == "" else str(value) if number else value
        child = shown if isinstance(shown, str) else ""
        if n == 0:
            cells.append(tag("th", child, scope="row"))
        else:
            cells.append(tag("td", child, class_="number" if number else None))
    return tag("tr", *cells)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape_html(escape(str(value)))}"'
