"""Build the documentation site: collect pages, make those that come from code, check links, render.

python scripts/build_docs.py [--output DIRECTORY] [--pages-only]

Needs the dependency group ``docs``, unless only the pages are wanted.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in (".", "rules", "loaders")]

from ebpf_static.cli.main import build_parser  # noqa: E402 - found through the path set above
from ebpf_static.output.features_text import conditions, releases  # noqa: E402
from ebpf_static.support.catalogue import GROUPS, Entry, Group, details, entries  # noqa: E402
from ebpf_static.target import Platform  # noqa: E402

COPIES = {
    "writing-a-rule.md": "rules/README.md",
    "writing-a-loader.md": "loaders/README.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}
"""Pages that live elsewhere in the repository."""

_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"(?m)^#+ (.+)$")
_FENCE = re.compile(r"(?ms)^```.*?^```")


def make_pages() -> dict[str, str]:
    """Return every page by its path: those of docs/, copies, and those made from code."""
    docs = ROOT / "docs"
    pages = {p.relative_to(docs).as_posix(): p.read_text("utf-8") for p in docs.rglob("*.md")}
    for name, source in COPIES.items():
        pages[name] = (ROOT / source).read_text("utf-8")
    pages["commands.md"] = make_commands()
    pages |= make_tables()
    return pages


def make_commands() -> str:
    """Return one page with the commands in a table, and the help of each."""
    parser = build_parser()
    commands = _commands(parser)
    rows = [f"| [`{it.dest}`](#{_slug(it.dest)}) | {_cell(it.help or '')} |" for it in commands[1]]
    table = "| command | does |\n|---|---|\n" + "\n".join(rows)
    parts = ["# Commands", table, "```text\n" + parser.format_help().strip() + "\n```"]
    for name, command in commands[0].items():
        parts += [f"## {name}", "```text\n" + command.format_help().strip() + "\n```"]
    return "\n\n".join(parts) + "\n"


def _commands(
    parser: argparse.ArgumentParser,
) -> tuple[dict[str, argparse.ArgumentParser], list[argparse.Action]]:
    """Return the parsers of the commands, and the lines of their list."""
    for action in parser._actions:  # noqa: SLF001 - argparse tells its commands no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices), list(action._choices_actions)  # noqa: SLF001
    return {}, []


def make_tables() -> dict[str, str]:
    """Return a page for each group of the support tables and platform, and their index."""
    pages = {}
    rows = []
    for group in GROUPS:
        links = []
        for platform in (Platform.LINUX, Platform.WINDOWS):
            found = entries(group, platform)
            if found:
                path = f"{platform.value}-{group.name}.md"
                pages[f"tables/{path}"] = make_table(group, platform, found)
                links.append(f"[{len(found)}]({path})")
            else:
                links.append("")
        rows.append(f"| `{group.name}` | {_cell(group.summary)} | {' | '.join(links)} |")
    head = "# Browse the tables\n\n| group | what | Linux | eBPF for Windows |\n|---|---|--:|--:|\n"
    note = (
        "\n\n`ebpf-static features GROUP` prints the same, and answers for chosen targets. "
        "How the tables are made: [support tables](../support-tables.md).\n"
    )
    pages["tables/index.md"] = head + "\n".join(rows) + note
    return pages


def make_table(group: Group, platform: Platform, found: Sequence[Entry]) -> str:
    """Return one group as a page: a line for each entry, then everything known of each."""
    head = f"# {group.name} of {platform.label}\n\n{group.summary.capitalize()}.\n\n"
    head += "| name | number | releases | conditions |\n|---|--:|---|---|\n"
    lines = []
    for entry in found:
        number = "" if entry.number is None else str(entry.number)
        needs = conditions(next(iter(entry.facts.values()), None))
        name = f"[`{entry.name}`](#{_slug(entry.name)})"
        lines.append(f"| {name} | {number} | {releases(entry.facts)} | {_cell(needs)} |")
    return head + "\n".join(lines) + "\n\n" + "\n".join(map(_section, found))


def _section(entry: Entry) -> str:
    lines = [f"## {entry.name}", ""]
    for label, texts in details(entry):
        lines.append(f"**{_cell(label)}**")
        lines += ["", *(f"- {_cell(text)}" for text in texts), ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return re.sub(r"([|_*<>\[\]`])", r"\\\1", text)


def find_files() -> dict[str, Path]:
    """Return what pages refer to beside one another: examples, pictures."""
    docs = ROOT / "docs"
    return {
        path.relative_to(docs).as_posix(): path
        for path in sorted(docs.rglob("*"))
        if path.is_file() and path.suffix not in (".md", ".toml")
    }


def iter_broken_links(pages: dict[str, str]) -> Iterator[str]:
    """Yield links between pages that lead nowhere."""
    known = {*pages, *find_files()}
    for path, text in pages.items():
        for target in _LINK.findall(_FENCE.sub("", text)):
            if "://" in target or target.startswith("mailto:"):
                continue
            file, _, anchor = target.partition("#")
            parts = [*Path(path).parent.parts, *Path(file).parts]
            page = _normal(parts) if file else path
            if page not in known or (anchor and anchor not in _anchors(pages.get(page, ""))):
                yield f"{path}: {target}"


@lru_cache(maxsize=512)
def _anchors(text: str) -> frozenset[str]:
    """Return what the headings of a page can be reached by."""
    return frozenset(_slug(heading) for heading in _HEADING.findall(_FENCE.sub("", text)))


def _slug(heading: str) -> str:
    """Return the anchor of a heading, as Python-Markdown makes it."""
    words = re.sub(r"[^\w\s-]", "", heading.strip().lower())
    return re.sub(r"[-\s]+", "-", words)


def _normal(parts: list[str]) -> str:
    found: list[str] = []
    for part in parts:
        if part == "..":
            found = found[:-1]
        else:
            found.append(part)
    return "/".join(found)


def write_pages(folder: Path, pages: dict[str, str]) -> None:
    """Write a project the site generator can build."""
    for name, text in pages.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name, source in find_files().items():
        (folder / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / "docs" / name)
    shutil.copy(ROOT / "docs" / "zensical.toml", folder / "zensical.toml")


def build(output: Path) -> int:
    """Build the site into ``output`` and return the exit status."""
    pages = make_pages()
    broken = list(iter_broken_links(pages))
    for link in broken:
        print(f"broken link: {link}", file=sys.stderr)
    if broken:
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_pages(folder, pages)
        done = subprocess.run([sys.executable, "-m", "zensical", "build"], cwd=folder, check=False)
        if done.returncode or not (folder / "site" / "index.html").exists():
            print("the site could not be built", file=sys.stderr)
            return 1
        shutil.copytree(folder / "site", output, dirs_exist_ok=True)
    print(f"{len(pages)} pages in {output}")
    return 0


def main() -> int:
    """Build the site, or only write its pages."""
    parser = argparse.ArgumentParser(description="Build the documentation site.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "docs")
    parser.add_argument("--pages-only", action="store_true", help="write the pages, render none")
    args = parser.parse_args()
    if args.pages_only:
        write_pages(args.output, make_pages())
        return 0
    return build(args.output)


if __name__ == "__main__":
    raise SystemExit(main())
