"""The HTML page without a browser: structure, injection, size."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import ebpf_static as es
from ebpf_static.findings import Confidence, Failure, Finding, Location, Severity
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.matrix import Cell, Row, build_matrix
from ebpf_static.output.html import Entry, Page, page, render
from ebpf_static.output.html.markup import Html, code, details, message, table, tag
from ebpf_static.output.html.model import Contents
from ebpf_static.requirements import requires
from ebpf_static.specs import CollectionSpec, ReferenceKind
from ebpf_static.support.targets import parse_target
from ebpf_static.verdict import Status, Verdict
from tests.analysis.programs import collection, function, program
from tests.build.asm import LE, R0, R1
from tests.output.test_pictures import HOSTILE, a_map

CORPUS = Path(__file__).parents[2] / "corpus" / "objects" / "linux"
TARGETS = tuple(parse_target(name) for name in ("linux:5.4", "linux:6.8", "linux:6.12"))
VOID = {"meta", "link", "br", "path", "rect"}


def entry_of(spec: CollectionSpec, name: str, *more: Finding) -> Entry:
    (row,) = build_matrix([(name, spec)], TARGETS, lowest=True).rows
    findings = es.check(spec, targets=TARGETS, name=name).active
    flows = TargetFlows(spec)
    return Entry(name, (*findings, *more), 1, row, Contents(spec, requires(spec, name=name), flows))


def page_of(*entries: Entry, **more: object) -> str:
    return render(Page(TARGETS, ("linux:6.8",), entries, **more))  # type: ignore[arg-type]


def hostile_page() -> str:
    """Return a page about an object all of whose names, texts and sources are attacks."""
    entries = []
    for n, text in enumerate(("<script>window.pwned=1</script>", *HOSTILE)):
        code_ = LE.lddw(R1, 0, 1) + LE.call(1) + LE.call_local() + LE.mov(R0, 0) + LE.exit()
        references = [(0, ReferenceKind.MAP, 0, 0), (3, ReferenceKind.CALL, 1, 0)]
        main = program(code_, references, text).model_copy(
            update={"section": text, "attach_to": text}
        )
        spec = collection(
            [main, function(LE.exit(), text)], [a_map(text, "HASH", section=text)]
        ).model_copy(update={"license": text})
        place = Location(
            object=text, section=text, program=text, insn=2, file=text, line=3, column=1,
            source=text,
        )  # fmt: skip
        finding = Finding(
            code="HLP201", name="helper-unavailable", severity=Severity.WARNING,
            confidence=Confidence.LOW, message=text, target=text, locations=(place,), help=text,
            related=(text,),
        )  # fmt: skip
        entries.append(entry_of(spec, f"{n}/{text}", finding))
    failure = Failure(object=HOSTILE[0], message=HOSTILE[0])
    return page_of(*entries, failures=(failure,), version=HOSTILE[0])


class Structure(HTMLParser):
    """Elements, ids and links of a page; notes what is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(key for key, _ in attrs)
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if "href" in values else []
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self._open or self._open.pop() != tag):
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def real() -> str:
    names = ("arena-clang19-el.o", "core-clang19-el.o")
    return page_of(*(entry_of(es.read(CORPUS / name), f"build/{name}") for name in names))


def test_everything_asked_for_is_on_the_page(real: str) -> None:
    found = Structure(real)
    assert found.wrong == []
    assert len(found.ids) == len(set(found.ids))
    for words in (
        "What loads where", "Findings by rule", "build/arena-clang19-el.o", "✗ rejected",
        "map-type-unavailable", "Lowest release: Linux 6.9", "helpers and kfuncs",
        "Evidence, strongest first", 'Control flow of "walk"', "; 31: sum += node->value;",
        "call 0x1 <map_lookup_elem>", "◀ error INS201",
    ):  # fmt: skip
        assert words in found.text, words


def test_links_inside_lead_somewhere(real: str) -> None:
    for text in (real, hostile_page()):
        found = Structure(text)
        inside = {link[1:] for link in found.links if link.startswith("#")}
        assert inside <= set(found.ids)
        others = {link for link in found.links if not link.startswith("#")} - {"data:,"}
        assert all(link.startswith("https://github.com/ebpf-static/") for link in others)


