"""Objects against targets: who loads where, since when, and what decides it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ebpf_static.lowest import find_lowest
from ebpf_static.registry import Registry
from ebpf_static.requirements.model import Lowest
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import ObjectLoader, Target
from ebpf_static.verdict import Verdict, judge_object


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


class Row(NamedTuple):
    """One object.

    Attributes:
        object: what it is called.
        cells: one for each target.
        lowest: on its own platform, as far as tables alone tell; None when not asked for.
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
    loader: ObjectLoader | None = None,
) -> Matrix:
    """Return the verdict on each object for each target.

    Args:
        objects: what each is called, and its spec.
        targets: the targets.
        assume_setup: as for :func:`ebpf_static.verdict.judge_object`.
        lowest: also look for the oldest release that takes each object.
        registry: where rules come from; by default everything installed.
        loader: as for :func:`ebpf_static.verdict.judge_object`.

    Raises:
        UnknownTargetError: a target is no release, or the loader is not known.
        UsageError: its BTF or configuration cannot be read.
    """
    rows = []
    for name, spec in objects:
        cells = []
        for target in targets:
            found = judge_object(
                spec, target, assume_setup=assume_setup, name=name, registry=registry,
                loader=loader,
            )  # fmt: skip
            cells.append(Cell(target, found.object, dict(found.programs)))
        since = (
            find_lowest(spec, assume_setup=assume_setup, registry=registry, loader=loader)
            if lowest
            else None
        )
        rows.append(Row(name, tuple(cells), since))
    return Matrix(tuple(targets), tuple(rows))
