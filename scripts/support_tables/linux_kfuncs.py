"""Kernel functions (kfuncs) by release and program type."""

from __future__ import annotations

from scripts.support_tables.common import (
    Row,
    Table,
    compact,
    in_absent_line,
    key,
    shorten,
    snapshot,
    span,
)


def kfuncs() -> Table:
    """One row a kfunc; ``*`` is the set every program type may call (``common`` in btf.c)."""
    facts = snapshot("linux/kfuncs")
    rows = [
        compact(
            name=fact["name"],
            spans=[_span(raw, _conditions(fact)) for raw in fact["spans"]],
            source=fact.get("commit") or fact["sets"][0].split(" ")[0],
            program_types=_program_types(fact),
            flags=_flags(fact),
            filter=fact.get("filter"),
            set=shorten(fact["sets"][0].split(" ")[0], "torvalds/linux:"),
            tcp_function=bool(fact.get("category")) or None,
        )
        for fact in facts["kfuncs"]
    ]
    rows += [
        compact(
            name=fact["name"],
            spans=[span(fact["since"])],
            source=fact["commit"],
            program_types=fact["program_types"],
            set=fact["set"],
        )
        for fact in snapshot("linux/corrections")["add_kfuncs"]
    ]
    rows.sort(key=lambda row: str(row["name"]))
    renames = [
        {"name": it["name"], "since": it["introduced"], "what": it["what"]}
        for it in facts["renames"]
    ]
    return Table(facts["source"], rows, renames=renames, notes=facts["notes"])


ABSENT = "6.15"
"""First of the two lines before 6.17 of which no tree was read."""


def _span(raw: Row, when: list[str]) -> Row:
    since = raw["since"]
    if "could be 6.15/6.16" in raw.get("precision", ""):
        row = compact(since=ABSENT, until=raw.get("removed_in"), seen=since, bound=True)
    else:
        row = span(since, raw.get("removed_in"), dated=in_absent_line(since))
    return row | compact(when=when)


def _filter(fact: Row) -> Row:
    rules: list[Row] = snapshot("linux/corrections")["kfunc_filters"]
    return next((it for it in rules if it["filter"] == fact.get("filter")), {})


def _conditions(fact: Row) -> list[str]:
    """Return what a call depends on beside release and program type."""
    extra = snapshot("linux/corrections")["kfunc_conditions"]
    texts = [it["when"] for it in extra if fact["name"] in it["kfuncs"]]
    rule = _filter(fact)
    if "when" in rule:
        texts.append(rule["when"])
    elif "filter" in fact and _is_narrowed(fact, rule):
        path = shorten(fact["sets"][0], "torvalds/linux:").partition(":")[0]
        texts.append(f"other=narrowed to some programs by {fact['filter']} ({path})")
    return texts


def _is_narrowed(fact: Row, rule: Row) -> bool:
    """Tell whether a filter nobody looked at concerns all the programs a function is for."""
    concerned = rule.get("concerns")
    return not rule or (concerned is not None and set(fact["program_types"]) <= set(concerned))


def _program_types(fact: Row) -> Row:
    """Return the program types, each with its first release or, unsure, first and read release."""
    types: Row = {}
    for name, since in fact["program_types"].items():
        allowed = _filter(fact).get("program_types")
        if name.endswith("_uncertain") or (allowed is not None and name not in allowed):
            continue
        uncertain = fact["program_types"].get(f"{name}_uncertain")
        first = fact["spans"][0]["since"]
        earliest = max((uncertain or [since])[0], first, key=key)
        types[name] = [earliest, since] if key(earliest) < key(since) else since
    return types


def _flags(fact: Row) -> list[list[str]]:
    """Return the flags by the release from which they hold, oldest first."""
    steps = fact.get("flags_history") or {fact["spans"][0]["since"]: fact["flags"]}
    return [
        [since, " ".join(shorten(flag, "KF_") for flag in steps[since])]
        for since in sorted(steps, key=key)
        if steps[since] or len(steps) > 1
    ]