def test_the_policy_lets_only_its_own_style_and_script_work(real: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', real)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]
    for element in ("style", "script"):
        (source,) = re.findall(rf"<{element}>(.*?)</{element}>", real, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy[1]
    own = ("https://github.com/ebpf-static/", "http://www.w3.org/2000/svg")
    assert all(it.startswith(own) for it in re.findall(r"https?://\S+", real))


def test_names_cannot_become_markup() -> None:
    found = Structure(hostile_page())
    assert found.wrong == []
    assert (found.tags.count("script"), found.tags.count("style")) == (1, 1)
    known = {"html", "head", "meta", "link", "title", "style", "body", "a", "header", "h1", "p",
             "nav", "ul", "li", "main", "section", "h2", "span", "div", "table", "caption",
             "thead", "tr", "th", "tbody", "td", "code", "small", "h3", "article", "h4", "strong",
             "details", "summary", "ol", "pre", "em", "dl", "dt", "dd", "svg", "desc", "rect", "g",
             "text", "path", "footer", "script"}  # fmt: skip
    assert set(found.tags) <= known
    assert not {name for name in found.attributes if name.startswith("on")}
    assert "style" not in found.attributes
    assert all(char.isprintable() or char == "\n" for char in found.text)
    assert "\\u202e" in found.text


def test_the_page_stays_small_and_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    big = program(LE.mov(R0, 0) * 15_000 + LE.exit())
    spec = collection([big, function(LE.mov(R0, 0) * 900 + LE.exit(), "leaf")])
    row = Row("big.o", (Cell(TARGETS[0], Verdict(Status.LOADS), {}),), None)
    contents = Contents(spec, requires(spec, name="big.o"), TargetFlows(spec))
    entry = Entry("big.o", (), 0, row, contents)
    monkeypatch.setattr(page, "MAX_CHARS", 100_000)
    text = render(Page(TARGETS[:1], (), (entry,) * 3))
    assert len(text) < 200_000
    assert text.count("Left out to keep the page small") == 6
    assert "ebpf-static inspect FILE --disasm" in text
    monkeypatch.setattr(page, "MAX_OBJECTS", 2)
    assert "… and 1 more object, left out" in render(Page(TARGETS[:1], (), (entry,) * 3))


def test_without_room_there_are_still_verdicts_and_who_tells_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "n" * 4_000
    spec = es.read(CORPUS / "arena-clang19-el.o").model_copy(update={"license": "l" * 100_000})
    entry = entry_of(spec, name)
    monkeypatch.setattr(page, "MAX_CHARS", 3_000)
    text = page_of(*(entry for _ in range(20)))
    assert len(text) < 20 * 20_000
    found = Structure(text)
    assert {link[1:] for link in found.links if link.startswith("#o")} <= set(found.ids)
    assert "MAP201" in found.text
    for command in ("check", "requires", "inspect"):
        assert f"Left out to keep the page small: 'ebpf-static {command}' tells it." in found.text


def test_an_object_that_cannot_be_read_has_its_reason() -> None:
    finding = Finding(
        code="ELF001", name="malformed-object", severity=Severity.ERROR, message="it is cut off",
        locations=(Location(object="cut.o"),),
    )  # fmt: skip
    verdict = Verdict(Status.REJECTED, (finding,))
    row = Row("cut.o", tuple(Cell(target, verdict, {}) for target in TARGETS), None)
    text = page_of(Entry("cut.o", (finding,), 0, row))
    assert text.count('href="#o0-t') == 3
    assert "it is cut off" in text


def test_lies_about_what_is_needed_do_not_stop_the_page() -> None:
    entry = entry_of(es.read(CORPUS / "arena-clang19-el.o"), "a.o")
    assert entry.contents is not None
    contents = entry.contents._replace(needs="string offset 9 is outside the strings")
    text = page_of(entry._replace(contents=contents))
    assert "What it needs cannot be told: string offset 9" in text
    assert "Control flow of" in text


def test_text_is_escaped_where_it_becomes_markup_and_only_there() -> None:
    assert tag("p", "a<b", Html("<i>")) == "<p>a&lt;b<i></p>"
    assert tag("a", title='"><x', hidden=True, id=None, class_="k") == (
        '<a title="&quot;&gt;&lt;x" hidden class="k"></a>'
    )
    assert message("map `a<b` is odd") == "map <code>a&lt;b</code> is odd"
    assert message("a `b` c` d") == "a `b` c` d"
    assert code("x\x1b\u202e") == "<code>x\\x1b\\u202e</code>"
    assert details("s", open_=True) == "<details open><summary>s</summary></details>"
    text = table("t", ("a", "b", "c"), [("x", None, 3)] * 5, most=2)
    assert text.count("<tr>") == 3
    assert ">b<" not in text
    assert "… and 3 more rows" in text
