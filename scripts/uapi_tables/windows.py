"""Names and numbers of eBPF for Windows."""

from __future__ import annotations

from collections.abc import Callable

from scripts.support_tables.common import Row, compact, shorten, snapshot
from scripts.uapi_tables.common import DATA_KINDS, SPAN, Table, release


def last_release(fact: Row) -> str | None:
    """Return the last release a retired value was in, read out of the fact's own words."""
    for key in ("status", "provider"):
        match = SPAN.search(fact.get(key) or "")
        if match:
            return match.group(2)
    return None


def header(facts: Row) -> list[str]:
    """Return the sources with the commits they were read at."""
    commits = [f"{repository} at {commit}" for repository, commit in facts["as_of"].items()]
    return [*facts["source"], *commits]


def enumeration(
    file: str, prefixes: tuple[str, ...], linux_prefix: str, more: Callable[[Row], Row]
) -> Table:
    """One of efW's enumerations; its fact file and its list of members have one name.

    Args:
        file: the fact file.
        prefixes: what members begin with; an enumeration may mix spellings, and all are kept.
        linux_prefix: what the members of the same meaning on Linux begin with.
        more: what the table says of a member beside its name, number, age and twin.
    """
    facts = snapshot(f"windows/{file}")
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
    return header(facts), rows


def map_types() -> Table:
    """Map types."""
    return enumeration("map_types", ("BPF_MAP_TYPE_",), "BPF_MAP_TYPE_", lambda _: {})


def program_types() -> Table:
    """Program types with the GUIDs that name them at run time."""

    def more(fact: Row) -> Row:
        return {
            "last_release": last_release({"status": fact.get("status")}),
            "guid": fact["guid"].lower(),
            "ctx_type": (fact.get("context") or {}).get("struct"),
            "sections": fact["sections"],
        }

    return enumeration("program_types", ("BPF_PROG_TYPE_",), "BPF_PROG_TYPE_", more)


def attach_types() -> Table:
    """Attach types; the enumeration mixes two spellings and both are kept."""

    def more(fact: Row) -> Row:
        users = [fact["program_type"]] if fact["program_type"] else []
        return {
            "last_release": last_release(fact) if "status" in fact else None,
            "guid": fact["guid"].lower(),
            "program_types": [shorten(name, "BPF_PROG_TYPE_") for name in users],
            "sections": fact["sections"],
        }

    return enumeration("attach_types", ("BPF_ATTACH_TYPE_", "BPF_"), "BPF_", more)


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


def helpers() -> Table:
    """General helpers, then the helpers of each program type (``scope``)."""
    facts = snapshot("windows/helpers")
    rows = [general_helper(fact, facts["source"][0]) for fact in facts["general_helpers"]]
    rows += [extension_helper(fact) for fact in facts["extension_helpers"]]
    return header(facts), rows


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


def sections() -> Table:
    """Section prefixes the known extensions register; the longest that fits wins."""
    facts = snapshot("windows/attach_types")
    shared = snapshot("windows/elf_conventions")["section_names_shared_with_linux"]
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
    return header(facts), rows


def data_sections() -> Table:
    """Data sections the verifier reads."""
    facts = snapshot("windows/elf_conventions")
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
    return header(facts), rows
