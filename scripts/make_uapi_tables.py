"""Make the name tables of ``ebpf_static/uapi/data`` from the fact files in ``scripts/snapshots``.

Run without arguments to rewrite the tables, with ``--check`` to fail when one is out of date.
To follow a new kernel, libbpf or eBPF for Windows release, update the snapshot and run this.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "ebpf_static" / "uapi" / "data"

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.uapi_tables import linux, windows  # noqa: E402 - found through the line above
from scripts.uapi_tables.common import Table  # noqa: E402

TABLES: dict[str, Callable[[], Table]] = {
    "linux/map_types": linux.map_types,
    "linux/program_types": linux.program_types,
    "linux/attach_types": linux.attach_types,
    "linux/helpers": linux.helpers,
    "linux/sections": linux.sections,
    "linux/data_sections": linux.data_sections,
    "linux/licenses": linux.licenses,
    "windows/map_types": windows.map_types,
    "windows/program_types": windows.program_types,
    "windows/attach_types": windows.attach_types,
    "windows/helpers": windows.helpers,
    "windows/sections": windows.sections,
    "windows/data_sections": windows.data_sections,
}


def render(table: Table) -> str:
    """Return the file's text: one row a line, so that a change reads well in a diff."""
    source, rows = table
    head = json.dumps(source, ensure_ascii=False)
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    made_by = '"made_by": "scripts/make_uapi_tables.py"'
    return f'{{\n {made_by},\n "source": {head},\n "rows": [\n{lines}\n ]\n}}\n'


def stale_tables() -> Iterator[tuple[Path, str]]:
    """Yield each table file that differs from what the snapshots give, with its right text."""
    for name, make in TABLES.items():
        path = DATA / f"{name}.json"
        text = render(make())
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path, text


def main(arguments: list[str] | None = None) -> int:
    """Rewrite the tables, or with ``--check`` return 1 when one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if stale")
    options = parser.parse_args(arguments)
    stale = list(stale_tables())
    for path, text in stale:
        print(f"{'stale' if options.check else 'wrote'}: {path.relative_to(ROOT)}")
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
