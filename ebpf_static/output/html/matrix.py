"""The table of verdicts, and the reasons its cells lead to."""

from __future__ import annotations

from itertools import groupby

from ebpf_static.findings import Finding
from ebpf_static.matrix import Cell
from ebpf_static.output.html.markup import (
    Html,
    brief,
    code,
    count,
    join,
    message,
    scrolling,
    table,
    tag,
)
from ebpf_static.output.html.model import LEFT_OUT, Entry, Page, Room
from ebpf_static.output.matrix_text import message_without_release
from ebpf_static.verdict import Status, Verdict

_MARKS = {Status.LOADS: "✓", Status.REJECTED: "✗", Status.UNKNOWN: "?"}
_MEANINGS = {
    Status.LOADS: "nothing known keeps it from loading",
    Status.REJECTED: "the target refuses it",
    Status.UNKNOWN: "what is known does not decide it",
}
_REASONS = 10
"""Reasons spelled out of one verdict."""
_PROGRAMS = 100
"""Programs listed of one verdict."""


def matrix_section(page: Page) -> Html:
    """Return objects by targets; every cell leads to its reasons."""
    items = [tag("li", _badge(status), f" {text}") for status, text in _MEANINGS.items()]
    if any(_is_counted(cell) for entry in page.entries for cell in entry.row.cells):
        items.append(tag("li", tag("small", "2/5"), " programs load alone"))
    folder = _common_folder([entry.name for entry in page.entries])
    caption = tag("caption", "Verdicts: objects by targets. Every cell leads to its reasons.",
                  class_="sr")  # fmt: skip
    body = [_row(number, entry, len(folder)) for number, entry in enumerate(page.entries)]
    whole = tag("table", caption, _head(page), tag("tbody", *body), class_="matrix",
                id="matrix-table")  # fmt: skip
    return tag(
        "section",
        tag("h2", "What loads where", id="matrix", tabindex=-1),
        tag("ul", *items, class_="legend"),
        tag("p", "in ", code(folder), class_="where") if folder else None,
        scrolling(whole, "Verdicts, objects by targets"),
        aria_labelledby="matrix",
    )


