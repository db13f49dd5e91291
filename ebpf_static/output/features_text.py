"""The support tables as text: aligned for people, tab-separated for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ebpf_static.errors import escape
from ebpf_static.output.style import Style
from ebpf_static.output.table import Cell, table, tsv
from ebpf_static.support.catalogue import (
    GROUPS,
    Answer,
    Entry,
    answers_by_program_type,
    details,
    entries,
)
from ebpf_static.support.facts import Fact

if TYPE_CHECKING:
    from ebpf_static.output.features_json import Question
    from ebpf_static.support.targets import Release

_EVERY = "every program type"


def render_groups(style: Style, *, aligned: bool) -> str:
    """Return the groups, with how many entries each platform has."""
    from ebpf_static.target import Platform

    rows = [
        (
            group.name,
            len(entries(group, Platform.LINUX)) or None,
            len(entries(group, Platform.WINDOWS)) or None,
            group.summary,
        )
        for group in GROUPS
    ]
    return _table(("group", "linux", "windows", "what"), rows, style, aligned=aligned)


def render_list(found: Sequence[Entry], question: Question, style: Style, *, aligned: bool) -> str:
    """Return one line for each entry: its releases, or what the targets asked about say."""
    if not question.releases:
        header: tuple[str, ...] = ("name", "platform", "number", "releases", "conditions", "about")
        rows = [_row(entry, question) for entry in found]
        sources = [entry.source for entry in found]
    elif len(question.releases) == 1:
        text, release = question.releases[0]
        header = ("name", "number", text, "since", "until", "confidence", "conditions", "note")
        asked = [(it, question.ask(it, release)) for it in found]
        rows = [_answer_row(it, told) for it, told in asked if told is not None]
        sources = [it.source for it, told in asked if told is not None]
    else:
        header = ("name", *(text for text, _ in question.releases))
        return _table(header, _comparison(found, question), style, aligned=aligned)
    if not aligned:  # no terminal has room for them
        header = (*header, "source")
        rows = [(*row, source) for row, source in zip(rows, sources, strict=True)]
    return _table(header, rows, style, aligned=aligned)


def render_details(
    found: Sequence[Entry], question: Question, style: Style, width: int | None = None
) -> str:
    """Return everything about what goes by one name, platform by platform.

    Args:
        found: the entries of that name.
        question: what is asked of them.
        style: colours.
        width: columns of the terminal to break lines for; None leaves them whole.
    """
    first = found[0]
    spelling = f" ({first.spelling})" if first.spelling != first.name else ""
    parts = [style("bold", f"{first.group.noun} {escape(first.name)}{escape(spelling)}") + "\n"]
    for entry in found:
        number = "" if entry.number is None else f", number {entry.number}"
        parts.append(f"\n{entry.platform.label}{number}\n")
        lines = [(label, text) for label, texts in details(entry) for text in texts]
        for text, release in question.releases:
            lines += [(text, it) for it in _answers(entry, question, release)]
        parts += _labelled(lines, style, width)
    return "".join(parts)


def _table(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], style: Style, *, aligned: bool
) -> str:
    return table(header, rows, style, indent="") if aligned else tsv(header, rows)


def _row(entry: Entry, question: Question) -> tuple[Cell, ...]:
    facts = question.facts(entry)
    return (
        entry.name, entry.platform.value, entry.number, releases(facts),
        conditions(next(iter(facts.values()), None)), entry.about,
    )  # fmt: skip


def releases(facts: dict[str, Fact]) -> str:
    """Return where facts hold in a few words; by part where the parts differ."""
    texts = {part: _spans(fact) for part, fact in facts.items()}
    if len(set(texts.values())) <= 1:
        return next(iter(texts.values()), "")
    return "; ".join(f"{part}: {text}" for part, text in texts.items())


def _spans(fact: Fact) -> str:
    runs: list[list[str | None]] = []
    for span in fact.spans:
        if runs and runs[-1][1] == span.since:
            runs[-1][1] = span.until
        else:
            runs.append([span.since, span.until])
    found = [f"since {since}" if until is None else f"{since} until {until}"
             for since, until in runs]  # fmt: skip
    found += [f"{'also in' if it.present else 'gone from'} {it.line}.y by {it.by}"
              for it in fact.backports]  # fmt: skip
    return ", ".join(found) or "no release"


def conditions(fact: Fact | None) -> str:
    """Return what a fact depends on in its newest releases."""
    if fact is None or not fact.spans:
        return ""
    return "; ".join(str(it) for it in fact.spans[-1].when)


def _answer_row(entry: Entry, told: Answer) -> tuple[Cell, ...]:
    return (
        entry.name, entry.number, str(told), told.since, told.until, told.confidence.value,
        "; ".join(told.conditions), _note(told),
    )  # fmt: skip


def _note(told: Answer) -> str:
    lacking = f"not in {', '.join(told.lacking)}" if told.lacking else ""
    return "; ".join(text for text in (told.note, lacking) if text)


def _comparison(found: Sequence[Entry], question: Question) -> list[tuple[Cell, ...]]:
    """Return one row for each name, whatever platforms have it."""
    by_name: dict[str, list[Entry]] = {}
    for entry in found:
        by_name.setdefault(entry.name, []).append(entry)
    rows: list[tuple[Cell, ...]] = []
    for name, same in by_name.items():
        cells: list[str | None] = []
        for _, release in question.releases:
            told = [question.ask(it, release) for it in same]
            cells.append(next((str(it) for it in told if it is not None), None))
        rows.append((name, *cells))
    return rows


def _answers(entry: Entry, question: Question, release: Release) -> list[str]:
    told = question.ask(entry, release)
    if told is None:
        return []
    by_type = {} if question.program_type else answers_by_program_type(entry, release)
    lines = [_words(told)]
    groups: dict[str, list[str]] = {}
    for name, it in by_type.items():
        groups.setdefault(_words(it), []).append(name)
    if len(groups) == 1:
        return [f"{text}: {_EVERY}" for text in groups]
    return [*lines, *(f"{text}: {' '.join(names)}" for text, names in groups.items())]


def _words(told: Answer) -> str:
    parts = [str(told)]
    if told.status == "unavailable" and told.since:
        parts[0] += f" (comes in {told.since})"
    if told.until:
        parts.append(f"gone in {told.until}")
    parts += told.conditions
    parts += [text for text in (_note(told),) if text]
    if told.confidence.value != "high":
        parts.append(f"confidence {told.confidence.value}")
    return "; ".join(parts)


def _labelled(lines: Sequence[tuple[str, str]], style: Style, columns: int | None) -> Iterator[str]:
    width = max(len(label) for label, _ in lines)
    before = ""
    for label, text in lines:
        room = None if columns is None else max(columns - width - 4, 20)
        shown_label = "" if label == before else label
        for part in _broken(escape(text), room):
            yield f"  {style('dim', f'{escape(shown_label):<{width}}')}  {part}\n"
            shown_label = ""
        before = label


def _broken(text: str, room: int | None) -> list[str]:
    """Return a text in lines of at most so many characters; later ones are indented."""
    if room is None:
        return [text]
    from textwrap import wrap

    return wrap(text, room, subsequent_indent="  ", break_long_words=False) or [text]
