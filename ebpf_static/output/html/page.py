"""The page: all parts together, within its size and under its policy."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from ebpf_static.findings import Severity
from ebpf_static.output.code_facts import CodeIndex
from ebpf_static.output.html.code import code_of, pictures_of, places_of
from ebpf_static.output.html.facts import evidence_of, facts_of, maps_of, needs_of, programs_of
from ebpf_static.output.html.findings import findings_of, overview
from ebpf_static.output.html.markup import Html, brief, code, count, join, message, tag
from ebpf_static.output.html.matrix import matrix_section, verdicts_of
from ebpf_static.output.html.model import LEFT_OUT, Entry, Page, Room
from ebpf_static.package_data import read_data

MAX_OBJECTS: Final = 1_000
"""Objects of one page."""
MAX_CHARS: Final = 8_000_000
"""Characters of code, pictures and tables of all objects together."""
_COPIES: Final = 20
"""Other places of an object that are named."""
_TITLE: Final = "eBPF objects: what loads where"


def render(page: Page) -> str:
    """Return the page, one file that needs no other."""
    style = read_data("ebpf_static.output", "html", "page.css")
    style += read_data("ebpf_static.output", "pictures", "picture.css")
    script = read_data("ebpf_static.output", "html", "page.js")
    shown = page._replace(entries=page.entries[:MAX_OBJECTS])
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", _TITLE),
        Html(f"<style>{style}</style>"),
    )
    body = tag(
        "body",
        tag("a", "Skip to the table of verdicts", href="#matrix", class_="skip"),
        _header(shown),
        tag("main", *_sections(shown, len(page.entries)), id="main"),
        _footer(page),
        Html(f"<script>{script}</script>"),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(source: str) -> str:
    digest = hashlib.sha256(source.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _header(page: Page) -> Html:
    findings = [it for entry in page.entries for it in entry.findings]
    counts = [
        (sum(it.severity is severity for it in findings), severity.value) for severity in Severity
    ]
    words = [count(len(page.entries), "object"), count(len(page.targets), "target")]
    words += [count(number, noun) for number, noun in counts if number]
    judged = ", ".join(page.judged_for) or "each object's own platform"
    links = [("#matrix", "Verdicts"), ("#findings", "Findings by rule")]
    if len(page.entries) == 1:
        links.append(("#o0", brief(page.entries[0].name)))
    elif page.entries:
        links.append(("#objects", "Objects"))
    return tag(
        "header",
        tag("h1", _TITLE),
        tag("p", ", ".join(words), class_="counts"),
        tag("p", f"Findings are judged for {judged}."),
        tag("nav", tag("ul", *(tag("li", tag("a", it, href=to)) for to, it in links)),
            aria_label="Sections"),
    )  # fmt: skip


def _sections(page: Page, total: int) -> list[Html | None]:
    rules = tag(
        "section",
        tag("h2", "Findings by rule", id="findings"),
        overview(page),
        aria_labelledby="findings",
    )
    left_out = total - len(page.entries)
    cut = f"… and {count(left_out, 'more object')}, left out to keep the page small"
    return [
        _failures(page),
        matrix_section(page),
        tag("p", cut, class_="cut") if left_out else None,
        rules,
        _contents(page),
        *_objects(page),
    ]


def _failures(page: Page) -> Html | None:
    if not page.failures:
        return None
    items = (
        tag("li", code(it.object) if it.object else None, f" {it.message}") for it in page.failures
    )
    return tag("section", tag("h2", "What could not be done", id="failures"), tag("ul", *items),
               class_="failures", aria_labelledby="failures")  # fmt: skip


def _contents(page: Page) -> Html | None:
    if len(page.entries) < 2:
        return None
    items = (
        tag("li", tag("a", code(brief(entry.name)), href=f"#o{n}"), " ", _found(entry))
        for n, entry in enumerate(page.entries)
    )
    return tag("section", tag("h2", "Objects", id="objects"), tag("ul", *items, class_="objects"),
               aria_labelledby="objects")  # fmt: skip


def _found(entry: Entry) -> str:
    counts = [
        (sum(it.severity is severity for it in entry.findings), severity.value)
        for severity in Severity
    ]
    return ", ".join(count(number, noun) for number, noun in counts if number) or "no findings"


def _objects(page: Page) -> list[Html]:
    """Return the objects, each with an even share of the room that is left."""
    urls = {rule.meta.code: rule.url for rule in page.pages}
    left = MAX_CHARS
    found = []
    for number, entry in enumerate(page.entries):
        room = Room(left // (len(page.entries) - number))
        before = room.left
        found.append(_object(number, entry, urls, room))
        left -= before - room.left
    return found


def _object(number: int, entry: Entry, urls: dict[str, str], room: Room) -> Html:
    name = f"o{number}"
    places = places_of(number, entry)
    parts: list[Html | None] = [
        tag("h2", code(brief(entry.name, 1_000)), id=name),
        facts_of(entry.contents.spec) if entry.contents is not None else None,
        _copies(entry),
        *_part("Where it loads, and why not", verdicts_of(number, entry, room)),
        *_part("Findings", _fit(room, findings_of(number, entry, urls, places), "check")),
        *(_inside(number, entry, places, room) if entry.contents is not None else ()),
    ]
    return tag("section", *parts, class_="object", aria_labelledby=name)


def _copies(entry: Entry) -> Html | None:
    """Return where else the object is."""
    if not entry.copies:
        return None
    names = join((code(brief(name)) for name in entry.copies[:_COPIES]), ", ")
    more = len(entry.copies) - _COPIES
    return tag("p", "The same object is in ", names, f" and {more} more" if more > 0 else None)


def _inside(
    number: int, entry: Entry, places: dict[tuple[str, str, int], str], room: Room
) -> list[Html | None]:
    contents = entry.contents
    if contents is None:
        return []
    lowest = entry.row.lowest
    since, reason = None, None
    if lowest is not None:
        platform = contents.spec.numbering.label
        since = f"Lowest release: {platform} {lowest}"
        if lowest.reason is not None:
            words = (f"{lowest.below} rejects it: ", tag("strong", lowest.reason.code), " ")
            reason = join((*words, message(lowest.reason.message)))
    index = CodeIndex(contents.spec, contents.remap)
    listed = _fit(room, needs_of(contents, since, reason), "requires")
    programs = _fit(room, programs_of(index), "inspect")
    maps = _fit(room, maps_of(contents.spec), "inspect")
    evidence = _fit(room, evidence_of(contents.spec), "inspect")
    shares = Room(room.left // 2)
    drawn = list(pictures_of(entry, index, shares))
    room.left -= room.left // 2 - shares.left
    return [
        *_part("What it needs", listed),
        *_part("Programs", programs),
        *_part("Maps", maps),
        *_part("Platform", evidence),
        *_part("Pictures", join(drawn)),
        *_part("Code", join(code_of(number, entry, index, places, room))),
    ]


def _fit(room: Room, part: Html | None, command: str) -> Html | None:
    """Return a part if there is room for it, else who tells what it would have said."""
    if not part:
        return None
    said = f"{LEFT_OUT}: 'ebpf-static {command}' tells it."
    return room.take(part) or tag("p", said, class_="cut")


def _part(title: str, content: Html | None) -> list[Html | None]:
    """Return a heading and what stands below it, nothing when that is nothing."""
    return [tag("h3", title), content] if content else []


def _footer(page: Page) -> Html:
    return tag(
        "footer",
        tag("p", f"Made by ebpf-static {page.version}. A version fact is not a load test: what "
            "bytes cannot decide is said to be unknown, never fine."),
    )  # fmt: skip
