"""The HTML page in a browser: by keyboard, narrow, without scripts, under attack, on paper."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ebpf_static.cli.main import main
from tests.browser.chromium import Browser, find_chromium
from tests.output.test_html import hostile_page

CHROMIUM = find_chromium()
CORPUS = Path(__file__).parents[2] / "corpus" / "objects" / "linux"
OBJECTS = ("arena-clang19-el.o", "subprograms-clang19-el.o")
TARGETS = ("linux:5.4", "linux:6.8", "linux:6.12")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: chromium)"),
    pytest.mark.skipif(os.name != "posix", reason="drives Chromium through inherited pipes"),
]

TAB, ENTER, DOWN, RIGHT = ("Tab", 9), ("Enter", 13, "\r"), ("ArrowDown", 40), ("ArrowRight", 39)
CONTRAST = """
(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => numbers(color).slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return getComputedStyle(at).backgroundColor;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(0,0,0)" : "rgb(255,255,255)";
  };
  const faint = [];
  for (const element of document.body.querySelectorAll("*:not(svg *):not(script)")) {
    const own = [...element.childNodes].some((it) => it.nodeType === 3 && it.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const pair = [light(getComputedStyle(element).color), light(behind(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) faint.push(`${element.tagName}.${element.className} ${ratio.toFixed(1)}`);
  }
  return faint;
})()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert CHROMIUM is not None
    with Browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("page") / "report.html"
    targets = [word for target in TARGETS for word in ("--target", target)]
    objects = [str(CORPUS / name) for name in OBJECTS]
    assert main(["report", "--html", *objects, *targets, "--isolated", "-o", str(file)]) == 0
    return file.as_uri()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Browser]:
    browser.open(url)
    yield browser
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def tab_to_first_cell(page: Browser) -> None:
    for _ in range(20):
        page.press(*TAB)
        if page.run("document.activeElement.matches('.matrix td a')"):
            return
    raise AssertionError("no cell of the table in twenty steps")


def shows(page: Browser, selector: str) -> bool:
    """Tell whether an element is in the part of the page that is seen."""
    found: bool = page.run(
        f"""(() => {{
          const box = document.querySelector({selector!r}).getBoundingClientRect();
          return box.height > 0 && box.top >= 0 && box.top < innerHeight;
        }})()"""
    )
    return found


def test_nothing_is_fetched_and_nothing_complains(page: Browser, url: str) -> None:
    assert page.requests() == [url]
    assert page.complaints() == []
    assert page.run("document.title") == "eBPF objects: what loads where"


def test_the_first_step_of_the_keyboard_skips_to_the_table(page: Browser) -> None:
    page.press(*TAB)
    assert page.run("document.activeElement.textContent") == "Skip to the table of verdicts"
    assert page.run("document.activeElement.getBoundingClientRect().left >= 0")
    page.press(*ENTER)
    assert page.run("location.hash") == "#matrix"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_cell_leads_to_its_reasons(
    browser: Browser, page: Browser, url: str, *, scripts: bool
) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=not scripts)
    browser.open(url)
    tab_to_first_cell(page)
    page.press(*ENTER)
    assert page.run("location.hash") == "#o0-t0"
    assert shows(page, "#o0-t0")
    reasons = page.run("document.getElementById('o0-t0').closest('article').innerText")
    assert "rejected linux:5.4" in reasons
    assert "MAP201 map arena has type ARENA, which Linux has since 6.9" in reasons


def test_arrow_keys_walk_the_table(page: Browser) -> None:
    tab_to_first_cell(page)
    page.press(*RIGHT)
    page.press(*DOWN)
    assert page.run("document.activeElement.getAttribute('href')") == "#o1-t1"


def test_a_link_to_an_instruction_unfolds_its_code(page: Browser) -> None:
    page.run("document.querySelectorAll('details').forEach((it) => { it.open = false; })")
    page.run("document.querySelector('.findings a[href*=\"-i\"]').click()")
    page.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    anchor = page.run("location.hash")
    assert page.run(f"document.querySelector({anchor!r}).closest('details').open")
    assert "◀ error" in page.run(f"document.querySelector({anchor!r}).textContent")


@pytest.mark.parametrize("width", [320, 400, 1280])
def test_nothing_sticks_out(page: Browser, width: int) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1,
        mobile=False,
    )  # fmt: skip
    page.run("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    assert page.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_what_is_behind_it(page: Browser, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.call("Emulation.setEmulatedMedia", features=features)
    page.run("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    assert page.run(CONTRAST) == []
    background = page.run("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_screen_readers_are_told_object_target_and_verdict(page: Browser) -> None:
    nodes: list[dict[str, Any]] = page.call("Accessibility.getFullAXTree")["nodes"]
    names = {
        (node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in nodes
    }
    cell = f"{(CORPUS / OBJECTS[0]).as_posix()} on linux:5.4: rejected"
    cells = [name for role, name in names if role == "link" and name and "linux:5.4" in name]
    assert any(cell.endswith(name) or name.endswith(cell.rpartition("/")[2]) for name in cells)
    assert {role for role, _ in names} >= {"main", "navigation", "columnheader", "rowheader"}
    assert any(role in ("image", "img") and "Control flow of" in (name or "")
               for role, name in names)  # fmt: skip


def test_the_policy_stops_what_gets_in(page: Browser) -> None:
    page.run(
        """
        window.got = [];
        const script = document.createElement('script');
        script.textContent = 'window.got.push("script")';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend',
          '<a id="evil" onclick="window.got.push(1)">x</a><style>body{color:red}</style>' +
          '<img src="http://192.0.2.1/x.png">');
        document.getElementById('evil').click();
        fetch('http://192.0.2.1/').then(() => window.got.push('fetch'), () => {});
        """
    )
    assert page.run("new Promise((done) => setTimeout(() => done(window.got), 50))") == []
    assert page.run("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    blocked = [text for text in page.complaints() if "Content Security Policy" in text]
    assert len(blocked) >= 3
    sent = [event["params"] for event in page.events
            if event.get("method") == "Network.loadingFailed"]  # fmt: skip
    assert all(it.get("blockedReason") == "csp" for it in sent)


def test_hostile_names_stay_text(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(hostile_page(), encoding="utf-8")
    browser.open(file.as_uri())
    assert browser.complaints() == []
    assert browser.requests() == [file.as_uri()]
    assert browser.run("document.scripts.length") == 1
    assert browser.run("window.pwned") is None
    assert browser.run("document.querySelectorAll('img, iframe, [onerror], [onclick]').length") == 0
    assert "<script>" in browser.run("document.body.textContent")


def test_it_prints_with_everything_unfolded(page: Browser) -> None:
    data = base64.b64decode(page.call("Page.printToPDF")["data"])
    assert data.startswith(b"%PDF-")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.run(
        "[...document.querySelectorAll('pre.code')].every((it) => it.checkVisibility())"
    )
