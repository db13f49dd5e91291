"""From a fact and a release to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ebpf_static.findings import Confidence
from ebpf_static.support.facts import Availability, Backport, Condition, ConditionKind, Fact, Span
from ebpf_static.support.versions import key_of, version_key
from ebpf_static.target import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ebpf_static.support.targets import Release

_RANKS = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)


def judge(
    fact: Fact, release: Release, decides: Callable[[Condition], bool | None] | None = None
) -> Availability:
    """Return whether ``fact`` holds in ``release``.

    Args:
        fact: what is asked about.
        release: the resolved target; without a version, all releases of its platform.
        decides: tells for a condition whether it is met; None for what it cannot tell, which is
            then handed back in :attr:`Availability.conditions`.
    """
    if release.version is None:
        return _judge_all(fact, release, decides)
    key = key_of(release.version)
    answer = _judge_one(fact, key, release.platform, decides)
    confidence = weakest(answer.confidence, release.confidence)
    return answer if confidence is answer.confidence else answer.but(confidence=confidence)


def weakest(*grades: Confidence) -> Confidence:
    """Return the lowest of ``grades``."""
    return max(grades, key=_RANKS.index)


def _judge_all(
    fact: Fact, release: Release, decides: Callable[[Condition], bool | None] | None
) -> Availability:
    # "Any supported release": an error only for what no release has.
    answers = [
        (line, _judge_one(fact, version_key(version), release.platform, decides))
        for line, version in release.every
    ]
    having = [answer for _, answer in answers if answer.available]
    if not having:
        unsure = [answer for _, answer in answers if answer.status == "unknown"]
        return (unsure or [answer for _, answer in answers])[-1]
    lacking = tuple(
        line for line, answer in answers if line in release.supported and not answer.available
    )
    return having[-1].but(since=having[0].since, lacking=lacking)


def _judge_one(
    fact: Fact,
    key: tuple[int, int, int, int],
    platform: Platform,
    decides: Callable[[Condition], bool | None] | None,
) -> Availability:
    span = _span_at(fact.spans, key)
    backport = _backport_at(fact.backports, key) if platform is Platform.LINUX else None
    if backport is not None:
        return _judge_backport(fact, backport, key, span)
    if span is None:
        return _missing(fact, key)
    failed, open_ = _sort(span.when, decides)
    since, until = _run(fact.spans, span, decides)
    answer = Availability(
        "available",
        since=since,
        until=until,
        confidence=_confidence_at(span, key),
        conditions=tuple(open_),
        source=fact.source,
        note=fact.note,
    )
    if failed:
        return answer.but(status="unavailable", conditions=tuple(failed), since=None, until=None)
    if span.bound and span.seen is not None and key < version_key(span.seen):
        note = f"introduced in {span.since}, first read in {span.seen}"
        return answer.but(status="unknown", confidence=Confidence.LOW, note=note)
    return answer


def _span_at(spans: Sequence[Span], key: tuple[int, int, int, int]) -> Span | None:
    for span in spans:
        if version_key(span.since) <= key and (span.until is None or key < version_key(span.until)):
            return span
    return None


def _sort(
    conditions: Sequence[Condition], decides: Callable[[Condition], bool | None] | None
) -> tuple[list[Condition], list[Condition]]:
    """Return the conditions that fail and those nobody here can decide."""
    failed, open_ = [], []
    for condition in conditions:
        met = None if decides is None else decides(condition)
        if met is None:
            open_.append(condition)
        elif not met:
            failed.append(condition)
    return failed, open_


def _run(
    spans: Sequence[Span], span: Span, decides: Callable[[Condition], bool | None] | None
) -> tuple[str, str | None]:
    """Return first and end of the run of adjoining spans around ``span`` that hold."""
    at = spans.index(span)
    first, last = at, at
    while first and spans[first - 1].until == spans[first].since:
        if _sort(spans[first - 1].when, decides)[0]:
            break
        first -= 1
    while last + 1 < len(spans) and spans[last].until == spans[last + 1].since:
        if _sort(spans[last + 1].when, decides)[0]:
            break
        last += 1
    return spans[first].since, spans[last].until


def _confidence_at(span: Span, key: tuple[int, int, int, int]) -> Confidence:
    if span.seen is not None and key < version_key(span.seen):
        return Confidence.MEDIUM
    return Confidence.HIGH


def _missing(fact: Fact, key: tuple[int, int, int, int]) -> Availability:
    later = next((span for span in fact.spans if version_key(span.since) > key), None)
    earlier = [span for span in fact.spans if version_key(span.since) <= key]
    confidence = Confidence.HIGH
    if later is not None and later.seen is not None and _adjoins(later, key):
        confidence = Confidence.MEDIUM
    return Availability(
        "unavailable",
        since=later.since if later else None,
        until=earlier[-1].until if earlier else None,
        confidence=confidence,
        source=fact.source,
        note=fact.note,
    )


def _adjoins(span: Span, key: tuple[int, int, int, int]) -> bool:
    """Whether ``key`` is of the line just before ``span``, of which no tree was read."""
    major, minor = version_key(span.since)[:2]
    return key[:2] == (major, minor - 1)


def _backport_at(backports: Sequence[Backport], key: tuple[int, int, int, int]) -> Backport | None:
    for it in backports:
        if version_key(it.by)[:2] == key[:2] and key > version_key(it.after):
            return it
    return None


def _judge_backport(
    fact: Fact, backport: Backport, key: tuple[int, int, int, int], span: Span | None
) -> Availability:
    note = f"differs in the {backport.line} line: {backport.source}"
    if key < version_key(backport.by):
        return Availability("unknown", confidence=Confidence.LOW, source=fact.source, note=note)
    status = "available" if backport.present else "unavailable"
    return Availability(
        "available" if status == "available" else "unavailable",
        since=backport.by if backport.present else None,
        until=None if backport.present else backport.by,
        conditions=span.when if backport.present and span else (),
        source=fact.source,
        note=note,
    )


def decide_attach_type(name: str | None) -> Callable[[Condition], bool | None]:
    """Return a decider for conditions on the attach type, given the program's.

    Args:
        name: the expected attach type the kernel sees, without ``BPF_``; None when that is not
            known, which leaves the conditions open.
    """

    def decide(condition: Condition) -> bool | None:
        if name is None:
            return None
        if condition.kind is ConditionKind.ATTACH_TYPE:
            return name in condition.names
        if condition.kind is ConditionKind.NOT_ATTACH_TYPE:
            return name not in condition.names
        return None

    return decide
