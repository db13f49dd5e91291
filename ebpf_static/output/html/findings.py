"""Findings with the source they point to."""

from __future__ import annotations

from collections.abc import Mapping

from ebpf_static.findings import Confidence, Finding, Location, Report, Severity
from ebpf_static.output.html.markup import Html, code, count, join, message, tag
from ebpf_static.output.html.model import Entry, Page
from ebpf_static.output.summary import count_by_code

_MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.NOTE: "i"}
SHOWN = 200
"""Findings spelled out of one object."""
_SOURCE = 200
"""Characters of a source line."""


def overview(page: Page) -> Html:
    """Return how many findings there are of each rule."""
    findings = tuple(it for entry in page.entries for it in entry.findings)
    urls = {rule.meta.code: rule.url for rule in page.pages}
    severities: dict[str, Severity] = {}
    for finding in sorted(findings, key=lambda it: it.severity.rank):
        severities.setdefault(finding.code, finding.severity)
    counts = count_by_code(Report.model_construct(findings=findings))
    items = [
        tag(
            "li",
            badge(severities[rule]),
            " ",
            _linked(rule, urls),
            f" {name}",
            tag("span", f"×{number}", class_="count"),
        )
        for (rule, name), number in counts.items()
    ]
    return tag("ul", *items, class_="rules") if items else tag("p", "No findings.")


def findings_of(number: int, entry: Entry, urls: Mapping[str, str], places: Places) -> Html:
    """Return an object's findings.

    Args:
        number: position of the object on the page.
        entry: the object.
        urls: pages of rules by code.
        places: anchors of instructions, where the page has them.
    """
    shown = sorted(entry.findings, key=lambda it: it.severity.rank)[:SHOWN]
    items = [_finding(f"o{number}-f{n}", it, urls, places) for n, it in enumerate(shown)]
    left_out = len(entry.findings) - len(shown)
    return join(
        (
            tag("ol", *items, class_="findings") if items else tag("p", "No findings."),
            tag("p", f"… and {count(left_out, 'more finding')}: 'ebpf-static check' lists them all",
                class_="cut") if left_out else None,
            tag("p", f"{entry.suppressed} more do not count: they are suppressed.")
            if entry.suppressed
            else None,
        )
    )  # fmt: skip


Places = Mapping[tuple[str, str, int], str]
"""Anchor of an instruction by section, function and insn index."""


def _finding(anchor: str, finding: Finding, urls: Mapping[str, str], places: Places) -> Html:
    remarks = [*finding.related]
    if finding.target:
        remarks.append(f"judged for {finding.target}")
    if finding.confidence is not Confidence.HIGH:
        remarks.append(f"{finding.confidence.value} confidence")
    parts = [
        tag("h4", badge(finding.severity), " ", _linked(finding.code, urls), f" {finding.name}"),
        tag("p", message(finding.message)),
        *(_place(place, places) for place in finding.locations),
        tag("ul", *(tag("li", message(it)) for it in remarks)) if remarks else None,
        *(tag("p", tag("strong", "help "), message(it), class_="help")
          for it in finding.help.splitlines()),
    ]  # fmt: skip
    return tag("li", *parts, id=anchor, class_=finding.severity.value)


def _place(place: Location, places: Places) -> Html:
    words: list[Html | str] = []
    if place.logical:
        words.append(place.logical)
        key = (place.section or "", place.program or "", -1 if place.insn is None else place.insn)
        if key in places:
            words = [tag("a", place.logical, href=f"#{places[key]}")]
    if place.file is not None:
        words.append(f" {place.file}:{place.line}")
    source = (place.source or "").strip().expandtabs(4)
    line = tag("span", f"{place.line}", class_="line") if place.line else None
    return join(
        (
            tag("p", *words, class_="where") if words else None,
            tag("pre", line, source[:_SOURCE], class_="source") if source else None,
        )
    )


def badge(severity: Severity) -> Html:
    """Return a severity, by its sign and in words."""
    mark = tag("span", _MARKS[severity], aria_hidden="true")
    return tag("span", mark, f" {severity.value}", class_=f"badge {severity.value}")


def _linked(rule: str, urls: Mapping[str, str]) -> Html:
    url = urls.get(rule, "")
    return tag("a", rule, href=url) if url else tag("strong", rule)


def named(value: str) -> Html:
    """Return a name, or what stands for none."""
    return code(value) if value else tag("em", "unnamed")
