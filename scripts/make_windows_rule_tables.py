"""Make the tables the Windows rules and ``port`` judge by, from ``scripts/snapshots``.

* ``ebpf_static/analysis/data/contexts.json``: context structures and verdicts of both platforms;
* ``ebpf_static/port/data/differences.json``: what stays different where both platforms agree;
* ``rules/ebpf_static_rules/win/data/instructions.json``: what efW makes of each encoding;
* ``rules/ebpf_static_rules/win/data/helper_arguments.json``: prototypes of the Windows helpers;
* ``rules/ebpf_static_rules/win/data/map_operations.json``: what programs may do with a map type.

Run without arguments to rewrite them, with ``--check`` to fail when one is out of date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOTS = ROOT / "scripts" / "snapshots"
RULE_DATA = "rules/ebpf_static_rules/win/data"

Row = dict[str, Any]
Table = tuple[list[str], list[Row]]

SINCE = re.compile(r"v(\d+\.\d+\.\d+(?:-rc\d+)?)")
NO_DIFFERENCE = re.compile(
    r"Linux (id|number)|no arguments|verifier: result must|limit of 33|prog array must have|"
    r"programs in one prog array|all programs must have|the efW test double|.*@\d|"
    r"max_entries is a hard bound|test-only type"
)
"""Notes that repeat a number or a field's place, or that hold on Linux as well."""

RUNTIME = "microsoft/ebpf-for-windows:libs/execution_context/ebpf_maps.c"

VERDICTS_SINCE = {
    "BPF_SOCK_ADDR_VERDICT_PROCEED_HARD": "1.0.0-rc1",
    "BIND_PERMIT_HARD": "1.1.0",
}
"""From ``releases``/``never_changed`` in the facts: verdicts that were not there from the start."""

HELPERS_BY_OPERATION = {
    "lookup": "map_lookup_elem",
    "update": "map_update_elem",
    "delete": "map_delete_elem",
    "lookup_and_delete": "map_lookup_and_delete_elem",
    "tail_call": "tail_call",
    "push": "map_push_elem",
    "pop": "map_pop_elem",
    "peek": "map_peek_elem",
    "output": "ringbuf_output",
    "perf_event_output": "perf_event_output",
    "bpf_redirect_map": "redirect_map",
}


def snapshot(name: str) -> Row:
    """Return one fact file."""
    facts: Row = json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))
    return facts


def sources(facts: Row) -> list[str]:
    """Return where facts come from and how old they are."""
    return [*facts["source"], *(f"{repo} at {at}" for repo, at in facts["as_of"].items())]


def contexts() -> Table:
    """Context structures: the Windows ones from the facts, Linux's where a twin exists."""
    linux, windows = snapshot("linux/contexts"), snapshot("windows/program_types")
    rows = [linux_context(fact) for fact in linux["program_types"]]
    rows += [windows_context(fact) for fact in windows["program_types"] if fact.get("context")]
    return [*sources(linux), *sources(windows)], rows


def linux_context(fact: Row) -> Row:
    """Return the row of a Linux program type."""
    return {
        "platform": "linux",
        "program_type": fact["name"].removeprefix("BPF_PROG_TYPE_"),
        "struct": fact["struct"],
        "size": fact["size"],
        "fields": [
            {"name": name, "offset": offset, "size": size, "twin": twin}
            for name, offset, size, twin in fact["fields"]
        ],
        "verdicts": [
            {"name": name, "value": value, "twin": twin} for name, value, twin in fact["verdicts"]
        ],
    }


def windows_context(fact: Row) -> Row:
    """Return the row of a Windows program type; XDP_TEST shares the fields of XDP."""
    context = fact["context"]
    values = fact.get("return_values")
    if "fields" not in context:
        types = snapshot("windows/program_types")["program_types"]
        xdp = next(it for it in types if it["name"] == "BPF_PROG_TYPE_XDP")
        context = context | {"fields": xdp["context"]["fields"]}
        values = xdp["return_values"]
    fields = [
        {"name": field["name"], "offset": field["offset"], "size": field["size"]}
        | ({"pointer": True} if "role" in field else {})
        for field in context["fields"]
    ]
    return {
        "platform": "windows",
        "program_type": fact["name"].removeprefix("BPF_PROG_TYPE_"),
        "struct": context["struct"],
        "size": context["size"],
        "fields": fields,
        "verdicts": [
            {"name": name, "value": value}
            | ({"since": VERDICTS_SINCE[name]} if name in VERDICTS_SINCE else {})
            for name, value in (values.items() if isinstance(values, dict) else ())
            if "alias" not in name
        ],
    }


def instructions() -> Table:
    """One row for each encoding the efW instruction table lists, with who takes it."""
    facts = snapshot("windows/instructions")
    return sources(facts), [instruction(fact) for fact in facts["isa"]["opcodes"]]


