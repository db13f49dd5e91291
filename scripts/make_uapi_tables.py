"""Make the name tables of ``ebpf_static/uapi/data`` from the fact files in ``scripts/snapshots``.

Run without arguments to rewrite the tables, with ``--check`` to fail when one is out of date.
To follow a new kernel, libbpf or eBPF for Windows release, update the snapshot and run this.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOTS = ROOT / "scripts" / "snapshots"
DATA = ROOT / "ebpf_static" / "uapi" / "data"
UAPI_HEADER = "torvalds/linux:include/uapi/linux/bpf.h"
SPAN = re.compile(r"v([\d.]+)\.\.v([\d.]+)")

Row = dict[str, Any]
Table = tuple[list[str], list[Row]]


def snapshot(platform: str, name: str) -> Row:
    """Return one fact file."""
    with (SNAPSHOTS / platform / f"{name}.json").open(encoding="utf-8") as file:
        facts: Row = json.load(file)
    return facts


def compact(**fields: Any) -> Row:
    """Return ``fields`` without the empty ones (False and 0 stay)."""
    return {key: value for key, value in fields.items() if value not in (None, [], {})}


def shorten(name: str, *prefixes: str) -> str:
    """Return ``name`` without the first of ``prefixes`` it starts with."""
    for prefix in prefixes:
        if name.startswith(prefix):
            return name[len(prefix) :]
    raise ValueError(f"{name!r} starts with none of {prefixes}")


def release(text: str | None) -> str | None:
    """Return ``v0.21.0`` as ``0.21.0``."""
    return None if text is None else text.removeprefix("v")


# --- Linux ---------------------------------------------------------------------------------------


def linux_enumeration(file: str, key: str, prefix: str, more: Callable[[Row], Row]) -> Table:
    """One of the header's enumerations.

    Args:
        file: the fact file.
        key: its list of members.
        prefix: what all members begin with.
        more: what the table says of a member beside its name, number and age.
    """
    facts = snapshot("linux", file)
    rows = [
        compact(
            name=shorten(fact["name"], prefix),
            uapi=fact["name"],
            number=fact["number"],
            since=fact.get("since"),
            **more(fact),
            source=fact.get("commit") or UAPI_HEADER,
        )
        for fact in facts[key]
    ]
    return facts["source"], rows


def linux_map_types() -> Table:
    """Map types; libbpf spells each in lower case (``map_type_name`` in libbpf.c)."""

    def more(fact: Row) -> Row:
        spelling = shorten(fact["name"], "BPF_MAP_TYPE_").lower()
        return {"libbpf_name": spelling, "aliases": fact.get("other_names")}

    return linux_enumeration("map_types", "maps", "BPF_MAP_TYPE_", more)


def linux_program_types() -> Table:
    """Program types."""

    def more(fact: Row) -> Row:
        return {key: fact.get(key) for key in ("libbpf_name", "ctx_type")}

    return linux_enumeration("program_types", "programs", "BPF_PROG_TYPE_", more)


def linux_attach_types() -> Table:
    """Attach types and the program types that use them."""

    def more(fact: Row) -> Row:
        users = [shorten(name, "BPF_PROG_TYPE_") for name in fact["program_types"]]
        return {"libbpf_name": fact.get("libbpf_name"), "program_types": users}

    return linux_enumeration("attach_types", "attach_types", "BPF_", more)


def only(values: Iterable[bool]) -> bool | None:
    """Return the value all agree on, or None."""
    different = set(values)
    return different.pop() if len(different) == 1 else None


def by_program_type(variants: Iterable[Row]) -> dict[str, bool | None]:
    """Return whether a helper is GPL-only per program type, None where that depends on more."""
    seen: dict[str, set[bool]] = {}
    for variant in variants:
        for name in variant["prog_types"]:
            if not name.startswith("OPS:"):
                seen.setdefault(name, set()).add(variant["gpl_only"])
    return {name: only(flags) for name, flags in sorted(seen.items())}


def linux_helpers() -> Table:
    """Helper functions with their licence rule; ``gpl_only`` null means it depends."""
    facts = snapshot("linux", "helpers")
    rows = []
    for fact in facts["helpers"]:
        history = [
            {"since": step["from_"], "gpl_only": only(step["values"])}
            for step in fact.get("gpl_only_history", [])
        ]
        name = shorten(fact["name"], "bpf_")
        row = compact(
            name=name,
            uapi=f"BPF_FUNC_{name}",
            number=fact["id"],
            since=fact["since"],
            gpl_only_by_program_type=by_program_type(fact.get("variants", [])),
            gpl_only_history=history,
            source=fact.get("commit") or UAPI_HEADER,
        )
        row["gpl_only"] = fact["gpl_only"] if isinstance(fact["gpl_only"], bool) else None
        rows.append(row)
    return facts["source"], rows


def linux_sections() -> Table:
    """The ``section_defs`` of libbpf in their order: the first match wins."""
    facts = snapshot("linux", "sections")
    sloppy = snapshot("linux", "sloppy_sections")
    aya = snapshot("linux", "aya_sections")
    old_cilium = snapshot("linux", "cilium_0_11_sections")
    prefixes = {prefix.rstrip("/"): prefix for prefix in old_cilium["prefixes"]}
    rows = []
    for fact in sorted(facts["sections"], key=lambda fact: int(fact["order"])):
        since = str(fact["first_libbpf"])
        attach_type = fact["expected_attach_type"]
        rows.append(
            compact(
                pattern=fact["pattern"],
                program_type=shorten(fact["prog_type"], "BPF_PROG_TYPE_"),
                attach_type=attach_type and shorten(attach_type, "BPF_"),
                flags=sorted(flag for flag, facts_key in SECTION_FLAGS.items() if fact[facts_key]),
                since=since.lstrip("<=v").removesuffix("-dev"),
                since_note=next(
                    (note for mark, note in SINCE_NOTES.items() if mark in since), None
                ),
                cilium=fact["in_cilium_ebpf"],
                cilium_0_11=prefixes.get(fact["pattern"].rstrip("+")),
                aya=fact["pattern"].rstrip("+") in aya["patterns"],
                sloppy=fact["pattern"] in sloppy["patterns"],
                source="libbpf/libbpf:src/libbpf.c section_defs",
            )
        )
    return [*facts["source"], *sloppy["source"], *aya["source"], *old_cilium["source"]], rows


SINCE_NOTES = {"<=": "or earlier", "-dev": "unreleased"}
"""What the marks of ``<=v0.0.3`` and ``v1.8-dev`` say beside the version."""

SECTION_FLAGS = {
    "attach_btf": "attach_btf",
    "attach_type_optional": "expected_attach_type_optional",
    "multi": "multi",
    "sleepable": "sleepable",
    "usdt": "usdt",
    "xdp_frags": "xdp_frags",
}

DATA_KINDS = {
    ".maps": "maps",
    "maps": "legacy_maps",
    "license": "license",
    "version": "version",
    ".data": "data",
    ".rodata": "rodata",
    ".bss": "bss",
    ".kconfig": "kconfig",
    ".ksyms": "ksyms",
    ".struct_ops": "struct_ops",
    ".struct_ops.link": "struct_ops_link",
    ".addr_space.1": "arena",
    ".jumptables": "jumptables",
    ".percpu": "percpu",
}


def linux_data_sections() -> Table:
    """Sections that hold data, by name; ``family`` names the separator before a free suffix."""
    facts = snapshot("linux", "sections")
    rows = []
    for fact in facts["data_sections"]:
        base, *rest = fact["name"].split(", ")
        if base not in DATA_KINDS:
            continue
        family = "." if f"{base}.*" in rest else "/" if "prefix" in fact.get("match", "") else None
        rows.append(
            compact(
                name=base,
                kind=DATA_KINDS[base],
                family=family,
                optional_mark=base.startswith(".struct_ops") or None,
                source="libbpf/libbpf:src/libbpf.c bpf_object__elf_collect",
            )
        )
    return facts["source"], rows


def linux_licenses() -> Table:
    """Licence strings the kernel takes as GPL-compatible."""
    facts = snapshot("linux", "licenses")
    return facts["source"], [
        {"name": text, "source": facts["source"][0]} for text in facts["licenses"]
    ]


# --- eBPF for Windows ----------------------------------------------------------------------------


def last_release(fact: Row) -> str | None:
    """Return the last release a retired value was in, read out of the fact's own words."""
    for key in ("status", "provider"):
        match = SPAN.search(fact.get(key) or "")
        if match:
            return match.group(2)
    return None


