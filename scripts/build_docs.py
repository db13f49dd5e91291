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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in (".", "rules", "loaders")]

from ebpf_static.cli.main import build_parser  # noqa: E402 - found through the path set above
from ebpf_static.support.tables import Row, Table, read_table  # noqa: E402
from ebpf_static.target import Platform  # noqa: E402

COPIES = {
    "writing-a-rule.md": "rules/README.md",
    "writing-a-loader.md": "loaders/README.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}
"""Pages that live elsewhere in the repository."""

TABLES = {
    "map_types": "Map types",
    "program_types": "Program types",
    "attach_types": "Attach types",
    "helpers": "Helpers",
    "kfuncs": "Kernel functions",
    "link_types": "Link types",
    "commands": "Commands of bpf(2)",
    "btf_kinds": "Kinds of BTF",
    "features": "Features",
    "instructions": "Instructions",
}
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
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
    """Return one page with the help of every command."""
    parser = build_parser()
    parts = ["# Commands", "```text\n" + parser.format_help().strip() + "\n```"]
    for name, command in _subparsers(parser).items():
        parts += [f"## {name}", "```text\n" + command.format_help().strip() + "\n```"]
    return "\n\n".join(parts) + "\n"


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001 - argparse tells its commands no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices)
    return {}


def make_tables() -> dict[str, str]:
    """Return a page per support table, and their index."""
    pages = {}
    rows = []
    for platform in (Platform.LINUX, Platform.WINDOWS):
        for name, title in TABLES.items():
            folder = ROOT / "ebpf_static" / "support" / "data" / platform.value
            if not (folder / f"{name}.json").exists():
                continue
            table = read_table(platform, name)
            path = f"{platform.value}-{name.replace('_', '-')}.md"
            pages[f"tables/{path}"] = make_table(table, title)
            rows.append(f"| {platform.label} | [{title}]({path}) | {len(table.rows)} |")
    head = "# Browse the tables\n\n| platform | table | rows |\n|---|---|--:|\n"
    note = "\n\nHow they are made: [support tables](../support-tables.md).\n"
    pages["tables/index.md"] = head + "\n".join(rows) + note
    return pages


def make_table(table: Table, title: str) -> str:
    """Return one support table as a page."""
    head = f"# {title} of {table.platform.label}\n\n| name | number | releases | source |\n"
    rows = [
        f"| `{row['name']}` | {row.get('number', '')} | {_releases(row)} | {_cell(row['source'])} |"
        if "source" in row
        else f"| `{row['name']}` | {row.get('number', '')} | {_releases(row)} | |"
        for row in table.rows
    ]
    return head + "|---|--:|---|---|\n" + "\n".join(rows) + "\n"


def _releases(row: Row) -> str:
    found = []
    for key in ("spans", "verifier", "jit", "native"):
        spans: list[dict[str, Any]] = row.get(key, [])
        text = ", ".join(_span(span) for span in spans)
        if text:
            found.append(text if key == "spans" else f"{key}: {text}")
    return "; ".join(found)


def _span(span: dict[str, Any]) -> str:
    until = f" until {span['until']}" if "until" in span else ""
    return f"since {span['since']}{until}{', conditions apply' if span.get('when') else ''}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_").replace("*", "\\*")


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
            if "://" in target or target.startswith(("#", "mailto:")):
                continue
            parts = [*Path(path).parent.parts, *Path(target.partition("#")[0]).parts]
            if _normal(parts) not in known:
                yield f"{path}: {target}"


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
