"""What a target says of an entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ebpf_static.errors import UsageError
from ebpf_static.findings import Confidence
from ebpf_static.support import known, lookups
from ebpf_static.support.facts import Availability, Status
from ebpf_static.support.judge import judge
from ebpf_static.support.limits import limit
from ebpf_static.support.versions import key_of, version_key
from ebpf_static.uapi.constants import ProgramType

if TYPE_CHECKING:
    from ebpf_static.support.catalogue.groups import Entry
    from ebpf_static.support.targets import Release

BY_PROGRAM_TYPE = ("helpers", "kfuncs")
"""Groups whose answers depend on the program that asks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one thing on one target.

    Attributes:
        status: ``available``, ``unavailable`` or ``unknown``; of a limit, whether it exists.
        since: first release that has it; of a limit, from which on the value holds.
        until: first release without it again.
        confidence: how sure that is.
        conditions: what else it depends on, in words.
        note: what else a reader should know.
        lacking: for a target without a version, the supported releases without it.
        value: of a limit, the largest value accepted; None where nothing limits it.
        unit: of a limit, what it counts.
    """

    status: Status
    since: str | None = None
    until: str | None = None
    confidence: Confidence = Confidence.HIGH
    conditions: tuple[str, ...] = ()
    note: str | None = None
    lacking: tuple[str, ...] = ()
    value: int | None = None
    unit: str | None = None

    def __str__(self) -> str:
        """Return the answer in a word, or a limit's value."""
        if self.unit is None or self.status != "available":
            return self.status
        return "no limit" if self.value is None else f"{self.value} {self.unit}"


def answer(
    entry: Entry,
    release: Release,
    *,
    program_type: ProgramType | None = None,
    back_end: str = "native",
) -> Answer | None:
    """Return what ``release`` says of ``entry``, None when it is another platform's.

    Args:
        entry: what is asked about.
        release: the target.
        program_type: the program that would call a helper or kernel function; any when None.
        back_end: what would take an instruction on Windows.

    Raises:
        UsageError: the group has no answers for targets.
    """
    if not entry.group.judged:
        raise UsageError(f"{entry.group.name} are not a matter of the target: leave it out")
    if release.platform is not entry.platform:
        return None
    if entry.group.name == "limits":
        return _limit(entry, release)
    return _answer(_ASK[entry.group.name](entry, release, program_type, back_end))


def answers_by_program_type(entry: Entry, release: Release) -> dict[str, Answer]:
    """Return what each program type hears of a helper or kernel function, by its name."""
    if entry.group.name not in BY_PROGRAM_TYPE or release.platform is not entry.platform:
        return {}
    found = {}
    for program_type in ProgramType.members(entry.platform):
        exists = known.program_type_fact(program_type)
        if exists is not None and exists.spans:
            told = answer(entry, release, program_type=program_type)
            if told is not None:
                found[program_type.name] = told
    return found


def _answer(told: Availability) -> Answer:
    return Answer(
        status=told.status,
        since=told.since,
        until=told.until,
        confidence=told.confidence,
        conditions=tuple(str(it) for it in told.conditions),
        note=told.note,
        lacking=told.lacking,
    )


def _limit(entry: Entry, release: Release) -> Answer:
    found = limit(entry.name, release)
    first: str = entry.row["values"][0][0]
    exists = release.version is None or version_key(first) <= key_of(release.version)
    return Answer(
        status="available" if exists else "unavailable",
        since=found.since or first,
        confidence=release.confidence,
        note=found.note,
        value=found.value,
        unit=found.unit,
    )


def _helper(
    entry: Entry, release: Release, program_type: ProgramType | None, back_end: str
) -> Availability:
    del back_end
    constant: Any = entry.constant
    return lookups.helper(constant, program_type, lookups.ANY_ATTACH_TYPE, release)


def _instruction(
    entry: Entry, release: Release, program_type: ProgramType | None, back_end: str
) -> Availability:
    del program_type
    return lookups.instruction(entry.name, release, back_end)


def _kfunc(
    entry: Entry, release: Release, program_type: ProgramType | None, back_end: str
) -> Availability:
    del back_end
    return lookups.kfunc(entry.name, program_type, release)


def _constant(look_up: Callable[[Any, Release], Availability]) -> Callable[..., Availability]:
    return lambda entry, release, *_: look_up(entry.constant, release)


def _name(look_up: Callable[[str, Release], Availability]) -> Callable[..., Availability]:
    return lambda entry, release, *_: look_up(entry.name, release)


def _fact(entry: Entry, release: Release, *_: object) -> Availability:
    return judge(entry.facts[""], release)


def _map_flag(entry: Entry, release: Release, *_: object) -> Availability:
    version = release.version
    takers = [
        name
        for since, name in entry.row["takers"]
        if version is None or version_key(since) <= key_of(version)
    ]
    told = judge(entry.facts[""], release)
    return told.but(note=f"of {' '.join(takers)}") if takers else told


_ASK: dict[str, Callable[..., Availability]] = {
    "map-types": _constant(lookups.map_type),
    "map-flags": _map_flag,
    "program-types": _constant(lookups.program_type),
    "program-flags": _fact,
    "attach-types": _constant(lookups.attach_type),
    "helpers": _helper,
    "kfuncs": _kfunc,
    "link-types": _name(lookups.link_type),
    "struct-ops": _name(lookups.struct_ops_type),
    "commands": _name(lookups.command),
    "instructions": _instruction,
    "btf-kinds": _name(lookups.btf_kind),
    "features": _name(lookups.feature),
    "jit-hooks": _fact,
}
