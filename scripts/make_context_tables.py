"""Make the tables of what Linux programs may do with their context, and may return.

``scripts/snapshots/linux/context_access.json`` holds the structures and what each program type
hides or may write, as the kernel's source says it; this spells it out field by field, into
``ebpf_static/kernel/data/context_access.json``. ``return_ranges.json`` and ``attach_lists.json``
are held against their laws and copied.

python scripts/make_context_tables.py            write them
python scripts/make_context_tables.py --check    exit with 1 unless they are current
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOTS = ROOT / "scripts" / "snapshots" / "linux"
TABLES = ROOT / "ebpf_static" / "kernel" / "data"
COPIED = ("return_ranges.json", "attach_lists.json")

Row = dict[str, Any]


def make_table() -> str:
    """Return the table: a header, and one line for each program type."""
    facts = json.loads((SNAPSHOTS / "context_access.json").read_text("utf-8"))
    lines = [f'  "{name}": {json.dumps(row)}' for name, row in make_rows(facts).items()]
    header = {
        "made_by": "scripts/make_context_tables.py",
        "source": facts["source"],
        "as_of": facts["as_of"],
        "modified_pointer": facts["modified_pointer"],
        "store_immediate_since": facts["store_immediate_since"],
    }
    heads = [f' "{name}": {json.dumps(value)}' for name, value in header.items()]
    return "{\n" + ",\n".join(heads) + ',\n "types": {\n' + ",\n".join(lines) + "\n }\n}\n"


def make_rows(facts: Row) -> dict[str, Row]:
    """Return what each program type may access, by its name."""
    types = facts["types"]
    found = {}
    for name, given in types.items():
        rules = types[given["like"]] if "like" in given else given
        struct = facts["structs"][rules["struct"]]
        fields = [_field(field, rules, struct) for field in struct["fields"]]
        row = {"struct": rules["struct"], "fields": [field for field in fields if field]}
        row |= {key: struct[key] for key in ("machine", "unaligned") if key in struct}
        found[name] = row
    return found


def _field(field: list[Any], rules: Row, struct: Row) -> Row | None:
    name, offset, size, since, reads, writes = field
    reads = rules.get("read", {}).get(name, reads)
    if name in rules.get("hide", ()) or name not in rules.get("only", (name,)) or not reads:
        return None
    writes = writes if name in rules.get("write", ()) else []
    row = {"name": name, "offset": offset, "size": size, "read": reads, "write": writes}
    attach = rules.get("attach", {}).get(name)
    more = {
        "since": since,
        "until": struct.get("until", {}).get(name),
        "whole": name in struct.get("whole", ()),
        "attach": attach,
        "write_attach": rules.get("write_attach", {}).get(name),
        "write_since": rules.get("write_since") if writes else None,
    }
    return row | {key: value for key, value in more.items() if value}


def copy_table(name: str) -> str:
    """Return a table whose snapshot has its form already, with who made it.

    Raises:
        ValueError: the snapshot names no source.
    """
    facts = json.loads((SNAPSHOTS / name).read_text("utf-8"))
    if not facts["source"]:
        raise ValueError(f"{name}: no source")
    rows = ",\n".join(f"  {json.dumps(row)}" for row in facts.pop("rows"))
    heads = {"made_by": "scripts/make_context_tables.py"} | facts
    lines = [f' "{key}": {json.dumps(value)}' for key, value in heads.items()]
    return "{\n" + ",\n".join(lines) + f',\n "rows": [\n{rows}\n ]\n}}\n'


def make_tables() -> dict[Path, str]:
    """Return the text of every table by its path."""
    found = {TABLES / "context_access.json": make_table()}
    return found | {TABLES / name: copy_table(name) for name in COPIED}


def main() -> int:
    """Write or check the tables."""
    parser = argparse.ArgumentParser(description="Write the tables about contexts.")
    parser.add_argument("--check", action="store_true", help="only tell whether they are current")
    check = parser.parse_args().check
    TABLES.mkdir(exist_ok=True)
    for path, text in make_tables().items():
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not current\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
