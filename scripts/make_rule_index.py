"""Write the index of built-in rules, which lets a run import only the rules it needs.

Writing it writes the rules' pages, too (``make_rule_docs.py``).

python scripts/make_rule_index.py            write it
python scripts/make_rule_index.py --check    exit with 1 unless it is current
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in (".", "rules")]

import ebpf_static_rules  # noqa: E402 - found through the path set above
from ebpf_static.plugins import RuleEntry  # noqa: E402


def make_index() -> str:
    """Return the index: one line per rule, by code."""
    rows = []
    for rule in sorted(ebpf_static_rules.iter_classes(), key=lambda rule: rule.code):
        entry = RuleEntry.of(rule)
        row = {
            "code": entry.code,
            "name": entry.name,
            "severity": entry.severity.value,
            "status": entry.status.value,
            "platforms": [platform.value for platform in entry.platforms],
            "release_only": entry.release_only,
            "module": entry.module.removeprefix(f"{ebpf_static_rules.__name__}."),
            "class": entry.class_name,
        }
        rows.append(json.dumps(row))
    return "[\n" + ",\n".join(rows) + "\n]\n"


def main() -> int:
    """Write or check the index."""
    parser = argparse.ArgumentParser(description="Write the index of built-in rules.")
    parser.add_argument("--check", action="store_true", help="only tell whether it is current")
    check = parser.parse_args().check
    path = ROOT / "rules" / "ebpf_static_rules" / ebpf_static_rules.INDEX
    text = make_index()
    if check:
        return 0 if path.exists() and path.read_text("utf-8") == text else 1
    path.write_text(text, encoding="utf-8")
    pages = Path(__file__).with_name("make_rule_docs.py")
    # A process of its own: what this one knows of the rules may be what the index said before.
    return subprocess.run([sys.executable, str(pages)], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
