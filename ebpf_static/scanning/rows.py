"""Rows of a matrix, one for each object found."""

from __future__ import annotations

from typing import NamedTuple

from ebpf_static.engine.inputs import Inputs
from ebpf_static.errors import ObjectError, UnsupportedObjectError, UsageError
from ebpf_static.findings import Copies, Report
from ebpf_static.matrix import Matrix, Row, build_matrix
from ebpf_static.reading import read
from ebpf_static.scanning.finding import Finder, Found, Terms, Watch
from ebpf_static.scanning.once import Once, each_once
from ebpf_static.scanning.runners import Handle, Runner
from ebpf_static.target import ObjectLoader, Target


class FoundRows(NamedTuple):
    """A matrix, and what there is to say about finding its objects.

    Attributes:
        matrix: a row for each object that can be read.
        report: failures, what was skipped, and where else objects are.
    """

    matrix: Matrix
    report: Report


class Choices(NamedTuple):
    """What the rows are to tell.

    Attributes:
        targets: the columns.
        assume_setup: as for :func:`ebpf_static.matrix.build_matrix`.
        lowest: as above.
        loader: as above.
    """

    targets: tuple[Target, ...]
    assume_setup: bool = True
    lowest: bool = False
    loader: ObjectLoader | None = None


def make_row(source: bytes | str, name: str, choices: Choices) -> Row:
    """Return the row of one object.

    Raises:
        ObjectError: it cannot be read.
        UsageError: a file of a target cannot be.
    """
    made = build_matrix(
        [(name, read(source))], choices.targets,
        assume_setup=choices.assume_setup, lowest=choices.lowest, loader=choices.loader,
    )  # fmt: skip
    return made.rows[0]


def make_rows(
    inputs: Inputs, runner: Runner, choices: Choices, watch: Watch | None = None
) -> FoundRows:
    """Return the rows of all objects in files.

    Raises:
        UsageError: a file of a target cannot be read.
    """

    def start(found: Found) -> Handle[Row]:
        return runner.submit(make_row, found.part.source, found.part.name, choices)

    finder = Finder(runner, Terms(), watch)
    entries = each_once(finder, inputs, start)
    rows = tuple(
        entry.outcome._replace(object=entry.name)
        for entry in entries
        if _settle(entry, finder) and entry.outcome is not None
    )
    finder.finish()
    copies = tuple(Copies(e.name, e.other_names) for e in entries if e.copies and e.outcome)
    trouble = finder.trouble.report(inputs)
    report = Report.merge((trouble, Report.model_construct(copies=copies)))
    return FoundRows(Matrix(choices.targets, rows), report)


def _settle(entry: Once[Row], finder: Finder) -> bool:
    """Tell whether there is a row, and note why not where there is none."""
    error = entry.error
    if isinstance(error, UsageError):
        raise error
    for found in entry.everywhere:
        if isinstance(error, UnsupportedObjectError):
            finder.reject(found, error.detail)
        elif error is not None:
            text = error.detail if isinstance(error, ObjectError) else str(error)
            finder.trouble.fail(found.number, found.part.name, text)
        else:
            finder.is_object(found)
    return error is None