def instruction(fact: Row) -> Row:
    """Return one encoding; a field that may be anything is left out."""
    row: Row = {"opcode": int(fact["opcode"], 16)}
    for key in ("src", "offset", "imm"):
        if fact[key] != "any":
            row["off" if key == "offset" else key] = int(fact[key], 0)
    row["name"] = fact["mnemonic"]
    actual, documented = fact["actual_at_head"], fact["documented"]
    row["verifier"] = actual["verifier"] is not False
    row["jit"] = actual["ubpf_jit_and_interpreter"] is not False
    native = actual["native_bpf2c"]
    row["native"] = native is not False
    if isinstance(native, str):
        since = SINCE.search(native)
        row["native_since"] = since.group(1) if since else native
    # docs/isa-support.rst (2024-10-31) has no row for some encodings: None.
    if row["jit"] and documented and not documented["ubpf_jit_and_interpreter"] and row["native"]:
        row["jit_documented"] = False
    if "note" in fact:
        row["note"] = fact["note"]
    return row


def helper_arguments() -> Table:
    """Prototypes: argument kinds of every helper, by id and, from 65536 on, program type."""
    facts = snapshot("windows/helpers")
    rows = []
    for fact in (*facts["general_helpers"], *facts["extension_helpers"]):
        scope = fact["scope"]
        row: Row = {"id": fact["id"]}
        if scope != "general":
            row["scope"] = scope.removeprefix("BPF_PROG_TYPE_")
        row["arguments"] = fact["args"]
        rows.append(row)
    return sources(facts), rows


def map_operations() -> Table:
    """The helpers programs may use on each map type, None where a provider decides."""
    facts = snapshot("windows/map_types")
    return sources(facts), [map_operation(fact) for fact in facts["map_types"] if fact["value"]]


def map_operation(fact: Row) -> Row:
    """Return one map type."""
    operations = fact["program_ops"]
    provider = isinstance(operations, str) or fact["kind"].startswith("custom")
    helpers = (
        None if provider else [HELPERS_BY_OPERATION[text.split(" ", 1)[0]] for text in operations]
    )
    limit = fact["max_entries_is_limit"]
    return {
        "type": fact["name"].removeprefix("BPF_MAP_TYPE_"),
        "helpers": helpers,
        "verified": fact["value"] <= 7,
        "limit_enforced": limit,
        "source": RUNTIME,
    }


def differences() -> Table:
    """Notes on map types and helpers that have a twin and still are not the same."""
    facts = [snapshot(f"windows/{name}") for name in ("map_types", "helpers", "program_types")]
    maps, helpers, programs = facts
    rows = [
        difference("map type", fact["name"].removeprefix("BPF_MAP_TYPE_"), map_notes(fact))
        for fact in maps["map_types"]
    ]
    rows += [
        difference("helper", fact["name"].removeprefix("bpf_"), fact.get("notes", ()))
        for fact in (*helpers["general_helpers"], *helpers["extension_helpers"])
    ]
    rows += [
        difference("program type", fact["name"].removeprefix("BPF_PROG_TYPE_"), program_notes(fact))
        for fact in programs["program_types"]
    ]
    return [it for fact in facts for it in sources(fact)], [row for row in rows if row["notes"]]


def difference(kind: str, name: str, notes: Any) -> Row:
    """Return the notes on one thing, without those that are no difference."""
    texts = [text.removesuffix(".") for text in notes if not NO_DIFFERENCE.match(text)]
    return {"kind": kind, "name": name, "notes": list(dict.fromkeys(texts))}


def map_notes(fact: Row) -> Iterator[str]:
    """Yield what is particular about a map type on Windows."""
    operations = fact.get("user_ops")
    if isinstance(operations, dict):
        for name, what in operations.items():
            if isinstance(what, str) and name != "batch":
                yield f"{name.replace('_', ' ')} from user space: {what}"
        if "batch" in operations:
            yield "batch operations: " + operations["batch"]
    yield from (text for text in fact.get("constraints", ()) if "Linux" in text or "BYTES" in text)
    yield from fact.get("notes", ())


def program_notes(fact: Row) -> Iterator[str]:
    """Yield what is particular about a program type on Windows."""
    if fact.get("attach_parameters") not in (None, "none"):
        yield f"attached with {fact['attach_parameters']}"
    if fact.get("required_irql"):
        yield f"runs at {fact['required_irql']}"
    yield from fact.get("notes", ())


TABLES: dict[str, Callable[[], Table]] = {
    "ebpf_static/analysis/data/contexts.json": contexts,
    "ebpf_static/port/data/differences.json": differences,
    f"{RULE_DATA}/instructions.json": instructions,
    f"{RULE_DATA}/helper_arguments.json": helper_arguments,
    f"{RULE_DATA}/map_operations.json": map_operations,
}


def render(table: Table) -> str:
    """Return the file's text: one row a line, so that a change reads well in a diff."""
    source, rows = table
    head = json.dumps(list(dict.fromkeys(source)), ensure_ascii=False)
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    made_by = '"made_by": "scripts/make_windows_rule_tables.py"'
    return f'{{\n {made_by},\n "source": {head},\n "rows": [\n{lines}\n ]\n}}\n'


def stale_tables() -> Iterator[tuple[Path, str]]:
    """Yield each table file that differs from what the snapshots give, with its right text."""
    for name, make in TABLES.items():
        path = ROOT / name
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
