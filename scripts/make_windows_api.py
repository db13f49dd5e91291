"""Make the table of what ``ebpfapi.dll`` exports, from ``scripts/snapshots/windows/api.json``.

``loaders/ebpf_static_loaders/windows/data/ebpfapi.json`` says of each export in which releases it
is there and what it takes and returns; of ``bpf()`` which commands there are and how their
attributes lie in memory; and of each result code what it is called.

Run without arguments to rewrite it, with ``--check`` to fail when it is out of date.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = ROOT / "scripts" / "snapshots" / "windows" / "api.json"
TABLE = ROOT / "loaders" / "ebpf_static_loaders" / "windows" / "data" / "ebpfapi.json"

Row = dict[str, Any]

SCALARS = {
    "void": "void",
    "bool": "bool",
    "int": "i32", "int32_t": "i32", "fd_t": "i32", "long": "i32", "ebpf_result_t": "i32",
    "ebpf_execution_type_t": "i32", "ebpf_verification_verbosity_t": "i32",
    "bpf_attach_type_t": "i32", "bpf_prog_type_t": "i32",
    "__u32": "u32", "uint32_t": "u32", "unsigned int": "u32",
    "__u64": "u64", "uint64_t": "u64", "size_t": "u64",
    "uint16_t": "u16",
    "ebpf_handle_t": "i64",
}  # fmt: skip
"""Sizes on 64-bit Windows (LLP64), where ``long`` has four bytes and ``size_t`` eight."""

COMMAND_RETURNS_FD = ("MAP_CREATE", "PROG_LOAD", "OBJ_GET", "FD_BY_ID")


def code(type_name: str) -> str:
    """Return the code of a C type: a scalar's, ``str`` for text passed in, ``ptr`` for the rest."""
    if type_name in SCALARS:
        return SCALARS[type_name]
    if type_name.startswith("enum ") and not type_name.endswith("*"):
        return "i32"
    return "str" if type_name == "const char*" else "ptr"


def version(text: str) -> str:
    """Return a release without its ``v``; what is not released has none."""
    return text.removeprefix("v")


def export(fact: Row, absent: dict[str, list[str]]) -> Row:
    """Return the row of one export that newest efW has."""
    row: Row = {
        "name": fact["name"],
        "since": version(fact["first_release"]),
        "returns": code(fact["returns"]),
        "arguments": [[argument["name"], code(argument["type"])] for argument in fact["args"]],
    }
    if fact["name"] in absent:
        row["absent_in"] = absent[fact["name"]]
    return row


def gaps(facts: Row) -> dict[str, list[str]]:
    """Return the releases an export was missing from between two that have it."""
    found: dict[str, list[str]] = {}
    missing: set[str] = set()
    current = {fact["name"] for fact in facts["exports"]}
    for release in facts["releases"]:
        missing |= current.intersection(release["exports_removed"])
        missing -= set(release["exports_added"])
        for name in sorted(missing):
            found.setdefault(name, []).append(version(release["version"]))
    return found


def first_release(name: str, facts: Row) -> str:
    """Return the first release with an export that newest efW no longer has."""
    for release in facts["releases"]:
        if name in release["exports_added"]:
            return version(release["version"])
    return version(facts["releases"][0]["version"])


def removed(facts: Row) -> list[Row]:
    """Return the exports newest efW no longer has."""
    return [
        {
            "name": fact["name"],
            "since": first_release(fact["name"], facts),
            "last": version(fact["last_release"]),
        }
        for fact in facts["removed_exports"]
    ]


def layouts(facts: Row) -> list[Row]:
    """Return every structure: attributes of ``bpf()``, and what objects say of themselves."""
    known = facts["bpf_syscall"]["attr_layouts"] | facts["native_info_structs"]
    return [
        {
            "name": name,
            "size": layout["size"],
            "fields": [[f["name"], f["offset"], f["size"]] for f in layout["fields"]],
        }
        for name, layout in known.items()
    ]


def commands(facts: Row) -> list[Row]:
    """Return the commands ``bpf()`` has, each with the structure it takes."""
    return [
        {
            "name": fact["name"].removeprefix("BPF_"),
            "number": fact["value"],
            "layout": None if fact["attr"] == "u32 id" else fact["attr"],
            "returns_fd": fact["name"].endswith(COMMAND_RETURNS_FD),
        }
        for fact in facts["bpf_syscall"]["commands"]
    ]


def errnos(facts: Row) -> list[Row]:
    """Return the error numbers of the Windows C runtime that ``bpf()`` gives back, negated."""
    known = dict(facts["errno_values_windows_crt"]) | {"EOPNOTSUPP": 130}
    return [
        {"number": number, "name": name}
        for name, number in sorted(known.items(), key=lambda i: i[1])
    ]


def make() -> str:
    """Return the text of the table."""
    facts: Row = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    absent = gaps(facts)
    releases = [version(release["version"]) for release in facts["releases"]]
    tables: dict[str, list[Any]] = {
        "exports": [export(fact, absent) for fact in facts["exports"]],
        "removed_exports": removed(facts),
        "commands": commands(facts),
        "missing_commands": [
            {"name": fact["name"].removeprefix("BPF_"), "number": fact["value"]}
            for fact in facts["bpf_syscall"]["commands_missing_vs_linux"]
        ],
        "layouts": layouts(facts),
        "results": [
            {"number": fact["value"], "name": fact["name"], "errno": fact["errno"]}
            for fact in facts["result_codes"]
        ],
        "errnos": errnos(facts),
    }
    source = [*facts["source"], *(f"{repo} at {at}" for repo, at in facts["as_of"].items())]
    head = {
        "made_by": "scripts/make_windows_api.py",
        "source": source,
        "releases": [name for name in releases if "unreleased" not in name],
        "linux_commands_since": version(facts["bpf_syscall"]["linux_command_numbers_since"]),
    }
    parts = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for key, rows in tables.items():
        lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
        parts.append(f' "{key}": [\n{lines}\n ]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: list[str] | None = None) -> int:
    """Rewrite the table, or with ``--check`` return 1 when it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if stale")
    options = parser.parse_args(arguments)
    text = make()
    if TABLE.exists() and TABLE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{'stale' if options.check else 'wrote'}: {TABLE.relative_to(ROOT)}")
    if options.check:
        return 1
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
