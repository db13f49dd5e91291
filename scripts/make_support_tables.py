"""Make the availability tables of ``ebpf_static/support/data`` from ``scripts/snapshots``.

Run without arguments to rewrite the tables, with ``--check`` to fail when one is out of date.
To follow a new kernel or eBPF for Windows release, update the snapshots and run this; where a
kernel says otherwise than a snapshot, add the evidence to ``snapshots/linux/corrections.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "ebpf_static" / "support" / "data"

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.support_tables import (  # noqa: E402 - found through the line above
    linux_helpers,
    linux_kfuncs,
    linux_rest,
    linux_targets,
    linux_types,
    windows,
)
from scripts.support_tables.common import Table  # noqa: E402

TABLES: dict[str, Callable[[], Table]] = {
    "linux/map_types": linux_types.map_types,
    "linux/program_types": linux_types.program_types,
    "linux/attach_types": linux_types.attach_types,
    "linux/struct_ops": linux_types.struct_ops,
    "linux/helpers": linux_helpers.helpers,
    "linux/kfuncs": linux_kfuncs.kfuncs,
    "linux/instructions": linux_rest.instructions,
    "linux/btf_kinds": linux_rest.btf_kinds,
    "linux/features": linux_rest.features,
    "linux/limits": linux_rest.limits,
    "linux/commands": linux_rest.commands,
    "linux/link_types": linux_rest.link_types,
    "linux/program_map_rules": linux_rest.program_map_rules,
    "linux/jit_hooks": linux_rest.jit_hooks,
    "linux/libbpf": linux_rest.libbpf,
    "linux/loaders": linux_rest.loaders,
    "linux/lines": linux_targets.lines,
    "linux/architectures": linux_targets.architectures,
    "linux/distributions": linux_targets.distributions,
    "windows/releases": windows.releases,
    "windows/map_types": windows.map_types,
    "windows/program_types": windows.program_types,
    "windows/attach_types": windows.attach_types,
    "windows/helpers": windows.helpers,
    "windows/instructions": windows.instructions,
    "windows/features": windows.features,
    "windows/limits": windows.limits,
}


def render(table: Table) -> str:
    """Return ``table`` as JSON, one row a line and no space that nobody reads."""
    head = {
        "made_by": "scripts/make_support_tables.py",
        "source": table.source,
        **table.header,
    }
    members = [f"{json.dumps(name)}:{_json(value)}" for name, value in head.items()]
    rows = ",\n".join(_json(row) for row in table.rows)
    return "{" + ",\n".join(members) + ',\n"rows":[\n' + rows + "\n]}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main(argv: list[str] | None = None) -> int:
    """Write or check all tables and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a table is stale")
    arguments = parser.parse_args(argv)
    stale = []
    for name, build in TABLES.items():
        path, text = DATA / f"{name}.json", render(build())
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print("stale:" if arguments.check else "wrote:", path.relative_to(DATA))
    return 1 if arguments.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