def _common_folder(names: list[str]) -> str:
    """Return the folder all objects are in, with its last slash; empty when it says nothing."""
    if len(names) < 2:
        return ""
    common: list[str] = []
    for parts in zip(*(name.split("/")[:-1] for name in names), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(f"{parts[0]}/")
    return "".join(common)


def _head(page: Page) -> Html:
    """Return two rows of headings: platforms or distributions, then releases."""
    names = [str(target).partition(":") for target in page.targets]
    groups = [
        tag("th", family, colspan=len(list(found)), scope="colgroup")
        for family, found in groupby(family for family, _, _ in names)
    ]
    fixed = (tag("th", it, rowspan=2, scope="col") for it in ("object", "lowest release"))
    releases = (tag("th", release or "any", scope="col") for _, _, release in names)
    return tag("thead", tag("tr", *fixed, *groups), tag("tr", *releases))


def _row(number: int, entry: Entry, folder: int) -> Html:
    cells = [_cell(number, at, entry, cell) for at, cell in enumerate(entry.row.cells)]
    name = tag("a", code(brief(entry.name[folder:])), href=f"#o{number}")
    return tag("tr", tag("th", name, scope="row"), tag("td", _lowest(entry)), *cells)


def _is_counted(cell: Cell) -> bool:
    return len(cell.programs) > 1 and cell.verdict.status is not Status.LOADS


def _cell(number: int, at: int, entry: Entry, cell: Cell) -> Html:
    status = cell.verdict.status
    loading = sum(it.status is Status.LOADS for it in cell.programs.values())
    counted = _is_counted(cell)
    heat = " some" if counted and loading else ""
    label = f"{brief(entry.name)} on {cell.target}: {status.value}"
    if counted:
        label += f"; {loading} of {len(cell.programs)} programs load alone"
    link = tag(
        "a",
        tag("span", _MARKS[status], aria_hidden="true"),
        f" {status.value}",
        tag("small", f"{loading}/{len(cell.programs)}", aria_hidden="true") if counted else None,
        href=f"#o{number}-t{at}",
        aria_label=label,
    )
    return tag("td", link, class_=f"{status.value}{heat}")


def _lowest(entry: Entry) -> str:
    return "–" if entry.row.lowest is None else str(entry.row.lowest)


def verdicts_of(number: int, entry: Entry, room: Room) -> Html:
    """Return why an object loads or not, once for all targets with the same reasons.

    Where there is no room for reasons, there is for the rules' codes: cells must lead somewhere.
    """
    groups: dict[tuple[Status, tuple[tuple[str, str], ...]], list[int]] = {}
    for at, cell in enumerate(entry.row.cells):
        groups.setdefault((cell.verdict.status, _key(cell.verdict)), []).append(at)
    whole = join(_group(number, entry, cells) for cells in groups.values())
    taken = room.take(whole)
    if taken is not None:
        return taken
    return join(_group(number, entry, cells, in_short=True) for cells in groups.values())


def _key(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    # Messages name the target; what else they say is the same for all of the same reason.
    return tuple((it.code, it.location.logical) for it in verdict.reasons)


def _group(number: int, entry: Entry, cells: list[int], *, in_short: bool = False) -> Html:
    first = entry.row.cells[cells[0]]
    targets = [
        tag("span", str(entry.row.cells[at].target), id=f"o{number}-t{at}", tabindex=-1)
        for at in cells
    ]
    status = first.verdict.status
    reasons = list(first.verdict.reasons)
    heading = tag("h4", _badge(status), " ", join(targets, ", "))
    back = tag("p", tag("a", "back to the table", href="#matrix"), class_="back")
    if in_short:
        codes = ", ".join(dict.fromkeys(it.code for it in reasons[:_REASONS]))
        said = tag("p", f"{codes or _MEANINGS[status]}. {LEFT_OUT}", class_="cut")
        return tag("article", heading, said, back, class_=f"verdict {status.value}")
    of_one = len(cells) == 1
    more = len(reasons) - _REASONS
    parts = [
        tag("ul", *(_reason(it, of_one=of_one) for it in reasons[:_REASONS])) if reasons else None,
        tag("p", f"… and {count(more, 'more reason')}", class_="cut") if more > 0 else None,
        tag("p", f"{_MEANINGS[status].capitalize()}.") if not reasons else None,
        _programs(first) if status is not Status.LOADS else None,
    ]
    return tag("article", heading, *parts, back, class_=f"verdict {status.value}")


def _reason(finding: Finding, *, of_one: bool) -> Html:
    """Return one reason; what several targets share does not name one of them."""
    words = finding.message if of_one else message_without_release(finding)
    place = finding.location
    source = f" ({place.file}:{place.line})" if place.file is not None else ""
    where = f"{place.logical}{source}"
    return tag(
        "li",
        tag("strong", finding.code),
        " ",
        message(words),
        tag("div", where, class_="where") if where else None,
    )


def _programs(cell: Cell) -> Html | None:
    if len(cell.programs) < 2:
        return None
    rows = [
        (
            code(name),
            _badge(verdict.status),
            join((it.code for it in verdict.reasons[:_REASONS]), ", "),
        )
        for name, verdict in list(cell.programs.items())[:_PROGRAMS]
    ]
    more = len(cell.programs) - len(rows)
    return tag(
        "details",
        tag("summary", f"Each of its {len(cell.programs)} programs"),
        table("Programs one by one", ("program", "verdict", "reasons"), rows),
        tag("p", f"… and {count(more, 'more program')}", class_="cut") if more else None,
    )


def _badge(status: Status) -> Html:
    mark = tag("span", _MARKS[status], aria_hidden="true")
    return tag("span", mark, f" {status.value}", class_=f"badge {status.value}")