def windows_header(facts: Row) -> list[str]:
    """Return the sources with the commits they were read at."""
    commits = [f"{repository} at {commit}" for repository, commit in facts["as_of"].items()]
    return [*facts["source"], *commits]


def windows_enumeration(
    file: str, prefixes: tuple[str, ...], linux_prefix: str, more: Callable[[Row], Row]
) -> Table:
    """One of efW's enumerations; its fact file and its list of members have one name.

    Args:
        file: the fact file.
        prefixes: what members begin with; an enumeration may mix spellings, and all are kept.
        linux_prefix: what the members of the same meaning on Linux begin with.
        more: what the table says of a member beside its name, number, age and twin.
    """
    facts = snapshot("windows", file)
    rows = [
        compact(
            name=shorten(fact["name"], *prefixes),
            uapi=fact["name"],
            number=fact["value"],
            first_release=release(fact["first_release"]),
            **more(fact),
            linux=fact["linux"] and shorten(fact["linux"]["name"], linux_prefix),
            source=facts["source"][0],
        )
        for fact in facts[file]
    ]
    return windows_header(facts), rows


def windows_map_types() -> Table:
    """Map types."""
    return windows_enumeration("map_types", ("BPF_MAP_TYPE_",), "BPF_MAP_TYPE_", lambda _: {})


