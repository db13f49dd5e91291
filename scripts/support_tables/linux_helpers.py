"""Helpers by program type, release and attach type."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.support_tables.common import (
    UAPI_HEADER,
    Conditions,
    Row,
    Table,
    attach_names,
    compact,
    in_absent_line,
    key,
    shorten,
    snapshot,
    span,
)

TRAMPOLINES = (
    "TRACE_FENTRY TRACE_FEXIT MODIFY_RETURN TRACE_FSESSION "
    "TRACE_FENTRY_MULTI TRACE_FEXIT_MULTI TRACE_FSESSION_MULTI"
)
"""Attach types of ``bpf_prog_has_trampoline`` (``include/linux/bpf.h``) for TRACING."""

LOCKDOWN_MODES = {
    "lockdown:LOCKDOWN_BPF_READ_KERNEL": "confidentiality",
    "lockdown:LOCKDOWN_BPF_WRITE_USER": "integrity",
}
"""``lockdown=`` that takes the helper away (``security/lockdown/lockdown.c``)."""

BOUND, DATED = ("lb414",), ("i616", "i513", "iintro", "idate")

Step = tuple[str, list[str]]
"""A release and the conditions from then on."""


def helpers() -> Table:
    """One row a helper: groups of program types that share their spans."""
    facts = snapshot("linux/helper_program_types")
    conditions = Conditions()
    rows = [_row(fact, conditions) for fact in facts["helpers"]]
    options = snapshot("linux/config_options")["source"]
    table = conditions.table()
    return Table([*facts["source"], *options], rows, conditions=table)


def _row(fact: Row, conditions: Conditions) -> Row:
    name = shorten(fact["name"], "bpf_")
    groups: dict[str, tuple[list[Row], list[str]]] = {}
    removed = _removed(name)
    for program_type, pair in fact["program_types"].items():
        if program_type in removed:
            continue
        spans = _pair_spans(fact, name, program_type, pair, conditions)
        groups.setdefault(repr(spans), (spans, []))[1].append(program_type)
    for program_type, spans in _iterators(name, conditions):
        groups.setdefault(repr(spans), (spans, []))[1].append(program_type)
    since = fact["since"]
    dated = fact.get("commit") is None and in_absent_line(since)
    return compact(
        name=name,
        number=fact["id"],
        spans=[span(since, dated=dated)],
        source=fact.get("commit") or UAPI_HEADER,
        program_types=[[" ".join(types), spans] for spans, types in groups.values()],
        backports=_backports(name),
        map_types=[shorten(text, "BPF_MAP_TYPE_") for text in fact.get("map_types_required", [])],
    )


def _iterators(name: str, conditions: Conditions) -> Iterator[tuple[str, list[Row]]]:
    """Yield what single iterators allow beside what their program type does."""
    for item in snapshot("linux/corrections")["iterator_helpers"]:
        if name in item["helpers"]:
            attach = f"attach_type={shorten(item['attach_type'], 'BPF_')}"
            starts = list(item["targets"])
            yield (
                item["program_type"],
                [
                    span(
                        start,
                        end,
                        when=conditions.key([attach, f"attach_target={' '.join(targets)}"]),
                        dated=True,
                    )
                    for (start, targets), end in zip(
                        item["targets"].items(), [*starts[1:], None], strict=True
                    )
                ],
            )


def _removed(name: str) -> set[str]:
    corrections = snapshot("linux/corrections")["remove_helpers"]
    return {item["program_type"] for item in corrections if name in item["helpers"]}


def _backports(name: str) -> list[Row]:
    corrections = snapshot("linux/corrections")["helper_backports"]
    fields = ("program_type", "line", "present", "after", "by", "source")
    return [{it: item[it] for it in fields} for item in corrections if item["helper"] == name]


def _pair_spans(
    fact: Row, name: str, program_type: str, pair: Row, conditions: Conditions
) -> list[Row]:
    """Return the spans of one helper in one program type, split where conditions change."""
    code = pair.get("precision")
    spans = []
    for raw in pair.get("spans") or [{"since": pair["since"]}]:
        since, until = raw["since"], raw.get("removed_in")
        steps = _steps(fact, name, program_type, pair.get("when", {}), since)
        for at, (start, texts) in enumerate(steps):
            end = steps[at + 1][0] if at + 1 < len(steps) else until
            first = at == 0
            spans.append(
                span(
                    start,
                    end,
                    when=conditions.key(texts),
                    dated=(first and code in DATED) or in_absent_line(start),
                    bound=first and code in BOUND,
                )
            )
    return spans


def _steps(fact: Row, name: str, program_type: str, when: Row, since: str) -> list[Step]:
    always = _always(fact, name, program_type, when)
    steps = _attach_steps(program_type, _with_more(name, program_type, when), since)
    for item in snapshot("linux/corrections")["unconditional_before"]:
        if name in item["helpers"] and key(since) < key(item["until"]):
            steps = [(since, []), (item["until"], steps[-1][1])]
    steps = [*_hook_steps(name, program_type, steps)]
    return [(start, [*texts, *always]) for start, texts in steps]


def _hook_steps(name: str, program_type: str, steps: list[Step]) -> Iterator[Step]:
    """Yield steps with the hooks that a helper is for, where it is for some only."""
    items = snapshot("linux/corrections")["hook_helpers"]
    found = [it for it in items if name in it["helpers"] and program_type == it["program_type"]]
    if not found:
        yield from steps
        return
    (_, texts), *_ = steps
    for start, hooks in found[0]["targets"].items():
        yield start, [*texts, f"attach_target={' '.join(hooks)}"]


def _with_more(name: str, program_type: str, when: Row) -> Row:
    """Return ``when`` with the attach types that a kernel accepts beside those listed."""
    more = [
        attach_type
        for item in snapshot("linux/corrections")["more_attach_types"]
        if name in item["helpers"] and program_type == item["program_type"]
        for attach_type in item["attach_types"]
    ]
    if not more:
        return when
    return {**when, "expected_attach_types": [*when["expected_attach_types"], *more]}


def _always(fact: Row, name: str, program_type: str, when: Row) -> list[str]:
    """Return the conditions that do not change with the release."""
    texts = []
    if fact.get("sleepable_only") and program_type != "SYSCALL":
        texts.append("sleepable")
    if "cap" in when:
        texts.append(f"capability={' '.join(when['cap'])}")
    texts += [
        f"not_lockdown={LOCKDOWN_MODES[other]}"
        for other in when.get("other", [])
        if other in LOCKDOWN_MODES
    ]
    options = snapshot("linux/config_options")["helpers"]
    texts += [f"config={' '.join(it['config'])}" for it in options if it["name"] == name]
    return texts


def _attach_steps(program_type: str, when: Row, since: str) -> list[Step]:
    """Return the conditions on the attach type, by the release from which they hold."""
    later: dict[str, str] = when.get("attach_type_since", {})
    if any("trampoline" in other for other in when.get("other", [])):
        base = "LSM_MAC" if program_type == "LSM" else TRAMPOLINES
        allowed = base.split()
    elif "attach_dependent" in when:
        allowed = [shorten(name, "BPF_") for name in when["attach_dependent"]["allowed"]]
    elif "expected_attach_types" in when:
        allowed = [shorten(name, "BPF_") for name in when["expected_attach_types"]]
    elif any("LSM hook" in other for other in when.get("other", [])):
        allowed = ["LSM_CGROUP"]
    elif "not_expected_attach_types" in when:
        return [(since, [f"not_attach_type={attach_names(when['not_expected_attach_types'])}"])]
    else:
        return [(since, [])]
    first_in = {shorten(name, "BPF_"): release for name, release in later.items()}
    every = sorted({*allowed, *first_in})
    steps: list[Step] = []
    for start in sorted({since, *first_in.values()}, key=key):
        names = [it for it in every if it not in first_in or key(first_in[it]) <= key(start)]
        steps.append((start, [f"attach_type={' '.join(names)}"]))
    return steps
