"""Limits by release: program length, stack, call depth, names and so on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ebpf_static.errors import UsageError
from ebpf_static.support.tables import read_table
from ebpf_static.support.targets import release_of
from ebpf_static.support.versions import key_of, version_key
from ebpf_static.target import Platform, Target

if TYPE_CHECKING:
    from ebpf_static.support.targets import Release


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit on one release.

    Attributes:
        name: its name (``stack_bytes``).
        value: the largest value accepted; None where the release has no such limit, or none that
            is a number.
        unit: what it counts (``insns``, ``bytes`` …).
        since: release from which ``value`` holds; None where it does not exist yet.
        static: whether bytes alone can show that it is exceeded.
        errno: the error for more.
        message: what the verifier says, as a format.
        note: what else there is to know.
        source: where it was read.
    """

    name: str
    value: int | None
    unit: str
    since: str | None
    static: bool
    errno: str | None
    message: str | None
    note: str | None
    source: str


def limit(name: str, where: Target | Release) -> Limit:
    """Return the limit ``name`` on ``where``; without a version, of the newest release.

    Raises:
        UsageError: when the platform has no limit of that name.
        UnknownTargetError: when the target is no release.
    """
    release = release_of(where)
    row = read_table(release.platform, "limits").by_name.get(name)
    if row is None:
        raise UsageError(f"{release.platform.label} has no limit called {name!r}")
    value, since = None, None
    for start, step in row["values"]:
        if release.version is None or version_key(start) <= key_of(release.version):
            value, since = step, start
    return Limit(
        name=name,
        value=value,
        unit=row["unit"],
        since=since,
        static=row["static"],
        errno=row.get("errno"),
        message=row.get("message"),
        note=row.get("note"),
        source=row["source"],
    )


def limit_names(platform: Platform) -> tuple[str, ...]:
    """Return the names of all limits of ``platform``."""
    return tuple(read_table(platform, "limits").by_name)


def program_flags(where: Target | Release) -> dict[str, int]:
    """Return the ``prog_flags`` that ``BPF_PROG_LOAD`` takes on ``where``, with their values.

    eBPF for Windows takes none.
    """
    release = release_of(where)
    if release.platform is Platform.WINDOWS:
        return {}
    found: list[tuple[str, int, str]] = read_table(Platform.LINUX, "limits").header["program_flags"]
    return {
        flag: value
        for flag, value, since in found
        if release.version is None or version_key(since) <= key_of(release.version)
    }