def windows_program_types() -> Table:
    """Program types with the GUIDs that name them at run time."""

    def more(fact: Row) -> Row:
        return {
            "last_release": last_release({"status": fact.get("status")}),
            "guid": fact["guid"].lower(),
            "ctx_type": (fact.get("context") or {}).get("struct"),
            "sections": fact["sections"],
        }

    return windows_enumeration("program_types", ("BPF_PROG_TYPE_",), "BPF_PROG_TYPE_", more)


def windows_attach_types() -> Table:
    """Attach types; the enumeration mixes two spellings and both are kept."""

    def more(fact: Row) -> Row:
        users = [fact["program_type"]] if fact["program_type"] else []
        return {
            "last_release": last_release(fact) if "status" in fact else None,
            "guid": fact["guid"].lower(),
            "program_types": [shorten(name, "BPF_PROG_TYPE_") for name in users],
            "sections": fact["sections"],
        }

    return windows_enumeration("attach_types", ("BPF_ATTACH_TYPE_", "BPF_"), "BPF_", more)


def general_helper(fact: Row, source: str) -> Row:
    """Return the row of a helper below 65535, one meaning for all program types."""
    enums = [fact["enum"], *(step["enum"] for step in fact.get("enum_history", []))]
    name = shorten(fact["enum"], "BPF_FUNC_")
    registered = shorten(fact["name"], "bpf_")
    aliases = {shorten(enum, "BPF_FUNC_") for enum in enums} | {registered}
    return compact(
        name=name,
        uapi=fact["enum"],
        number=fact["id"],
        first_release=release(fact["first_release"]),
        aliases=sorted(aliases - {name}),
        default_implementation=fact["default_implementation"],
        overridden_by=[
            shorten(text.split(" ")[0], "BPF_PROG_TYPE_") for text in fact["overridden_by"]
        ],
        linux=fact["linux"] and shorten(fact["linux"]["name"], "bpf_"),
        source=source,
    )


