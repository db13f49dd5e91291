"""What an object declares and needs: programs, maps, evidence, requirements."""

from __future__ import annotations

from collections.abc import Iterable

from ebpf_static.graph.uses import calls_of
from ebpf_static.output.code_facts import CodeIndex
from ebpf_static.output.html.findings import named
from ebpf_static.output.html.markup import Html, brief, code, details, join, message, table, tag
from ebpf_static.output.html.model import Contents
from ebpf_static.requirements.model import Guard, Requirement
from ebpf_static.specs import CollectionSpec, MapSpec, ProgramSpec
from ebpf_static.specs.native import NativeProgramSpec

_NAMES = 12
"""Names listed in one cell."""


def facts_of(spec: CollectionSpec) -> Html:
    """Return what an object is, in a line or two."""
    size = spec.elf.file_size if spec.elf is not None else None
    licence = "none" if spec.license is None else brief(spec.license)
    pairs = [
        ("platform", str(spec.platform)),
        ("byte order", spec.byte_order),
        ("licence", licence),
        ("programs", str(len(spec.programs))),
        ("functions", str(len(spec.functions))),
        ("maps", str(len(spec.maps))),
        *([("bytes", str(size))] if size is not None else []),
    ]
    items = (tag("div", tag("dt", key), " ", tag("dd", value)) for key, value in pairs)
    return tag("dl", *items, class_="facts")


def needs_of(contents: Contents, lowest: str | None, reason: Html | None) -> Html:
    """Return since when an object loads, what decides it, and everything it needs."""
    needs = contents.needs
    if isinstance(needs, str):
        return tag("p", f"What it needs cannot be told: {needs}", class_="cut")
    items = sorted(needs.items, key=_newest_first)
    rows = [
        (
            code(item.name), item.kind.value, item.since, _remarks(item),
            join((code(name) for name in item.programs[:_NAMES]), ", "),
        )
        for item in items
    ]  # fmt: skip
    header = ("needs", "kind", "since", "remarks", "programs")
    listed = table("What it needs, newest first", header, rows) if rows else None
    summary = f"All {len(rows)} features it needs" if len(rows) != 1 else "The one feature it needs"
    return join(
        (
            tag("p", tag("strong", lowest)) if lowest else None,
            tag("p", reason) if reason is not None else None,
            details(summary, listed, open_=len(rows) <= 12) if rows else None,
        )
    )


def programs_of(index: CodeIndex) -> Html | None:
    """Return the programs, with what they use."""
    programs = index.spec.programs
    if not programs:
        return None
    rows = [_program(index, program) for program in programs]
    header = ("program", "section", "type", "attach to", "insns", "helpers and kfuncs", "maps")
    return table("Programs, with what they use", header, rows)


def _program(index: CodeIndex, program: ProgramSpec) -> tuple[Html | str | int | None, ...]:
    attach = program.attach_type.name if program.attach_type is not None else None
    target = " ".join(word for word in (attach, program.attach_to) if word)
    calls, maps = _uses(index, program)
    options = "" if program.autoload else " (not loaded unasked)"
    return (
        named(program.name), join((code(program.section), options)), program.type.name, target,
        program.insn_count, _names(calls), _names(maps),
    )  # fmt: skip


def _uses(index: CodeIndex, program: ProgramSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a program calls and which maps it uses."""
    if isinstance(program, NativeProgramSpec):
        maps = index.spec.maps
        used = (maps[at].name for at in program.referenced_maps if at < len(maps))
        return tuple(it.name for it in calls_of(index.spec, program)), tuple(used)
    facts = index.program_facts(program)
    if facts is None:
        return (), ()
    return (*(helper.name for helper in facts.helpers), *facts.kfuncs), facts.maps


def maps_of(spec: CollectionSpec) -> Html | None:
    """Return the maps."""
    if not spec.maps:
        return None
    header = ("map", "type", "key", "value", "max_entries", "flags", "inner", "holds", "section")
    return table("Maps; sizes in bytes", header, [_map(item) for item in spec.maps])


def _map(item: MapSpec) -> tuple[Html | str | int | None, ...]:
    inner = None if item.inner is None else item.inner_name or "(anonymous)"
    held = [f"[{value.index}] {value.name}" for value in item.values]
    return (
        named(item.name), item.type.name, item.key_size, item.value_size, item.max_entries,
        f"{item.flags:#x}" if item.flags else None, inner, _names(held), code(item.section),
    )  # fmt: skip


def evidence_of(spec: CollectionSpec) -> Html | None:
    """Return why the object is taken for what it is."""
    if not spec.evidence:
        return None
    rows = [(it.platform.label, it.weight, message(it.what), it.where) for it in spec.evidence]
    header = ("for", "weight", "what", "where")
    return details(
        f"Why it is taken for {spec.platform.label}: {len(rows)} observations",
        table("Evidence, strongest first", header, rows),
    )


def _newest_first(item: Requirement) -> tuple[list[int], str, str]:
    numbers = [-int(part) if part.isdigit() else 0 for part in (item.since or "0").split(".")]
    return numbers, item.kind.value, item.name


def _remarks(item: Requirement) -> str:
    words = list(item.conditions)
    if item.guard is not Guard.NONE:
        words.append(item.guard.value)
    if item.replaced_by is not None:
        words.append(f"libbpf replaces it by {item.replaced_by}")
    return "; ".join(words)


def _names(names: Iterable[str]) -> Html | None:
    listed = list(names)
    if not listed:
        return None
    shown: list[Html | str] = [named(name) for name in listed[:_NAMES]]
    if len(listed) > _NAMES:
        shown.append(f"and {len(listed) - _NAMES} more")
    return join(shown, ", ")
