"""Map types, program types and attach types of Linux."""

from __future__ import annotations

from typing import Any

from scripts.support_tables.common import (
    UAPI_HEADER,
    Conditions,
    Row,
    Table,
    architectures,
    compact,
    in_absent_line,
    shorten,
    snapshot,
    span,
)


def _options(group: str) -> dict[str, list[str]]:
    rows = snapshot("linux/config_options")[group]
    return {row["name"]: row["config"] for row in rows}


def _capability(text: Any) -> list[str]:
    """Return the capabilities a fact names in words or as a list."""
    words = " ".join(text) if isinstance(text, list) else text or ""
    if words.startswith("none"):
        return []
    named = [name for name in ("CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON") if name in words]
    return [f"capability={' '.join(named)}"] if named else []


def _spans(fact: Row, conditions: Conditions, texts: list[str]) -> list[Row]:
    if "since" not in fact:
        return []
    since = fact["since"]
    dated = in_absent_line(since) and fact.get("commit") is None
    return [span(since, when=conditions.key(texts), dated=dated)]


def map_types() -> Table:
    """Map types with what the kernel takes at creation."""
    facts = snapshot("linux/map_types")
    creation = {row["name"]: row for row in snapshot("linux/map_creation")["maps"]}
    options, conditions = _options("map_types"), Conditions()
    rows = []
    for fact in facts["maps"]:
        name = shorten(fact["name"], "BPF_MAP_TYPE_")
        texts = _capability(fact.get("capability"))
        texts += [f"config={' '.join(options[name])}"] if name in options else []
        if name == "ARENA":
            texts.append(architectures("bpf_jit_supports_arena"))
        rows.append(
            compact(
                name=name,
                number=fact["number"],
                spans=_spans(fact, conditions, texts),
                source=fact.get("commit") or UAPI_HEADER,
                note=fact.get("note") or fact.get("deprecated"),
                **_creation(fact, creation.get(name, {})),
                **_uses(fact),
            )
        )
    common = compact(
        rules=facts["common_rules"],
        flags=MAP_FLAG_BITS,
        conditions=conditions.table(),
    )
    return Table([*facts["source"], *snapshot("linux/map_creation")["source"]], rows, **common)


MAP_FLAG_BITS = {
    "BPF_F_NO_PREALLOC": 0,
    "BPF_F_NO_COMMON_LRU": 1,
    "BPF_F_NUMA_NODE": 2,
    "BPF_F_RDONLY": 3,
    "BPF_F_WRONLY": 4,
    "BPF_F_STACK_BUILD_ID": 5,
    "BPF_F_ZERO_SEED": 6,
    "BPF_F_RDONLY_PROG": 7,
    "BPF_F_WRONLY_PROG": 8,
    "BPF_F_CLONE": 9,
    "BPF_F_MMAPABLE": 10,
    "BPF_F_PRESERVE_ELEMS": 11,
    "BPF_F_INNER_MAP": 12,
    "BPF_F_LINK": 13,
    "BPF_F_PATH_FD": 14,
    "BPF_F_VTYPE_BTF_OBJ_FD": 15,
    "BPF_F_TOKEN_FD": 16,
    "BPF_F_SEGV_ON_FAULT": 17,
    "BPF_F_NO_USER_CONV": 18,
    "BPF_F_RB_OVERWRITE": 19,
}
"""Bit of each ``map_flags`` value (``include/uapi/linux/bpf.h``)."""


def _creation(fact: Row, rules: Row) -> Row:
    fields = {name: value for name, value in rules.items() if name not in ("name", "note")}
    name = shorten(fact["name"], "BPF_MAP_TYPE_")
    refused = {
        item["flag"]
        for item in snapshot("linux/corrections")["refused_map_flags"]
        if name in item["map_types"]
    }
    flags = [
        [item["flag"], item["since"]]
        for item in fact.get("flags_allowed", [])
        if item["flag"] not in refused
    ]
    fields["flags"] = [*flags, ["BPF_F_TOKEN_FD", TOKENS]] if "since" in fact else None
    fields["flags_required"] = fact.get("flags_required")
    fields["map_extra"] = MAP_EXTRA.get(name)
    return compact(**fields)


TOKENS = "6.9"
"""Release whose map_create takes BPF_F_TOKEN_FD for any type (kernel/bpf/syscall.c)."""

MAP_EXTRA = {"BLOOM_FILTER": "5.16", "ARENA": "6.9", "RHASH": "7.2"}
"""Types that take a nonzero ``map_extra``, with the release (map_types.json common_rules)."""


def _uses(fact: Row) -> Row:
    """Return what programs may do with maps of the type, with releases."""
    special = fact.get("special_value_fields_since", {})
    helpers, restricted = _bound_helpers(fact)
    return compact(
        helpers=helpers,
        restricted_helpers=restricted,
        only_these_helpers=fact.get("only_these_helpers"),
        value_fields={shorten(name, "BPF_"): since for name, since in special.items()},
        sleepable=fact.get("usable_in_sleepable_prog_since"),
        inner_map_since=fact.get("usable_as_inner_map_since_explicit_op"),
        mmap=fact.get("mmap_since"),
        direct_value=fact.get("direct_value_lddw_since"),
        for_each=fact.get("bpf_for_each_map_elem_since"),
        percpu_lookup=fact.get("bpf_map_lookup_percpu_elem_since"),
    )