def extension_helper(fact: Row) -> Row:
    """Return the row of a helper that one program type defines."""
    span = SPAN.search(fact.get("status", ""))
    return compact(
        name=fact["name"].removeprefix("bpf_"),
        uapi=fact["name"],
        number=fact["id"],
        scope=shorten(fact["scope"], "BPF_PROG_TYPE_"),
        first_release=span.group(1) if span else release(fact.get("first_release")),
        last_release=span.group(2) if span else None,
        default_implementation=False,
        linux=(fact.get("linux") or None) and shorten(fact["linux"]["name"], "bpf_"),
        source=fact["source"],
    )


def windows_helpers() -> Table:
    """General helpers, then the helpers of each program type (``scope``)."""
    facts = snapshot("windows", "helpers")
    rows = [general_helper(fact, facts["source"][0]) for fact in facts["general_helpers"]]
    rows += [extension_helper(fact) for fact in facts["extension_helpers"]]
    return windows_header(facts), rows


SECTION_SOURCES = {
    "xdp-for-windows": "microsoft/xdp-for-windows:src/xdp/ebpfstore.h",
    "neteventebpfext": (
        "microsoft/ntosebpfext:ebpf_extensions/neteventebpfext/netevent_ebpf_ext_program_info.h"
    ),
    "ntosebpfext": "microsoft/ntosebpfext:ebpf_extensions/ntosebpfext/ntos_ebpf_ext_program_info.h",
    "sample/test extension": (
        "microsoft/ebpf-for-windows:undocked/tests/sample/ext/inc/sample_ext_program_info.h"
    ),
    "netebpfext": "microsoft/ebpf-for-windows:netebpfext/net_ebpf_ext_program_info.h",
}


def section_source(fact: Row) -> str:
    """Return the header of the extension that registers the section."""
    return next(path for part, path in SECTION_SOURCES.items() if part in fact["provider"])


def windows_sections() -> Table:
    """Section prefixes the known extensions register; the longest that fits wins."""
    facts = snapshot("windows", "attach_types")
    shared = snapshot("windows", "elf_conventions")["section_names_shared_with_linux"]
    rows = [
        compact(
            pattern=section,
            program_type=shorten(fact["program_type"], "BPF_PROG_TYPE_"),
            attach_type=shorten(fact["name"], "BPF_ATTACH_TYPE_", "BPF_"),
            since=release(fact["first_release"]),
            until=last_release(fact) if "status" in fact else None,
            shared_with_linux=section in shared,
            source=section_source(fact),
        )
        for fact in facts["attach_types"]
        for section in fact["sections"]
    ]
    return windows_header(facts), rows


def windows_data_sections() -> Table:
    """Data sections the verifier reads."""
    facts = snapshot("windows", "elf_conventions")
    source = "vbpf/prevail:src/io/elf_reader.cpp"
    names = facts["maps"]["sections"]["verifier"]
    families = {name: "/" for name in names if f"{name}/*" in names}
    families |= dict.fromkeys(facts["global_variables"]["native_bpf2c"]["sections_exact"], ".")
    rows: list[Row] = [
        {"name": name, "kind": DATA_KINDS[name], "family": separator, "source": source}
        for name, separator in families.items()
    ]
    rows += [{"name": name, "kind": name, "source": source} for name in ("license", "version")]
    btf_resolved = "microsoft/ebpf-for-windows:docs/BtfResolvedFunctions.md"
    rows.append({"name": ".ksyms", "kind": "ksyms", "source": btf_resolved})
    return windows_header(facts), rows


# --- Writing -------------------------------------------------------------------------------------

TABLES: dict[str, Callable[[], Table]] = {
    "linux/map_types": linux_map_types,
    "linux/program_types": linux_program_types,
    "linux/attach_types": linux_attach_types,
    "linux/helpers": linux_helpers,
    "linux/sections": linux_sections,
    "linux/data_sections": linux_data_sections,
    "linux/licenses": linux_licenses,
    "windows/map_types": windows_map_types,
    "windows/program_types": windows_program_types,
    "windows/attach_types": windows_attach_types,
    "windows/helpers": windows_helpers,
    "windows/sections": windows_sections,
    "windows/data_sections": windows_data_sections,
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
