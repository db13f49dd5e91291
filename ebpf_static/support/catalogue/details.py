"""What the tables know of one entry beside where it exists, as labelled lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ebpf_static.support import known
from ebpf_static.support.facts import history
from ebpf_static.support.map_creation import map_program_rules, size_history
from ebpf_static.support.versions import version_key
from ebpf_static.target import Platform, Target
from ebpf_static.uapi.constants import MapType, ProgramType

if TYPE_CHECKING:
    from ebpf_static.support.catalogue.groups import Entry

_COMMIT_LENGTH = 40
_HEX = frozenset("0123456789abcdef")


class Detail(NamedTuple):
    """A label and what belongs to it, one line each."""

    label: str
    lines: tuple[str, ...]


def details(entry: Entry) -> tuple[Detail, ...]:
    """Return everything the tables say of ``entry``, where it exists first, the source last."""
    found = [*_releases(entry), *_of_group(entry)]
    note = entry.row.get("note")
    if note is not None:
        found.append(Detail("note", (str(note),)))
    found.append(Detail("source", (_source(entry.source),)))
    return tuple(found)


def _source(text: str) -> str:
    is_commit = len(text) == _COMMIT_LENGTH and _HEX.issuperset(text)
    return f"torvalds/linux commit {text}" if is_commit else text


def _releases(entry: Entry) -> Iterator[Detail]:
    if entry.group.name == "limits":
        return
    for part, fact in entry.facts.items():
        yield Detail(part or "releases", history(fact))


def _of_group(entry: Entry) -> Iterator[Detail]:
    make = _MAKERS.get(entry.group.name)
    if make is not None:
        yield from make(entry)
    elif entry.about and entry.about != entry.row.get("note"):
        yield Detail("what", (entry.about,))


def _map_type(entry: Entry) -> Iterator[Detail]:
    row = entry.row
    constant: Any = entry.constant
    for key in ("key_size", "value_size", "max_entries"):
        lines = [
            _since(str(rule) + (f" ({rule.note})" if rule.note else ""), since)
            for since, rule in size_history(constant, key)
        ]
        yield from _some(key.replace("_", " "), lines)
    yield from _some("flags", _dated(row.get("flags", ())))
    yield from _some("flags required", row.get("flags_required", ()))
    yield from _some("BTF", [row["btf"].replace("_", " ")] if row.get("btf") else [])
    yield from _some("value fields", _dated(row.get("value_fields", {}).items()))
    helpers = _dated(row.get("helpers", ()))
    label = "helpers" + (" (no others)" if row.get("only_these_helpers") else "")
    yield from _some(label, helpers)
    yield from _some("inner map", [row["inner_map"]] if row.get("inner_map") else [])
    for key, label in (("sleepable", "in sleepable programs"), ("direct_value", "global data")):
        yield from _some(label, [f"since {row[key]}"] if row.get(key) else [])
    yield from _some("verifier rules", _verifier_rules(constant))


def _verifier_rules(map_type: MapType) -> list[str]:
    rules = map_program_rules(Target(map_type.platform))
    return [
        _since(rule.message, rule.since)
        for rule in rules
        if map_type.name in rule.map_types
    ]  # fmt: skip


def _map_flag(entry: Entry) -> Iterator[Detail]:
    by_release: dict[str, list[str]] = {}
    for since, name in entry.row["takers"]:
        by_release.setdefault(since, []).append(name)
    yield from _some("map types", [_since(" ".join(it), at) for at, it in by_release.items()])


def _program_type(entry: Entry) -> Iterator[Detail]:
    row = entry.row
    attach = row.get("attach_type")
    if attach is not None:
        read_as = row.get("zero_attach_type")
        zero = f"; 0 is read as {read_as}" if read_as else ""
        yield Detail(
            "attach type", (_since(attach.replace("_", " "), row.get("attach_type_since")) + zero,)
        )
    if row.get("attach_btf"):
        yield Detail("BTF", ("needs the id of what it attaches to",))
    if row.get("gpl_required"):
        yield Detail("licence", ("GPL-compatible only",))
    lines = []
    for step in row.get("sleepable", ()):
        types = " ".join(step.get("attach_types", ["any attach type"]))
        until = f" until {step['until']}" if "until" in step else ""
        note = f" ({step['note']})" if "note" in step else ""
        lines.append(f"{_since(types, step['since'])}{until}{note}")
    yield from _some("may sleep", lines)
    yield from _some("provider", [row["provider"]] if "provider" in row else [])


def _attach_type(entry: Entry) -> Iterator[Detail]:
    yield from _some("program types", [" ".join(entry.row.get("program_types", ()))])
    if entry.row.get("checked_at_load"):
        yield Detail("checked", ("when the program is loaded",))


def _helper(entry: Entry) -> Iterator[Detail]:
    constant: Any = entry.constant
    groups: dict[tuple[str, ...], list[str]] = {}
    for program_type in ProgramType.members(entry.platform):
        fact = known.helper_fact(constant, program_type)
        exists = known.program_type_fact(program_type)
        if fact is not None and fact.spans and exists is not None and exists.spans:
            groups.setdefault(history(fact), []).append(program_type.name)
    yield from _some("program types", _grouped(groups))
    row = entry.row
    yield from _some("map types", [" ".join(row["map_types"])] if "map_types" in row else [])
    if entry.about and "note" not in row and entry.platform is Platform.WINDOWS:
        yield Detail("scope", (entry.about,))


def _kfunc(entry: Entry) -> Iterator[Detail]:
    row = entry.row
    groups: dict[tuple[str, ...], list[str]] = {}
    if "*" in row["program_types"]:
        groups[()] = ["every type"]
    else:
        for name in row["program_types"]:
            fact = known.kfunc_fact(entry.name, ProgramType.named(Platform.LINUX, name))
            if fact is not None:
                groups.setdefault(history(fact), []).append(name)
    yield from _some("program types", _grouped(groups))
    flags = [_since(text or "none", since) for since, text in row.get("flags", ())]
    yield from _some("flags", flags)
    yield from _some("filter", [row["filter"]] if "filter" in row else [])
    yield from _some("set", [row["set"]])


def _grouped(groups: dict[tuple[str, ...], list[str]]) -> list[str]:
    return [
        f"{', then '.join(lines)}: {' '.join(names)}" if lines else " ".join(names)
        for lines, names in groups.items()
    ]


def _struct_ops(entry: Entry) -> Iterator[Detail]:
    row = entry.row
    if "helpers" in row:
        yield Detail(f"helpers in {row['helpers_of']}", (" ".join(row["helpers"]),))


def _feature(entry: Entry) -> Iterator[Detail]:
    row = entry.row
    for key, label in (("what", "what"), ("libbpf_probe", "libbpf probe"), ("fallback", "without")):
        yield from _some(label, [row[key]] if key in row else [])


def _limit(entry: Entry) -> Iterator[Detail]:
    row = entry.row
    lines = [
        _since("no limit" if value is None else f"{value} {row['unit']}", since)
        for since, value in row["values"]
    ]
    yield Detail("at most", tuple(lines))
    for key, label in (("errno", "error"), ("message", "verifier says")):
        yield from _some(label, [row[key]] if row.get(key) else [])
    if not row["static"]:
        yield Detail("checked", ("at load only: bytes do not show it",))


def _libbpf(entry: Entry) -> Iterator[Detail]:
    row = entry.row
    yield Detail("since", (f"libbpf {row['since']}",))
    lacks = "always" if row["when"] == "always" else f"the kernel lacks the {row['when']}"
    yield Detail("when", (lacks.replace("btf_kind", "BTF kind"),))
    yield Detail("replaces", (" ".join(row["replaces"]),))
    yield Detail("by", (row["by"] or "nothing",))
    yield Detail("what", (row["what"],))


def _distribution(entry: Entry) -> Iterator[Detail]:
    row = entry.row
    yield Detail("kernel", (row["kernel"],))
    yield Detail("judged as", (f"Linux {row['level']}, confidence {row['confidence']}",))
    yield from _some("also called", row.get("aliases", ()))


def _dated(pairs: Any) -> list[str]:
    """Return names with their first releases, those of one release on one line."""
    by_release: dict[str, list[str]] = {}
    for name, since in pairs:
        by_release.setdefault(since, []).append(name)
    return [
        _since(" ".join(names), since)
        for since, names in sorted(by_release.items(), key=lambda it: version_key(it[0]))
    ]


def _since(text: str, since: str | None) -> str:
    return text if since is None else f"{text} since {since}"


def _some(label: str, lines: Any) -> Iterator[Detail]:
    kept = tuple(str(line) for line in lines if line)
    if kept:
        yield Detail(label, kept)


_MAKERS: dict[str, Callable[[Entry], Iterator[Detail]]] = {
    "map-types": _map_type,
    "map-flags": _map_flag,
    "program-types": _program_type,
    "attach-types": _attach_type,
    "helpers": _helper,
    "kfuncs": _kfunc,
    "struct-ops": _struct_ops,
    "features": _feature,
    "limits": _limit,
    "libbpf": _libbpf,
    "distributions": _distribution,
}
