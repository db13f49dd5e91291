"""Make ``ebpf_static/formats/data/native_layouts.json`` from ``scripts/snapshots/windows``.

The snapshot lists every struct of ``bpf2c.h`` for each range of releases. Images are read by
*generation*: a range of releases over which all structs agree. This script cuts the releases into
generations, and adds the development snapshots of ``main`` whose sizes no release ever had.

Run from the repository root: ``python scripts/make_native_layouts.py [--check]``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = ROOT / "scripts" / "snapshots" / "windows" / "native_sys.json"
TABLE = ROOT / "ebpf_static" / "formats" / "data" / "native_layouts.json"

Row = dict[str, Any]

# What an image shows of each struct; the runtime's own structs never reach the file.
STRUCTS = {
    "metadata": "metadata_table_t",
    "program": "program_entry_t",
    "map": "map_entry_t",
    "helper": "helper_function_entry_t",
    "initial_values": "map_initial_values_t",
    "global_section": "global_variable_section_info_t",
    "resolved_function": "btf_resolved_function_entry_t",
}
HEADER_BYTES = 24

# Commits of main between two layouts of helper_function_entry_t: the sizes are in the snapshot's
# history, the offsets follow from taking the 24-byte version header out of the 0.21 structs
# (`static_recovery.stride_detection` confirms them for helpers). The one commit that had
# global_variable_section_t (32 bytes) is left out: its field order is not known.
SNAPSHOTS = (
    {"name": "main-2025-02-12", "sections_headerless": False},
    {"name": "main-2025-02-21", "sections_headerless": True},
)


def struct_row(row: Row, cut: int = 0) -> Row:
    """Return size and ``{field: [offset, size, kind]}``, less a header of ``cut`` bytes."""
    fields = {
        f["name"]: [f["offset"] - cut, f["size"], f["kind"]]
        for f in row["fields"]
        if not (cut and f["name"] == "header")
    }
    return {"size": row["size"] - cut, "fields": fields}


def releases_of(layouts: dict[str, list[Row]]) -> list[str]:
    """Return the first release of every struct layout, oldest first."""
    starts = {row["from"] for name in STRUCTS.values() for row in layouts[name]}
    return sorted(starts, key=version_key)


def version_key(text: str) -> tuple[int, ...]:
    """Order releases; the unreleased head is newer than all."""
    return (999,) if text.startswith("unreleased") else tuple(map(int, text[1:].split(".")))


def find_row(rows: list[Row], release: str) -> Row | None:
    """Return the layout in force at ``release``."""
    wanted = version_key(release)
    for row in rows:
        if version_key(row["from"]) <= wanted <= version_key(row["to"]):
            return row
    return None


def release_generations(layouts: dict[str, list[Row]]) -> list[Row]:
    """Return one generation for each release that changed a struct an image shows."""
    generations: list[Row] = []
    for release in releases_of(layouts):
        found = {key: find_row(layouts[name], release) for key, name in STRUCTS.items()}
        lasts = [row["to"] for row in found.values() if row]
        generations.append(
            {
                "name": release.removeprefix("v").removesuffix(".0"),
                "first": release,
                "last": min(lasts, key=version_key),
                **{key: struct_row(row) if row else None for key, row in found.items()},
            }
        )
    return generations


def snapshot_generations(layouts: dict[str, list[Row]], history: list[Row]) -> list[Row]:
    """Return the development snapshots, checked against the sizes the history records."""
    old = {key: find_row(layouts[name], "v0.20.0") for key, name in STRUCTS.items()}
    new = {key: find_row(layouts[name], "v0.21.0") for key, name in STRUCTS.items()}
    made = []
    for snapshot in SNAPSHOTS:
        row: Row = {"name": snapshot["name"], "first": None, "last": None}
        for key in STRUCTS:
            source = old[key]
            row[key] = struct_row(source) if source else None
        row["metadata"] = struct_row(new["metadata"] or {})
        if snapshot["sections_headerless"]:
            for key in ("helper", "global_section"):
                row[key] = struct_row(new[key] or {}, HEADER_BYTES)
        made.append(check_sizes(row, history))
    return made


def check_sizes(row: Row, history: list[Row]) -> Row:
    """Return ``row`` when the history has its sizes at the date in its name.

    Raises:
        SystemExit: the snapshot and this script disagree.
    """
    date = str(row["name"]).removeprefix("main-")
    sizes = next(entry["sizes"] for entry in history if entry["date"] == date)
    for key, name in STRUCTS.items():
        if row[key] and name in sizes and sizes[name] != row[key]["size"]:
            sizes_differ = f"{name} is {sizes[name]}, not {row[key]['size']} bytes"
            raise SystemExit(f"{row['name']}: {sizes_differ}")
    return row


def make() -> str:
    """Return the table as the text of its file."""
    facts = json.loads(SNAPSHOT.read_text())
    layouts = facts["struct_layouts"]
    generations = release_generations(layouts)
    generations += snapshot_generations(layouts, facts["layout_change_history_on_main"])
    recognition = facts["recognition"]
    table = {
        "source": facts["source"],
        "as_of": facts["as_of"]["microsoft/ebpf-for-windows"],
        "npi_guid": recognition["npi_guid"],
        "definition": struct_row(layouts["ebpf_map_definition_in_file_t"][0]),
        "generations": generations,
    }
    return json.dumps(table, indent=1) + "\n"


def main() -> None:
    """Write the table, or with ``--check`` fail when it is not what the snapshot gives."""
    text = make()
    if "--check" in sys.argv[1:]:
        if TABLE.read_text() != text:
            raise SystemExit(f"{TABLE.relative_to(ROOT)} is stale: run {Path(__file__).name}")
        return
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(text)


if __name__ == "__main__":
    main()