FIXED_IN = {"5.10": "5.10.223", "6.1": "6.1.176"}
"""Stable trees read that carry the sockmap restriction of 6.10, a security fix."""


def _bound_helpers(fact: Row) -> tuple[list[list[str]], Row]:
    """Return helpers with their first release, and the program types of those not all may call."""
    first: dict[str, str] = {}
    restricted: Row = {}
    for item in fact.get("helpers_bound_to_this_type", []):
        name, since = shorten(item["helper"], "bpf_"), item["since"]
        start = since.split(" ")[0]
        first.setdefault(name, start)
        if not isinstance(item.get("prog_types"), list):
            continue
        steps = [[start, _caller_types(item["prog_types"])]]
        if "narrowed_since" in item:
            steps.append([item["narrowed_since"], _caller_types(item["prog_types_then"])])
        restricted[name] = compact(steps=steps, fixed_in=FIXED_IN if "stable" in since else None)
    return [[name, since] for name, since in first.items()], restricted


def _caller_types(names: list[str]) -> list[str]:
    """Return program types; ``TRACING/TRACE_ITER`` is one with that attach type only."""
    return [
        shorten(name, "BPF_PROG_TYPE_").replace(" (BPF_TRACE_ITER only)", "/TRACE_ITER")
        for name in names
    ]


ZERO_ATTACH_TYPES = {
    "CGROUP_SOCK": "CGROUP_INET_SOCK_CREATE",
    "SK_REUSEPORT": "SK_REUSEPORT_SELECT",
}
"""What the kernel reads 0 as (bpf_prog_load_fixup_attach_type, kernel/bpf/syscall.c)."""

ATTACH_RULES = (
    ("required", "required"),
    ("must be 0", "zero"),
    ("carries the member", "member_index"),
    ("optional", "optional"),
    ("not used", "unused"),
    ("BPF_SK_REUSEPORT_SELECT assumed", "optional"),
)


def _attach_rule(fact: Row) -> str | None:
    rule = (fact.get("expected_attach_type") or {}).get("rule", "")
    return next((word for start, word in ATTACH_RULES if rule.startswith(start)), None)


def _sleepable(fact: Row) -> list[Row]:
    return [
        compact(
            since=item["since"],
            until=item.get("until"),
            attach_types=[shorten(name, "BPF_") for name in item.get("attach", [])],
            note=item.get("note"),
        )
        for item in fact.get("sleepable") or []
    ]


def program_types() -> Table:
    """Program types with what the kernel wants at load."""
    facts = snapshot("linux/program_types")
    options, conditions = _options("program_types"), Conditions()
    rows = []
    for fact in facts["programs"]:
        name = shorten(fact["name"], "BPF_PROG_TYPE_")
        texts = _capability(fact.get("load_capabilities_since_5_8"))
        texts += [f"config={' '.join(options[name])}"] if name in options else []
        if name in ("TRACING", "LSM", "STRUCT_OPS", "EXT"):
            texts.append(architectures("arch_prepare_bpf_trampoline"))
        rows.append(
            compact(
                name=name,
                number=fact["number"],
                spans=_spans(fact, conditions, texts),
                source=fact.get("commit") or UAPI_HEADER,
                note=fact.get("note") or fact.get("legacy"),
                attach_type=_attach_rule(fact),
                attach_type_since=(fact.get("expected_attach_type") or {}).get(
                    "field_meaningful_since"
                ),
                zero_attach_type=ZERO_ATTACH_TYPES.get(name),
                attach_btf=bool(fact.get("attach_btf")),
                sleepable=_sleepable(fact),
                gpl_required="must be GPL" in (fact.get("gpl") or ""),
                legacy_packet_loads=fact.get("legacy_ld_abs_ind"),
            )
        )
    source = [*facts["source"], *snapshot("linux/config_options")["source"]]
    return Table(source, rows, conditions=conditions.table())


def struct_ops() -> Table:
    """Kernel structures that programs implement, with the helpers of the newest release."""
    facts = snapshot("linux/program_types")
    rows = [
        compact(
            name=fact["name"],
            spans=[span(fact["since"], dated=in_absent_line(fact["since"]))],
            helpers=[shorten(helper, "bpf_") for helper in fact["helpers"] or []],
            helpers_of="7.3" if fact["helpers"] else None,
            source=fact["defined_in"],
        )
        for fact in facts["struct_ops_types"]
    ]
    return Table(facts["source"], rows)


def attach_types() -> Table:
    """Attach types and whether the kernel checks them at load."""
    facts = snapshot("linux/attach_types")
    rows = [
        compact(
            name=shorten(fact["name"], "BPF_"),
            number=fact["number"],
            spans=_spans(fact, Conditions(), []),
            source=fact.get("commit") or UAPI_HEADER,
            program_types=[shorten(name, "BPF_PROG_TYPE_") for name in fact["program_types"]],
            checked_at_load=fact.get("checked_at_load"),
        )
        for fact in facts["attach_types"]
    ]
    return Table(facts["source"], rows)
