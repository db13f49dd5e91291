"""Collects what a page says of each object."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, field
from typing import NamedTuple

from ebpf_static.api import Checker
from ebpf_static.cli.judge import runner_for, terms_of
from ebpf_static.cli.progress import Progress
from ebpf_static.cli.settings import Choices
from ebpf_static.engine.inputs import Inputs
from ebpf_static.errors import EbpfStaticError, FormatError, UnsupportedObjectError
from ebpf_static.findings import Failure, Report
from ebpf_static.graph.flows import TargetFlows
from ebpf_static.matrix import Cell, Row, build_matrix
from ebpf_static.output.html import Entry
from ebpf_static.output.html.model import Contents
from ebpf_static.output.html.page import MAX_OBJECTS
from ebpf_static.requirements import Requirements, requires
from ebpf_static.scanning.finding import Finder, Found
from ebpf_static.specs import CollectionSpec
from ebpf_static.support.targets import default_matrix, parse_target
from ebpf_static.target import ObjectLoader, Platform, Target
from ebpf_static.verdict import Status, Verdict


class Collected(NamedTuple):
    """What goes onto a page.

    Attributes:
        columns: the targets of the matrix.
        judged_for: what findings were judged for; empty for each object's own platform.
        entries: the objects.
        failures: what could not be done.
    """

    columns: tuple[Target, ...]
    judged_for: tuple[Target, ...]
    entries: tuple[Entry, ...]
    failures: tuple[Failure, ...]


@dataclass
class _Judged:
    """One object as ``check`` judges it; without a spec when it is malformed."""

    name: str
    checker: Checker
    report: Report
    spec: CollectionSpec | None = None
    copies: list[str] = field(default_factory=list)


def collect(args: Namespace, choices: Choices, inputs: Inputs) -> Collected:
    """Return what a page says of everything the command line names.

    Raises:
        UsageError: what the run was asked for does not exist, or a file of it cannot be read.
    """
    wanted = not (args.no_progress or args.quiet)
    with Progress(len(inputs.found), wanted=wanted) as progress, runner_for(args) as runner:
        finder = Finder(runner, terms_of(args, choices), progress.step)
        judged = _judge_all(choices, finder, inputs)
    judged_for = tuple(dict.fromkeys(t for each in choices.checkers() for t in each.targets))
    columns = judged_for or _usual([it.spec for it in judged if it.spec is not None])
    entries = []
    with Progress(len(judged), wanted=wanted) as progress:
        for number, item in enumerate(judged, 1):
            progress.step(number, item.name)
            entries.append(_entry(item, columns if number <= MAX_OBJECTS else None))
    failures = [failure for each in choices.checkers() for failure in each.preamble.failures]
    failures += [failure for it in judged for failure in it.report.failures]
    failures += finder.trouble.report(inputs).failures
    return Collected(columns, judged_for, tuple(entries), tuple(dict.fromkeys(failures)))


def _judge_all(choices: Choices, finder: Finder, inputs: Inputs) -> list[_Judged]:
    """Return every object once, by the name it is first met under."""
    known: dict[tuple[int, bytes], _Judged] = {}
    for found in finder.iter_found(inputs.found.values()):
        checker = choices.checker_for(found.item.path)
        key = (id(checker), found.part.identity or found.part.name.encode("utf-8", "replace"))
        if key in known:
            known[key].copies.append(found.part.name)
            finder.is_object(found)
            continue
        judged = _judge(choices, checker, finder, found)
        if judged is not None:
            known[key] = judged
            finder.is_object(found)
    finder.finish()
    return list(known.values())


def _judge(choices: Choices, checker: Checker, finder: Finder, found: Found) -> _Judged | None:
    """Return what is wrong with an object, and the object; None for what is none."""
    name, source = found.part.name, found.part.source
    try:
        spec = checker.read(source)
        return _Judged(name, checker, choices.without_accepted(checker.check(spec, name)), spec)
    except UnsupportedObjectError as error:
        finder.reject(found, error.detail)
    except FormatError:
        return _Judged(name, checker, choices.without_accepted(checker.check(source, name)))
    except EbpfStaticError as error:
        finder.trouble.fail(found.number, name, str(error))
    return None


def _entry(judged: _Judged, targets: tuple[Target, ...] | None) -> Entry:
    """Return what the page says of an object; without targets there is no room to say it."""
    if targets is None:
        return Entry(judged.name, (), 0, Row(judged.name, (), None))
    name, spec, findings = judged.name, judged.spec, judged.report.active
    suppressed = len(judged.report.findings) - len(findings)
    if spec is None:
        verdict = Verdict(Status.REJECTED, judged.report.findings)
        row = Row(name, tuple(Cell(target, verdict, {}) for target in targets), None)
        return Entry(name, findings, suppressed, row, copies=tuple(judged.copies))
    loader = judged.checker.loader
    (row,) = build_matrix([(name, spec)], targets, lowest=True, loader=loader).rows
    sources = judged.checker.policy.sources
    contents = Contents(
        spec,
        _needs(spec, name, loader),
        TargetFlows(spec, judged.checker.views(spec, name)),
        str if sources is None else sources.map,
    )
    return Entry(name, findings, suppressed, row, contents, tuple(judged.copies))


def _needs(spec: CollectionSpec, name: str, loader: ObjectLoader | None) -> Requirements | str:
    """Return what an object needs, or why that cannot be told: its debug information lies."""
    try:
        return requires(spec, name=name, loader=loader)
    except FormatError as error:
        return error.detail


def _usual(specs: list[CollectionSpec]) -> tuple[Target, ...]:
    """Return the releases people run of the platforms there are objects for."""
    platforms = {spec.numbering for spec in specs} or {Platform.LINUX}
    wanted = (it for it in (Platform.LINUX, Platform.WINDOWS) if it in platforms)
    return tuple(parse_target(name) for platform in wanted for name in default_matrix(platform))
