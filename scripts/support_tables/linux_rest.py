"""Features, limits, BTF kinds, instructions, commands, link types and JIT hooks of Linux."""

from __future__ import annotations

import json
import re

from scripts.support_tables.common import (
    JITS,
    ROOT,
    UAPI_HEADER,
    Row,
    Table,
    architectures,
    compact,
    in_absent_line,
    key,
    shorten,
    snapshot,
    span,
)

HOOKS = {
    "trampolines": "arch_prepare_bpf_trampoline",
    "kfuncs": "bpf_jit_supports_kfunc_call",
    "tail_calls_with_subprograms": "bpf_jit_supports_subprog_tailcalls",
    "exceptions": "bpf_jit_supports_exceptions",
    "private_stack": "bpf_jit_supports_private_stack",
    "timed_may_goto": "bpf_jit_supports_timed_may_goto",
    "stack_arguments": "bpf_jit_supports_stack_args",
    "fsession": "bpf_jit_supports_fsession",
}
"""Features that every architecture's JIT gains in its own release."""


FEATURES_READ = (
    "torvalds/linux:kernel/bpf, include/uapi/linux in the trees of lines.json; "
    "isovalent/ebpf-docs:docs/linux/timeline/index.md"
)


def jit_hooks() -> Table:
    """What each architecture's JIT supports, from the first tree that defines the hook."""
    facts = snapshot("linux/arch_features")
    rows = [
        compact(
            name=hook,
            meaning=facts["meaning"].get(hook),
            architectures={JITS.get(arch, arch): since for arch, since in sorted(found.items())},
            source="torvalds/linux:arch/*/net",
        )
        for hook, found in facts["features"].items()
    ]
    return Table(facts["source"], rows, notes=facts["notes"])


def features() -> Table:
    """Kernel features that are neither a type nor a helper, under short names."""
    facts = snapshot("linux/btf")
    names = snapshot("linux/feature_names")["features"]
    conditions: Row = {}
    rows = []
    for fact in facts["loader_features"]:
        name = names.get(fact["feature"])
        if name is None or fact["since"] is None:
            continue
        when = None
        if name in HOOKS:
            when = name
            conditions[name] = [architectures(HOOKS[name], x86_64=fact["since"])]
        since = fact["since"]
        rows.append(
            compact(
                name=name,
                spans=[span(since, when=when, dated=in_absent_line(since))],
                source=FEATURES_READ,
                what=fact["feature"],
                libbpf_probe=fact.get("libbpf_probe"),
                fallback=fact.get("fallback"),
                note=fact.get("since_note"),
            )
        )
    for fact in snapshot("linux/corrections")["more_features"]:
        spans = [span(fact["since"], fact["until"])]
        more = {it: fact[it] for it in ("source", "what", "backports")}
        rows.append({"name": fact["name"], "spans": spans, **more})
    return Table(facts["source"], sorted(rows, key=_by_first_span), conditions=conditions)


def _by_first_span(row: Row) -> tuple[tuple[int, ...], str]:
    return (key(row["spans"][0]["since"]), row["name"])


def libbpf() -> Table:
    """What libbpf puts in place of what a kernel lacks."""
    facts = snapshot("linux/libbpf")
    return Table(facts["source"], facts["substitutions"])


def loaders() -> Table:
    """What the libraries do that load objects, where they differ."""
    facts = snapshot("linux/loaders")
    header = {
        name: facts[name] for name in ("releases", "map_members", "map_types", "btf_kinds_replaced")
    }
    rows = [{**fact, "source": facts["source"][0]} for fact in facts["facts"]]
    return Table(facts["source"], rows, about=facts["about"], **header)


def limits() -> Table:
    """Limits as numbers, each with the releases it holds in."""
    facts = snapshot("linux/limits")
    naming = snapshot("linux/feature_names")
    rows = []
    for fact in facts["limits"]:
        if fact["name"] not in naming["limits"]:
            continue
        name, unit = naming["limits"][fact["name"]]
        rows.append(_limit(name, unit, fact, facts["source"][0]))
    rows += [
        _limit(fact["name"], fact["unit"], fact, naming["source"][0])
        for fact in naming["more_limits"]
    ]
    flags = next(fact for fact in facts["limits"] if fact["name"].startswith("prog_flags"))
    program_flags = [[it["flag"], it["bit"], it["since"]] for it in flags["values"]]
    return Table(
        [*facts["source"], *naming["source"]],
        sorted(rows, key=lambda row: str(row["name"])),
        program_flags=program_flags,
    )


