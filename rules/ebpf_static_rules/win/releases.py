"""Which releases of eBPF for Windows have something, for rules whose facts are dated.

A target without a release means any supported one: what none has is an error, what some lack a
warning that names the first with it.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from ebpf_static.errors import UnknownTargetError
from ebpf_static.findings import Severity
from ebpf_static.plugins import RuleContext
from ebpf_static.support.facts import Availability, Fact, Span
from ebpf_static.support.judge import judge
from ebpf_static.support.tables import read_table
from ebpf_static.support.targets import Release, resolve
from ebpf_static.target import Platform, Target, Version

_ANY = Target(Platform.WINDOWS)
_FIRST = "0.0.0"


class Gap(NamedTuple):
    """What releases lack something.

    Attributes:
        severity: error when the release judged for, or every one, lacks it.
        words: ``which eBPF for Windows has since 1.3.0``.
    """

    severity: Severity
    words: str


def judged_release(context: RuleContext) -> Release:
    """Return the release judged for; any supported one when the target names none that is."""
    target = context.target
    if target is None or target.platform is not Platform.WINDOWS:
        return resolve(_ANY)
    try:
        return resolve(target)
    except UnknownTargetError:  # WIN035 says so
        return resolve(_ANY)


def find_gap(context: RuleContext, since: str | None, until: str | None = None) -> Gap | None:
    """Return whether releases judged for lack what is there from ``since`` and before ``until``.

    None when all of them have it.
    """
    fact = Fact("", "", Platform.WINDOWS, (Span(since or _FIRST, until),), "")
    return gap_of(judge(fact, judged_release(context)), context)


def gap_of(answer: Availability, context: RuleContext) -> Gap | None:
    """Return what an answer of the support tables lacks; None when nothing, or when it never is.

    What no release ever had is not a matter of releases: other rules report it.
    """
    if answer.available and not answer.lacking:
        return None
    if answer.until is not None:
        words = f"which eBPF for Windows has before {answer.until} only"
    elif answer.since is not None:
        words = f"which eBPF for Windows has since {answer.since}"
    else:
        return None
    if context.target is not None and context.target.version is not None:
        words += f" (target {context.target})"
    return Gap(Severity.WARNING if answer.available else Severity.ERROR, words)


class Runtime(NamedTuple):
    """A release and the oldest bpf2c version whose images its runtime takes."""

    release: str
    minimum_image: Version


@cache
def runtimes() -> tuple[Runtime, ...]:
    """Return every release the tables know, oldest first."""
    rows = read_table(Platform.WINDOWS, "releases").rows
    return tuple(Runtime(row["name"], Version.parse(row["minimum_image"])) for row in rows)


def release_after(name: str) -> str | None:
    """Return the release that followed ``name``."""
    names = [it.release for it in runtimes()]
    at = names.index(name) + 1 if name in names else len(names)
    return names[at] if at < len(names) else None
