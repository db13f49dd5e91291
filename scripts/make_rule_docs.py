"""Write a page per rule to docs/rules, from the rule's class and its cases.

python scripts/make_rule_docs.py            write them
python scripts/make_rule_docs.py --check    exit with 1 unless they are current
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in (".", "rules")]

from ebpf_static.output.rule_page import to_markdown  # noqa: E402 - found through the path above
from ebpf_static.plugins import RuleMeta, RuleStatus  # noqa: E402
from ebpf_static.registry import RegisteredRule, Registry  # noqa: E402

FOLDER = ROOT / "docs" / "rules"
CASES = ROOT / "tests" / "rules" / "cases"
BANNER = "<!-- Made by scripts/make_rule_docs.py. DO NOT EDIT: change the rule or its cases. -->\n"
SHOWN = 2
"""Cases of each verdict on a page."""
MAX_LINES = 40
"""Lines of a case on a page; longer ones are in the file of cases only."""

_FAMILIES = {
    "ATT": "Attaching",
    "BTF": "Type information",
    "ELF": "The container",
    "HLP": "Helpers and kernel functions",
    "INS": "Instructions",
    "LIC": "Licence",
    "MAP": "Maps",
    "NAT": "Native images",
    "PLT": "Platform",
    "PRG": "Programs",
    "REL": "Relocations, externs and CO-RE",
    "SOP": "struct_ops",
    "SUP": "Suppression in the C source",
    "WIN": "eBPF for Windows",
}
_CASE = re.compile(r"(?m)^\[\[(pass|fail)\]\]\n")


def make() -> dict[Path, str]:
    """Return the text of every page by its file."""
    rules = Registry(third_parties=False)._found_rules[0]  # noqa: SLF001 - removed rules have pages
    pages = {FOLDER / f"{rule.entry.code}.md": make_page(rule) for rule in rules}
    return {FOLDER / "index.md": make_index([rule.meta for rule in rules]), **pages}


def make_page(rule: RegisteredRule) -> str:
    """Return a rule's page."""
    meta = rule.meta
    platforms = ", ".join(platform.label for platform in meta.platforms)
    source = f"{rule.entry.module.replace('.', '/')}.py"
    folder = "rules/" if source.startswith("ebpf_static_rules") else ""
    facts = [
        f"Default level: **{meta.severity.value}**",
        f"status: {meta.status.value}",
        f"since {meta.since}",
        f"platforms: {platforms}",
        f"source: `{folder}{source}`",
    ]
    parts = [
        BANNER + f"# {meta.code} {meta.name}",
        " · ".join(facts),
        to_markdown(meta).strip(),
        *_cases(meta.code),
    ]
    return "\n\n".join(parts) + "\n"


def _cases(code: str) -> list[str]:
    path = CASES / f"{code}.toml"
    if not path.exists():
        return []
    parts = _CASE.split(path.read_text("utf-8"))
    cases = list(zip(parts[1::2], parts[2::2], strict=True))
    shown = []
    for verdict, title in (("fail", "Found"), ("pass", "Not found")):
        texts = [t.strip() for v, t in cases if v == verdict and t.count("\n") <= MAX_LINES]
        if texts:
            blocks = "\n\n".join(f"```toml\n{text}\n```" for text in texts[:SHOWN])
            shown.append(f"### {title}\n\n{blocks}")
    if not shown:
        return []
    intro = (
        "## Tested cases\n\n"
        f"Some of the {len(cases)} cases in `tests/rules/cases/{code}.toml`, which the tests run; "
        "`tests/rules/spec_builder.py` explains the language objects are described in."
    )
    return [intro, *shown]


def make_index(metas: list[RuleMeta]) -> str:
    """Return the list of all rules, by family."""
    families: dict[str, list[RuleMeta]] = {}
    for meta in metas:
        families.setdefault(meta.code.rstrip("0123456789"), []).append(meta)
    intro = (
        f"{len(metas)} rules. `ebpf-static rule CODE` prints a page on the terminal. Codes are "
        "never used again; `--select` and `--ignore` take codes, prefixes (`MAP`) and names."
    )
    parts = [BANNER + "# Rules", intro]
    for family, members in sorted(families.items()):
        rows = "\n".join(_row(meta) for meta in members)
        title = _FAMILIES.get(family, family)
        parts.append(f"## {family}: {title}\n\n| rule | level | says |\n|---|---|---|\n{rows}")
    return "\n\n".join(parts) + "\n"


def _row(meta: RuleMeta) -> str:
    status = "" if meta.status is RuleStatus.STABLE else f" ({meta.status.value})"
    summary = meta.summary.replace("``", "`").replace("|", "\\|")
    link = f"[{meta.code} {meta.name}]({meta.code}.md){status}"
    return f"| {link} | {meta.severity.value} | {summary} |"


def write() -> None:
    """Write every page and remove those of rules that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    pages = make()
    for path in FOLDER.glob("*.md"):
        if path not in pages:
            path.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8", newline="\n")


def iter_stale() -> list[str]:
    """Return what differs from what would be written."""
    pages = make()
    stale = [
        path.name
        for path, text in pages.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    return stale + [path.name for path in FOLDER.glob("*.md") if path not in pages]


def main() -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description="Write a page per rule.")
    parser.add_argument("--check", action="store_true", help="only tell whether they are current")
    if parser.parse_args().check:
        stale = iter_stale()
        for name in stale:
            print(f"docs/rules/{name} is out of date")
        return 1 if stale else 0
    write()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
