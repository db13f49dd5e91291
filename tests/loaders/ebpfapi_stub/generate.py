"""What a build of the stub takes besides its C files, made from the facts about the exports.

Prototypes with the C types the facts name, so that the compiler compares them with the
implementations; a body that does nothing for every export without one; the structures' layouts as
the compiler sees them; and the list of what a release exports.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ebpf_static.target import Version

ROOT = Path(__file__).resolve().parents[3]
FACTS = ROOT / "scripts" / "snapshots" / "windows" / "api.json"
SOURCES = ("control.c", "objects.c", "maps.c", "programs.c", "bpf.c")
HERE = Path(__file__).resolve().parent

_DEFINED = re.compile(
    r"^[a-z_].*?\b((?:e?bpf|libbpf|perf_buffer|ring_buffer)\w*)\(.*\{$", re.MULTILINE
)
_STUB = re.compile(r"^STUB_API [^;{]*?\b(stub_\w+)\(", re.MULTILINE)


def facts() -> dict[str, Any]:
    """Return the facts."""
    found: dict[str, Any] = json.loads(FACTS.read_text(encoding="utf-8"))
    return found


def exports_of(release: str | None) -> set[str]:
    """Return what a release exports, by replaying its history; what newest efW has for None."""
    known = facts()
    names = {row["name"] for row in known["exports"]} | {
        row["name"] for row in known["removed_exports"]
    }
    later: set[str] = set()
    for row in known["releases"]:
        later |= set(row["exports_added"])
    there = names - later  # what was never added was there from the start
    for row in known["releases"]:
        there |= set(row["exports_added"])
        there -= set(row["exports_removed"])
        if release is not None and Version.parse(row["version"]) == Version.parse(release):
            return there
    assert release is None, release
    return there


def write(folder: Path, release: str | None) -> None:
    """Write everything generated into ``folder``."""
    exported = exports_of(release)
    (folder / "prototypes.h").write_text(_prototypes(), encoding="utf-8")
    (folder / "rest.c").write_text(_rest(exported), encoding="utf-8")
    (folder / "layouts.c").write_text(_layouts(), encoding="utf-8")
    names = sorted(exported) + stub_names()
    listed = "\n".join(f"    {name};" for name in names)
    (folder / "exports.map").write_text(
        f"{{\nglobal:\n{listed}\nlocal: *;\n}};\n", encoding="utf-8"
    )
    listed = "\n".join(f"    {name}" for name in names)
    (folder / "exports.def").write_text(f"LIBRARY ebpfapi\nEXPORTS\n{listed}\n", encoding="utf-8")


def stub_names() -> list[str]:
    """Return the functions of the tests' own."""
    found = {name for source in SOURCES for name in _STUB.findall(_read(source))}
    return sorted(found | {"stub_layout_at"})


def implemented() -> set[str]:
    """Return the exports that do something."""
    return {name for source in SOURCES for name in _DEFINED.findall(_read(source))}


def _read(source: str) -> str:
    return (HERE / source).read_text(encoding="utf-8")


def _type(name: str) -> str:
    return "efw_long" if name == "long" else name


def _prototype(row: dict[str, Any]) -> str:
    arguments = ", ".join(f"{_type(it['type'])} {it['name']}" for it in row["args"])
    return f"{_type(row['returns'])} {row['name']}({arguments or 'void'})"


def _prototypes() -> str:
    return "".join(f"{_prototype(row)};\n" for row in facts()["exports"])


def _rest(exported: set[str]) -> str:
    there = implemented()
    lines = ['#include "stub.h"', ""]
    for row in facts()["exports"]:
        if row["name"] in there or row["name"] not in exported:
            continue
        kind = _type(row["returns"])
        answer = "" if kind == "void" else f" return ({kind})0;"
        if kind == "ebpf_result_t":
            answer = " return EBPF_OPERATION_NOT_SUPPORTED;"
        ignored = " ".join(f"(void){it['name']};" for it in row["args"])
        lines.append(f'{_prototype(row)} {{ ENTER({row["name"]}, "%s", ""); {ignored}{answer} }}')
    lines += [
        f"void {row['name']}(void) {{}}"
        for row in facts()["removed_exports"]
        if row["name"] in exported
    ]
    return "\n".join(lines) + "\n"


def _layouts() -> str:
    known = facts()
    structures = known["bpf_syscall"]["attr_layouts"] | known["native_info_structs"]
    rows = []
    for name, layout in structures.items():
        rows.append(f'    {{"{name}", "", 0, sizeof({name})}},')
        rows += [
            f'    {{"{name}", "{it["name"]}", offsetof({name}, {it["name"]}), '
            f"sizeof((({name}*)0)->{it['name']})}},"
            for it in layout["fields"]
        ]
    body = "\n".join(rows)
    return (
        '#include "stub.h"\n\n#include <stdio.h>\n\n'
        "static const struct { const char *structure, *field; size_t offset, size; } table[] = {\n"
        f"{body}\n}};\n\n"
        "STUB_API const char* stub_layout_at(unsigned at) {\n"
        "    static char line[256];\n"
        "    if (at >= sizeof table / sizeof *table) return NULL;\n"
        '    snprintf(line, sizeof line, "%s %s %u %u", table[at].structure,\n'
        '        *table[at].field ? table[at].field : "-", (unsigned)table[at].offset,\n'
        "        (unsigned)table[at].size);\n"
        "    return line;\n}\n"
    )
