"""Objects against targets: who loads where, since when, and what decides it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ebpf_static.errors import UnknownTargetError
from ebpf_static.findings import Finding, Severity
from ebpf_static.registry import Registry
from ebpf_static.specs import CollectionSpec
from ebpf_static.support.targets import known_lines
from ebpf_static.target import Platform, Target
from ebpf_static.verdict import ObjectVerdicts, Status, Verdict, judge_object


class Cell(NamedTuple):
    """One object on one target.

    Attributes:
        target: the target.
        verdict: on everything a loader loads unasked.
        programs: on each program alone, by name.
    """

    target: Target
    verdict: Verdict
    programs: dict[str, Verdict]


class Lowest(NamedTuple):
    """The oldest line of releases from which on an object is not rejected.

    Attributes:
        line: ``6.1``; None when the newest line rejects it.
        below: the line before, which rejects it, or the newest one; None when none does.
        reason: what decides it there.
    """

    line: str | None
    below: str | None
    reason: Finding | None


class Row(NamedTuple):
    """One object.

    Attributes:
        object: what it is called.
        cells: one for each target.
        lowest: on its own platform, as far as tables alone tell.
    """

    object: str
    cells: tuple[Cell, ...]
    lowest: Lowest | None


class Matrix(NamedTuple):
    """Objects by targets.

    Attributes:
        targets: the columns.
        rows: the objects.
    """

    targets: tuple[Target, ...]
    rows: tuple[Row, ...]


def build_matrix(
    objects: Iterable[tuple[str, CollectionSpec]],
    targets: Sequence[Target],
    *,
    assume_setup: bool = True,
    lowest: bool = False,
    registry: Registry | None = None,
) -> Matrix:
    """Return the verdict on each object for each target.

    Args:
        objects: what each is called, and its spec.
        targets: the targets.
        assume_setup: as for :func:`ebpf_static.verdict.judge_object`.
        lowest: also look for the oldest release that takes each object.
        registry: where rules come from; by default everything installed.

    Raises:
        UnknownTargetError: a target is no release.
        UsageError: its BTF or configuration cannot be read.
    """
    rows = []
    for name, spec in objects:
        cells = []
        for target in targets:
            found = judge_object(
                spec, target, assume_setup=assume_setup, name=name, registry=registry
            )
            cells.append(Cell(target, found.object, dict(found.programs)))
        since = find_lowest(spec, assume_setup=assume_setup, registry=registry) if lowest else None
        rows.append(Row(name, tuple(cells), since))
    return Matrix(tuple(targets), tuple(rows))


def find_lowest(
    spec: CollectionSpec, *, assume_setup: bool = True, registry: Registry | None = None
) -> Lowest | None:
    """Return the oldest line of Linux from which on no release is known to reject an object.

    Releases are judged by tables alone, newest first, until one rejects the object: what came and
    went again counts from when it came back. Guards, loaders' substitutions and programs that are
    switched off are taken into account, which a maximum over features does not.

    Returns:
        None for objects of another platform.
    """
    if spec.numbering is not Platform.LINUX:
        return None
    above: str | None = None
    for line in reversed(known_lines(Platform.LINUX)):
        found = _judge_line(spec, line, assume_setup=assume_setup, registry=registry)
        if found is None:
            continue
        if found.object.status is Status.REJECTED:
            return Lowest(above, line, deciding(found.object))
        above = line
    return Lowest(above, None, None)


def _judge_line(
    spec: CollectionSpec, line: str, *, assume_setup: bool, registry: Registry | None
) -> ObjectVerdicts | None:
    try:
        target = Target.parse(f"linux:{line}")
        return judge_object(spec, target, assume_setup=assume_setup, registry=registry)
    except UnknownTargetError:
        return None


def deciding(verdict: Verdict) -> Finding | None:
    """Return the reason a verdict is told by: its first error, else its first doubt."""
    errors = (it for it in verdict.reasons if it.severity is Severity.ERROR)
    return next(errors, next(iter(verdict.reasons), None))