def _limit(name: str, unit: str, fact: Row, source: str) -> Row:
    """Return one limit; a step whose value is no number (unlimited, or worded) is null."""
    values = [
        [step["since"], step["value"] if isinstance(step["value"], int) else None]
        for step in fact["values"]
    ]
    if name == "function_arguments":
        values = values[:1]  # more travel on the stack from 7.2 on: feature stack_arguments
    return compact(
        name=name,
        unit=unit,
        values=values,
        errno=fact.get("errno"),
        message=fact.get("message"),
        static=fact["static"] is True,
        note=fact.get("note"),
        source=source,
    )


def btf_kinds() -> Table:
    """BTF kinds the kernel takes in ``BPF_BTF_LOAD``."""
    facts = snapshot("linux/btf")
    sanitized = {
        kind: item["name"]
        for item in snapshot("linux/libbpf")["substitutions"]
        if item["when"].startswith("btf_kind ")
        for kind in (*item["replaces"], *(["FUNC_PROTO"] if "FUNC" in item["replaces"] else []))
    }
    rows = []
    for fact in facts["kinds"]:
        name = shorten(fact["name"], "BTF_KIND_")
        since = fact.get("since", "4.18")
        rows.append(
            compact(
                name=name,
                number=fact["number"],
                spans=[span(since, dated=in_absent_line(since))],
                source="torvalds/linux:include/uapi/linux/btf.h, kernel/bpf/btf.c",
                libbpf=sanitized.get(name),
                note=fact.get("note"),
            )
        )
    return Table(facts["source"], rows, rule_missing=facts["rule_missing"])


def instructions() -> Table:
    """Operations of ``ebpf_static.isa`` by the release whose verifier takes them."""
    path = ROOT / "ebpf_static" / "isa" / "data" / "operations.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    levels = snapshot("isa")["cpu_versions"]
    backports = snapshot("linux/corrections")["operation_backports"]
    rows = []
    for fact in facts["operations"]:
        since = fact["since"]
        rows.append(
            compact(
                name=fact["name"],
                spans=[span(since, dated=in_absent_line(since))] if since else None,
                source="torvalds/linux:kernel/bpf/core.c public_insntable, kernel/bpf/verifier.c",
                cpu=fact["cpu"],
                llvm=fact["llvm"],
                backports=[
                    {it: item[it] for it in ("line", "present", "after", "by", "source")}
                    for item in backports
                    if item["operation"] == fact["name"]
                ],
            )
        )
    return Table(facts["source"], rows, levels=[[it["cpu"], _whole(it["kernel"])] for it in levels])


def _whole(text: str) -> str:
    """Return the release that takes a whole level: ``5.1 (jmp32), 5.12 for atomics`` is 5.12."""
    releases: list[str] = re.findall(r"\d+\.\d+", text)
    return max(releases, key=key)


def commands() -> Table:
    """Commands of ``bpf(2)``."""
    facts = snapshot("linux/btf")
    rows = [
        {
            "name": shorten(name, "BPF_"),
            "number": fact["number"],
            "spans": [span(fact["since"], dated=in_absent_line(fact["since"]))],
            "source": UAPI_HEADER,
        }
        for name, fact in facts["commands"].items()
    ]
    return Table(facts["source"], rows)


def link_types() -> Table:
    """Link types, by which programs are attached."""
    facts = snapshot("linux/btf")
    rows = [
        {
            "name": shorten(name, "BPF_LINK_TYPE_"),
            "spans": [span(since, dated=in_absent_line(since))],
            "source": UAPI_HEADER,
        }
        for name, since in facts["link_types"].items()
        if not name.endswith("UNSPEC")
    ]
    return Table(facts["source"], rows)


def program_map_rules() -> Table:
    """What programs may not do with maps."""
    facts = snapshot("linux/program_map_rules")
    return Table(facts["source"], facts["rules"])
