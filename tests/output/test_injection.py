"""Whatever names an object and its file have, no output of any command is made to say more.

One object has a hostile name in every place a name can be, and a file name to go with it; every
command that shows objects prints it in every format it knows.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ebpf_static.cli.main import main
from ebpf_static.output import FORMATS
from tests.build.asm import LE, R0, R1
from tests.build.elf_writer import R_BPF_64_64, SHF_ALLOC, STB_GLOBAL, STB_WEAK, STT_OBJECT
from tests.formats.writing import DATA, ObjectWriter

FORGED = "error[FAKE001]: forged"
NAMES = {
    "controls": "a\x1b[31m\x1b]8;;http://evil\x1b\\\x07\x08\x7f\x9b0m",
    "lines": f"a\n{FORGED}\r\n::error file=x::forged\n# forged\n- forged",
    "directions": "a\u202e\u2066evil\u2028\u2029\ufeff",
    "xml": "]]><script>alert(1)</script><!-- \"'>&amp;&#0;",
    "markdown": "a|b`c`**d**[e](http://evil)<img src=x onerror=y>@me #1 ~~x~~",
    "github": "%0A::error::forged,title=x:y%25",
    "c": "x; } __attribute__((constructor)) // */ #include <evil>",
    "dot": '"]; evil [label="x\\N\\"',
    "mermaid": '"]:::x; click A "http://evil" %%{init: {}}%%',
    "tabs": "a\tb\x0bc",
    "bytes": "a\udcff\udc80",
}

COMMANDS: dict[str, tuple[str, ...]] = {
    **{f"check-{name}": ("check", "--output-format", name) for name in FORMATS},
    "check-verbose": ("check", "-v", "--statistics", "--target", "linux:5.10"),
    "check-color": ("check", "--color", "always"),
    "show-files": ("check", "--show-files"),
    **{f"inspect-{name}": ("inspect", "--output-format", name) for name in ("text", "json")},
    "inspect-disasm": ("inspect", "--disasm"),
    "inspect-disasm-json": ("inspect", "--disasm", "--output-format", "json"),
    "inspect-types": ("inspect", "--types"),
    "inspect-types-json": ("inspect", "--types", "--output-format", "json"),
    **{
        f"{command}-{name}": (command, *more, "--output-format", name)
        for command, more in (
            ("requires", ()),
            ("matrix", ("--target", "linux:5.10", "--target", "linux:6.1")),
            ("port", ("--to", "windows")),
        )
        for name in ("text", "json", "markdown")
    },
    **{f"diff-{name}": ("diff", "other.o", "--output-format", name) for name in ("text", "json")},
    **{f"graph-{name}": ("graph", "--output-format", name) for name in ("dot", "svg", "mermaid")},
    **{
        f"graph-flow-{name}": ("graph", "--program", "NAME", "--output-format", name)
        for name in ("dot", "svg", "mermaid")
    },
    **{f"scan-{name}": ("scan", "box.tar", "--output-format", name) for name in FORMATS},
    **{
        f"scan-list-{name}": ("scan", "box.tar", "--list", "--output-format", name)
        for name in ("full", "concise", "json", "jsonl")
    },
    "report-html": ("report", "--html"),
    "load-dry-run": ("load", "--dry-run", "--loader", "dry-run", "--no-check"),
}
_LINK = re.compile(r"https://github\.com/ebpf-static/\S+")


def hostile(name: str) -> bytes:
    """Return an object whose sections, symbols, types, maps and lines are all called ``name``."""
    writer = ObjectWriter()
    writer.define(name, type=9999, key_size=4, value_size=4, max_entries=1)
    writer.define(f"{name}2", type=1, key_size=4, value_size=4, max_entries=1)
    writer.btf.struct(name, 4, [(name, writer.int_id, 0)])
    code = LE.lddw(R1, 0) + LE.call(999) + LE.mov(R0, 0) + LE.exit()
    section = f"kprobe/{name}"
    text = writer.program(section, code, name)
    writer.relocation(text, 0, writer.symbol(name, bind=STB_WEAK), R_BPF_64_64)
    proto = writer.btf.func_proto(writer.int_id)
    func = writer.btf.func(name, proto)
    writer.ext.func_info(section, 0, func)
    writer.ext.line_info(section, 0, name, name, (1, 1))
    writer.with_ext = True
    data = writer.section(f".data.{name}", bytes(8), DATA)
    writer.symbol(name, data, 0, 8, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.section("license", name.encode("utf-8", "surrogateescape") + b"\0", SHF_ALLOC)
    return writer.finish()


@pytest.fixture(scope="module", params=NAMES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the hostile object under a hostile name, and another object."""
    name = NAMES[request.param]
    made: Path = tmp_path_factory.mktemp("hostile")
    file = re.sub(r'[/\\<>:"|?*\x00-\x1f]', "_", name) if sys.platform == "win32" else name
    try:
        (made / f"{file.replace('/', '_')}.o").write_bytes(hostile(name))
    except OSError:
        pytest.skip("this file system refuses such names")
    (made / "other.o").write_bytes(hostile("honest"))
    with tarfile.open(made / "box.tar", "w", format=tarfile.GNU_FORMAT) as box:
        data = hostile(f"{name}3")
        member = tarfile.TarInfo(f"{name}/{name}.o")
        member.size = len(data)
        box.addfile(member, io.BytesIO(data))
    (made / "NAME").write_text(name, encoding="utf-8", errors="surrogateescape")
    return made


