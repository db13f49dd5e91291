"""Names and numbers of Linux."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from scripts.support_tables.common import UAPI_HEADER, Row, compact, shorten, snapshot
from scripts.uapi_tables.common import DATA_KINDS, Table


def enumeration(file: str, key: str, prefix: str, more: Callable[[Row], Row]) -> Table:
    """One of the header's enumerations.

    Args:
        file: the fact file.
        key: its list of members.
        prefix: what all members begin with.
        more: what the table says of a member beside its name, number and age.
    """
    facts = snapshot(f"linux/{file}")
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


def map_types() -> Table:
    """Map types; libbpf spells each in lower case (``map_type_name`` in libbpf.c)."""

    def more(fact: Row) -> Row:
        spelling = shorten(fact["name"], "BPF_MAP_TYPE_").lower()
        return {"libbpf_name": spelling, "aliases": fact.get("other_names")}

    return enumeration("map_types", "maps", "BPF_MAP_TYPE_", more)


def program_types() -> Table:
    """Program types."""

    def more(fact: Row) -> Row:
        return {key: fact.get(key) for key in ("libbpf_name", "ctx_type")}

    return enumeration("program_types", "programs", "BPF_PROG_TYPE_", more)


def attach_types() -> Table:
    """Attach types and the program types that use them."""

    def more(fact: Row) -> Row:
        users = [shorten(name, "BPF_PROG_TYPE_") for name in fact["program_types"]]
        return {"libbpf_name": fact.get("libbpf_name"), "program_types": users}

    return enumeration("attach_types", "attach_types", "BPF_", more)


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


def helpers() -> Table:
    """Helper functions with their licence rule; ``gpl_only`` null means it depends."""
    facts = snapshot("linux/helpers")
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


def sections() -> Table:
    """The ``section_defs`` of libbpf in their order: the first match wins."""
    facts = snapshot("linux/sections")
    sloppy = snapshot("linux/sloppy_sections")
    aya = snapshot("linux/aya_sections")
    old_cilium = snapshot("linux/cilium_0_11_sections")
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


def data_sections() -> Table:
    """Sections that hold data, by name; ``family`` names the separator before a free suffix."""
    facts = snapshot("linux/sections")
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


def licenses() -> Table:
    """Licence strings the kernel takes as GPL-compatible."""
    facts = snapshot("linux/licenses")
    return facts["source"], [
        {"name": text, "source": facts["source"][0]} for text in facts["licenses"]
    ]
