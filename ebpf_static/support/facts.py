"""The records facts are told in: spans of releases, what they depend on, and the answer.

A fact is never one minimum version. It is spans of releases, each with the conditions it holds
under, and the releases whose source was read; what lies between "introduced" and "read" is known
less well, and the answer says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from ebpf_static.findings import Confidence
from ebpf_static.target import Platform, Version

Status = Literal["available", "unavailable", "unknown"]


class ConditionKind(StrEnum):
    """What a fact depends on besides the release."""

    ATTACH_TYPE = "attach_type"
    """The program's expected attach type is one of those named."""
    NOT_ATTACH_TYPE = "not_attach_type"
    """The program's expected attach type is none of those named."""
    ATTACH_TARGET = "attach_target"
    """The hook or iterator the program attaches to is one of those named (``tcp``)."""
    SLEEPABLE = "sleepable"
    """The program is loaded with ``BPF_F_SLEEPABLE``."""
    CAPABILITY = "capability"
    """The loading process has all capabilities named (``CAP_SYS_ADMIN`` does before 5.8)."""
    CONFIG = "config"
    """The kernel is built with all options named."""
    NOT_LOCKDOWN = "not_lockdown"
    """The kernel is not locked down to the mode named."""
    ARCH = "arch"
    """The processor is one of those named, from the release after the colon (``arm64:6.0``)."""
    EXTENSION = "extension"
    """The eBPF for Windows extension named is installed."""
    BUILD = "build"
    """The image or the object is built as named."""
    OTHER = "other"
    """Something in words, which nothing here decides."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing a fact depends on.

    Attributes:
        kind: what sort of thing.
        names: attach types, capabilities, configuration options …, as the kernel spells them
            (attach types without ``BPF_``); empty for ``SLEEPABLE``.
    """

    kind: ConditionKind
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Return the condition written as in the tables (``capability=CAP_BPF CAP_PERFMON``)."""
        kind, _, names = text.partition("=")
        parsed = ConditionKind(kind)
        if parsed in (ConditionKind.OTHER, ConditionKind.BUILD):
            return cls(parsed, (names,) if names else ())
        return cls(parsed, tuple(names.split()))

    def __str__(self) -> str:
        """Return the condition in words."""
        return _WORDS[self.kind].format(", ".join(self.names))


_WORDS = {
    ConditionKind.ATTACH_TYPE: "only with attach type {}",
    ConditionKind.NOT_ATTACH_TYPE: "not with attach type {}",
    ConditionKind.ATTACH_TARGET: "only in programs that attach to {}",
    ConditionKind.SLEEPABLE: "only in a sleepable program",
    ConditionKind.CAPABILITY: "needs {}",
    ConditionKind.CONFIG: "needs a kernel with {}",
    ConditionKind.NOT_LOCKDOWN: "not under lockdown={}",
    ConditionKind.ARCH: "only on {}",
    ConditionKind.EXTENSION: "needs the extension {}",
    ConditionKind.BUILD: "needs {}",
    ConditionKind.OTHER: "{}",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Releases a fact holds in, from ``since`` up to but without ``until``.

    Attributes:
        since: the first release (``5.8``).
        until: the first release without it again; None: it is still there.
        seen: the first release that was read and has it, where that is not ``since``.
        bound: whether ``since`` is a lower bound only: between it and ``seen`` nobody looked.
        when: what it depends on in these releases.
    """

    since: str
    until: str | None = None
    seen: str | None = None
    bound: bool = False
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Backport:
    """A point release of one line that differs from the ``.0`` release of that line.

    Attributes:
        line: the line (``6.1``).
        present: whether the fact holds from then on.
        by: a point release that was read or probed and differs.
        after: the last point release known not to differ; between the two it is not known.
        source: where that was seen.
    """

    line: str
    present: bool
    by: str
    after: str
    source: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: where something exists, under which conditions, and who says so.

    Attributes:
        kind: what it is about in words (``map type``).
        name: its name (``RINGBUF``).
        platform: whose releases the spans count.
        spans: where it holds; disjoint and in order.
        source: a commit, or repository and path read.
        backports: point releases that differ from their line.
        note: what else a reader should know.
    """

    kind: str
    name: str
    platform: Platform
    spans: tuple[Span, ...]
    source: str
    backports: tuple[Backport, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Availability:
    """What the tables say about one thing on one target.

    Attributes:
        status: ``available``, ``unavailable``, or ``unknown`` when the tables cannot tell. For a
            target without a version, ``unavailable`` means that no release has it.
        since: first release that has it (available), or the next or only one that does
            (unavailable); None when none does.
        until: first release without it again, where it was withdrawn.
        confidence: how sure the answer is; ``LOW`` and ``MEDIUM`` for dates between two sources
            that were read and for distributions, which carry backports.
        conditions: what it further depends on. For an unavailable helper, the one that fails.
        source: where the fact is from.
        note: what else a reader should know.
        lacking: for a target without a version, the supported releases that do not have it.
    """

    status: Status
    since: str | None = None
    until: str | None = None
    confidence: Confidence = Confidence.HIGH
    conditions: tuple[Condition, ...] = ()
    source: str | None = None
    note: str | None = None
    lacking: tuple[str, ...] = ()

    @property
    def available(self) -> bool:
        """Whether the status is ``available``."""
        return self.status == "available"

    def condition(self, kind: ConditionKind) -> tuple[str, ...] | None:
        """Return the names of the condition of ``kind``, None when it does not depend on any."""
        found = [it.names for it in self.conditions if it.kind is kind]
        return tuple(name for names in found for name in names) if found else None

    def but(self, **changes: object) -> Availability:
        """Return a copy with ``changes``."""
        return replace(self, **changes)  # type: ignore[arg-type]


def lowest_version(fact: Fact) -> Version | None:
    """Return the first release the fact holds in, None when it holds in none.

    What other conditions it has then is not said: see :func:`history`.
    """
    return Version.parse(fact.spans[0].since) if fact.spans else None


def history(fact: Fact) -> tuple[str, ...]:
    """Return one line for each span and backport, in order, for people to read."""
    lines = [_span_line(span) for span in fact.spans]
    for it in fact.backports:
        verb = "also in" if it.present else "gone from"
        lines.append(f"{verb} {it.line}.y by {it.by} ({it.source})")
    return tuple(lines) or ("in no release",)


def _span_line(span: Span) -> str:
    text = f"since {span.since}"
    if span.until is not None:
        text = f"{span.since} until {span.until}"
    if span.bound:
        text += f" or a later release up to {span.seen}"
    return "; ".join((text, *(str(it) for it in span.when)))