@pytest.mark.parametrize("command", COMMANDS)
def test_names_say_no_more_than_names(
    folder: Path, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("EBPF_STATIC_NO_PLUGINS", "1")
    name = (folder / "NAME").read_text("utf-8", "surrogateescape")
    file = next(it.name for it in folder.glob("*.o") if it.name != "other.o")
    words = [name if word == "NAME" else word for word in COMMANDS[command]]
    status = main([words[0], f"./{file}", *words[1:]])
    captured = capsys.readouterr()
    assert status in (0, 1, 2)
    assert "internal error" not in captured.err
    out = re.sub(r"\x1b\[[0-9;]*m", "", captured.out) if "color" in command else captured.out
    for text in (out, captured.err):
        allowed = "\n\t" if command == "inspect-types" else "\n"  # C is indented by tabs
        assert all(char.isprintable() or char in allowed for char in text), "printed raw"
        lines = text.splitlines()
        assert not [line for line in lines if line.startswith((FORGED, "# forged", "- forged"))]
        assert not [line for line in lines if "::error" in line[:8] and "github" not in command]
    judge = next((it for key, it in JUDGES.items() if command.endswith(key)), None)
    if judge is not None and status != 2:
        judge(out)


def is_a_page_like_any_other(text: str) -> None:
    """Hold a page to one about an object with honest names: no other elements, no more scripts."""
    page, honest = Page.of(text), Page.of(honest_page())
    assert page.elements.keys() <= honest.elements.keys()
    for tag in ("script", "style", "link", "meta", "form", "iframe", "img"):
        assert page.elements[tag] == honest.elements[tag]
    assert not [key for key, _ in page.attributes if key.startswith("on")]
    for key, value in page.attributes:
        assert key not in ("href", "src") or value.startswith(("#", "data:")) or _LINK.match(value)


class Page(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []

    @classmethod
    def of(cls, text: str) -> Page:
        """Return what is in the text of a page."""
        page = cls()
        page.feed(text)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(key, value or "") for key, value in attrs]


@cache
def honest_page() -> str:
    """Return the page about the object whose names are honest; the working directory has it."""
    assert main(["report", "--html", "./other.o", "-o", "other.html"]) in (0, 1)
    return Path("other.html").read_text("utf-8")


def is_ascii_json(text: str) -> None:
    assert text.isascii()
    json.loads(text)


def are_ascii_lines(text: str) -> None:
    assert text.isascii()
    for line in text.splitlines():
        json.loads(line)


def is_harmless_xml(text: str) -> None:
    root = ET.fromstring(text)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "img", "foreignObject", "image", "iframe"}
    for element in root.iter():
        assert not [key for key in element.attrib if key.lower().startswith("on")]
        for key, value in element.attrib.items():
            assert not key.endswith("href") or value.startswith("#") or _LINK.match(value)


def is_harmless_markdown(text: str) -> None:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    tokens = [t for block in parser.parse(text) for t in (block, *(block.children or ()))]
    kinds = {token.type for token in tokens}
    assert not kinds & {"image", "fence", "code_block", "code_inline", "s_open", "em_open"}
    assert all(_LINK.match(str(t.attrGet("href"))) for t in tokens if t.type == "link_open")
    html = {t.content.strip() for t in tokens if t.type in ("html_inline", "html_block")}
    assert {tag for text in html for tag in re.findall(r"<[^>]*>", text)} <= {
        "<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>",
    }  # fmt: skip
    for tokens_of_row in re.findall(r"(?m)^\|.*\|$", text):
        assert tokens_of_row.count("\n") == 0


def are_our_commands(text: str) -> None:
    for line in text.splitlines():
        command, properties, _ = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
        assert command in ("error", "warning", "notice")
        keys = [part.partition("=")[0] for part in properties.split(",")]
        assert set(keys) <= {"title", "file", "line", "col"}
        assert len(set(keys)) == len(keys)


JUDGES: dict[str, Callable[[str], Any]] = {
    "-dry-run": are_ascii_lines,
    "-jsonl": are_ascii_lines,
    "-json": is_ascii_json,
    "-sarif": is_ascii_json,
    "-gitlab": is_ascii_json,
    "-junit": is_harmless_xml,
    "-svg": is_harmless_xml,
    "-markdown": is_harmless_markdown,
    "-html": is_a_page_like_any_other,
    "-github": are_our_commands,
}
