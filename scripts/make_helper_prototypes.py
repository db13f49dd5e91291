"""Make the table of what Linux helpers return and do with memory, for following code.

From ``scripts/snapshots/linux/helper_prototypes.json``, each helper's ``struct bpf_func_proto``.

python scripts/make_helper_prototypes.py            write it
python scripts/make_helper_prototypes.py --check    exit with 1 unless it is current
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = ROOT / "scripts" / "snapshots" / "linux" / "helper_prototypes.json"
DATA = ROOT / "ebpf_static" / "analysis" / "data"
TABLE = Path("helpers.json")
SIZED = ("ARG_PTR_TO_MEM", "ARG_PTR_TO_UNINIT_MEM")
WHOLE = ("ARG_PTR_TO_MAP_KEY", "ARG_PTR_TO_MAP_VALUE")
SIZES = ("ARG_MEM_SIZE", "ARG_MEM_SIZE_OR_ZERO")
NUMBERS = (*SIZES, "ARG_ANYTHING", "ARG_SCALAR", "ARG_CONST_ALLOC_SIZE_OR_ZERO")

Row = dict[str, Any]


def memory(arguments: list[str]) -> Iterator[list[Any]]:
    """Yield [argument, argument with its size, whether it is written] for memory of a helper."""
    for number, text in enumerate(arguments):
        kind, *flags = text.split(" | ")
        following = arguments[number + 1] if number + 1 < len(arguments) else ""
        if kind in WHOLE and not flags:
            yield [number, None, False]
        elif kind in SIZED and following in SIZES and "MEM_WRITE" not in flags:
            yield [number, number + 1, kind == "ARG_PTR_TO_UNINIT_MEM"]


def addresses(arguments: list[str]) -> Iterator[int]:
    """Yield the arguments that have to be addresses, and not NULL."""
    for number, text in enumerate(arguments):
        if text.split(" | ")[0] not in NUMBERS and "NULL" not in text:
            yield number


def make_table() -> str:
    """Return the table's text: one helper a line."""
    facts = json.loads(SNAPSHOT.read_text("utf-8"))
    lines = []
    for fact in facts["helpers"]:
        row: Row = {"id": fact["id"], "name": fact["name"].removeprefix("bpf_")}
        if fact["args"] is not None:
            row["arguments"] = len(fact["args"])
        if fact["ret"] == "RET_INTEGER":
            row["number"] = True
        elif "NULL" in (fact["ret"] or ""):
            row["nullable"] = True
        if pointers := list(addresses(fact["args"] or [])):
            row["addresses"] = pointers
        if found := list(memory(fact["args"] or [])):
            row["memory"] = found
        lines.append(f"  {json.dumps(row)}")
    head = ' "made_by": "scripts/make_helper_prototypes.py",\n "source": '
    source = json.dumps(facts["source"])
    return "{\n" + head + source + ',\n "helpers": [\n' + ",\n".join(lines) + "\n ]\n}\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the table, or with ``--check`` return 1 when it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if stale")
    options = parser.parse_args(arguments)
    path, text = DATA / TABLE, make_table()
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{'stale' if options.check else 'wrote'}: {TABLE}")
    if not options.check:
        path.write_text(text, encoding="utf-8", newline="\n")
    return int(options.check)


if __name__ == "__main__":
    sys.exit(main())
