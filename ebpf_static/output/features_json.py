"""The support tables as JSON.

Document (version 1)::

    schema_version
    group, noun
    targets[]        as they were asked for
    entries[]        platform, name, spelling, number, facts {part: [span]},
                     details {label: [line]}, source, note, targets {target: answer},
                     program_types {type: {target: answer}}

A span has ``since``, ``until``, ``seen``, ``bound`` and ``conditions``; an answer has ``status``,
``since``, ``until``, ``confidence``, ``conditions``, ``note``, and ``value`` with ``unit`` for a
limit. Without a group, ``groups[]`` has name, noun, summary and the number of entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ebpf_static.output.json_text import dumps, dumps_rows
from ebpf_static.support import known
from ebpf_static.support.catalogue import (
    GROUPS,
    Answer,
    Entry,
    Group,
    answer,
    answers_by_program_type,
    details,
    entries,
)
from ebpf_static.support.facts import Fact, Span
from ebpf_static.support.targets import Release
from ebpf_static.uapi.constants import ProgramType

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the tables.

    Attributes:
        releases: the targets, each with the text it was asked for by.
        program_type: the program that would call a helper or kernel function; any when None.
        back_end: what would take an instruction on Windows.
    """

    releases: tuple[tuple[str, Release], ...] = ()
    program_type: ProgramType | None = None
    back_end: str = "native"

    def ask(self, entry: Entry, release: Release) -> Answer | None:
        """Return what ``release`` says of ``entry``, None when it is another platform's."""
        return answer(entry, release, program_type=self.program_type, back_end=self.back_end)

    def facts(self, entry: Entry) -> dict[str, Fact]:
        """Return the facts of ``entry``, for the program type when there is one."""
        if self.program_type is None:
            return entry.facts
        constant: Any = entry.constant
        if entry.group.name == "helpers" and self.program_type.platform is entry.platform:
            fact = known.helper_fact(constant, self.program_type)
        elif entry.group.name == "kfuncs":
            fact = known.kfunc_fact(entry.name, self.program_type)
        else:
            return entry.facts
        return {} if fact is None else {"": fact}


def render_groups() -> str:
    """Return the groups there are."""
    groups = [
        {
            "name": group.name,
            "noun": group.noun,
            "summary": group.summary,
            "entries": {it.value: len(entries(group, it)) for it in group.platforms},
        }
        for group in GROUPS
    ]
    return dumps({"schema_version": SCHEMA_VERSION, "groups": groups})


def render(group: Group, found: Sequence[Entry], question: Question) -> str:
    """Return entries with everything the tables and the targets say of them."""
    return dumps_rows(
        {
            "schema_version": SCHEMA_VERSION,
            "group": group.name,
            "noun": group.noun,
            "targets": [text for text, _ in question.releases],
            "entries": [_entry(entry, question) for entry in found],
        }
    )


def _entry(entry: Entry, question: Question) -> dict[str, Any]:
    found: dict[str, Any] = {
        "platform": entry.platform.value,
        "name": entry.name,
        "spelling": entry.spelling,
        "number": entry.number,
        "facts": {
            part: [_span(it) for it in fact.spans] for part, fact in question.facts(entry).items()
        },
        "details": {label: list(lines) for label, lines in details(entry)},
        "source": entry.source,
        "note": entry.row.get("note"),
    }
    if question.releases:
        told = [(text, question.ask(entry, release)) for text, release in question.releases]
        found["targets"] = {text: _answer(it) for text, it in told if it is not None}
        by_type = _by_program_type(entry, question)
        if by_type:
            found["program_types"] = by_type
    return found


def _by_program_type(entry: Entry, question: Question) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if question.program_type is not None:
        return found
    for text, release in question.releases:
        for name, told in answers_by_program_type(entry, release).items():
            found.setdefault(name, {})[text] = _answer(told)
    return found


def _span(span: Span) -> dict[str, Any]:
    return {
        "since": span.since,
        "until": span.until,
        "seen": span.seen,
        "bound": span.bound,
        "conditions": [str(it) for it in span.when],
    }


def _answer(told: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "status": told.status,
        "since": told.since,
        "until": told.until,
        "confidence": told.confidence.value,
        "conditions": list(told.conditions),
        "note": told.note,
    }
    if told.lacking:
        found["lacking"] = list(told.lacking)
    if told.unit is not None:
        found |= {"value": told.value, "unit": told.unit}
    return found
