"""Judges what ``check`` and ``scan`` were given, whatever happens to a single file."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.cli.options import STDIN
from ebpf_static.cli.progress import Progress
from ebpf_static.cli.settings import Choices
from ebpf_static.cli.streams import complain
from ebpf_static.errors import UsageError, escape

if TYPE_CHECKING:
    from ebpf_static.engine.inputs import Inputs
    from ebpf_static.findings import Report
    from ebpf_static.scanning.cache import Cache
    from ebpf_static.scanning.finding import Finder, Terms
    from ebpf_static.scanning.inventory import Inventory
    from ebpf_static.scanning.runners import Runner


def judge(args: Namespace, choices: Choices) -> Report:
    """Return the report on everything the command line names."""
    from ebpf_static.findings import Report

    inputs = inputs_of(args, choices)
    report = _judge(args, choices, inputs)
    report = Report.merge((*(checker.preamble for checker in choices.checkers()), report))
    if report.objects or report.failures:
        return report
    if args.everywhere:
        say_nothing_found(args, inputs)
        return report
    return _with_nothing_found(args, inputs, report)


def take_inventory(args: Namespace, choices: Choices) -> tuple[Inventory, Inputs]:
    """Return which objects there are in everything the command line names, and in what files."""
    from ebpf_static.scanning.inventory import Surveyor

    inputs = inputs_of(args, choices)
    with _progress(args, inputs) as progress, runner_for(args) as runner:
        work = Surveyor(runner, terms_of(args, choices), progress.step)
        inventory = work.run(inputs)
    _tell_of_unopened(args, work.finder)
    return inventory, inputs


def say_nothing_found(args: Namespace, inputs: Inputs) -> None:
    """Say that there is no object, unless nothing is to be said."""
    if args.quiet < 2:
        complain(args, nothing_found(args, inputs), "note")


def tell_of_others(args: Namespace, report: Report) -> None:
    """Say where else objects are and what was passed over."""
    for each in report.copies:
        for place in each.places:
            complain(args, f"{place} is the same as {each.object}", "note")
    for line in report.skipped:
        complain(args, f"skipped {line}", "note")


def find(args: Namespace, choices: Choices) -> Inputs:
    """Return the files the command line stands for."""
    from ebpf_static.engine.inputs import Inputs, find_inputs

    inputs = Inputs()
    for path in args.paths or ["."]:
        find_inputs(
            [path],
            exclude=choices.excluded_for(Path(path)),
            force_exclude=choices.force_exclude,
            respect_gitignore=choices.respect_gitignore,
            everywhere=args.everywhere,
            into=inputs,
        )
    return inputs


def terms_of(args: Namespace, choices: Choices) -> Terms:
    """Return what counts as a failure."""
    from ebpf_static.scanning.finding import Terms

    return Terms(lenient=args.skip_unrecognized, strict=choices.strict)


def runner_for(args: Namespace) -> Runner:
    """Return where the work is done."""
    if args.scheduler is not None:
        from ebpf_static.scanning.cluster import InCluster

        if args.jobs != 1 or args.timeout is not None:
            raise UsageError("--scheduler judges on a cluster: --jobs and --timeout are not for it")
        return InCluster(args.scheduler)
    from ebpf_static.scanning.runners import make_runner

    return make_runner(args.jobs, args.timeout)


def _judge(args: Namespace, choices: Choices, inputs: Inputs) -> Report:
    from ebpf_static.scanning.judging import Judge

    with ExitStack() as stack:
        kept = None
        if choices.cache_dir is not None:
            from ebpf_static.scanning.cache import Cache

            kept = stack.enter_context(Cache(Path(choices.cache_dir)))
        watch = stack.enter_context(_progress(args, inputs)).step
        runner = stack.enter_context(runner_for(args))
        terms = terms_of(args, choices)
        work = Judge(choices.checker_for, runner, terms=terms, kept=kept, watch=watch)
        report = work.run(inputs)
    _tell_of_unopened(args, work.finder)
    if args.verbose > 1:
        for line in "".join(work.traces).splitlines():
            print(escape(line), file=sys.stderr)
    if args.verbose and runner.lost:
        complain(args, f"{runner.lost} calls were lost and made again here", "note")
    if kept is not None:
        _tell_of_cache(args, kept)
    return report


def _tell_of_unopened(args: Namespace, finder: Finder) -> None:
    number = finder.trouble.unopened
    if number and not args.verbose and not args.quiet:
        parts = "1 part" if number == 1 else f"{number} parts"
        complain(args, f"{parts} could not be opened: -v lists them, --strict fails", "note")


def _tell_of_cache(args: Namespace, kept: Cache) -> None:
    if args.quiet < 2:
        for line in kept.notes:
            complain(args, line, "note")
    if args.verbose:
        reports = "1 report" if kept.hits == 1 else f"{kept.hits} reports"
        complain(args, f"{reports} came from the cache", "note")


def _progress(args: Namespace, inputs: Inputs) -> Progress:
    return Progress(len(inputs.found), wanted=not (args.no_progress or args.quiet))


def inputs_of(args: Namespace, choices: Choices) -> Inputs:
    """Return the files the command line stands for, or standard input.

    Raises:
        UsageError: it names both.
    """
    if STDIN not in args.paths:
        return find(args, choices)
    if len(args.paths) > 1:
        raise UsageError("'-' reads standard input and cannot be mixed with other paths")
    return _stdin(args)


def _stdin(args: Namespace) -> Inputs:
    """Return what standard input holds as the one file to read."""
    from ebpf_static.engine.inputs import Input, Inputs
    from ebpf_static.reading import read_bytes

    name = args.stdin_filename or "<stdin>"
    path = Path(args.stdin_filename) if args.stdin_filename else Path.cwd()
    item = Input(path, name, named=True, data=read_bytes(sys.stdin.buffer))
    return Inputs(found={name: item})


def _with_nothing_found(args: Namespace, inputs: Inputs, report: Report) -> Report:
    """Return the report with a failure for directories without an object: they promise some."""
    from ebpf_static.findings import Failure, Report

    named = any(item.named for item in inputs.found.values())
    if named or not any(Path(path).is_dir() for path in args.paths or ["."]):
        return report
    failure = Failure.model_construct(object="", message=nothing_found(args, inputs))
    return Report.merge((report, Report.model_construct(failures=(failure,))))


def nothing_found(args: Namespace, inputs: Inputs) -> str:
    """Return that there is no object, in words."""
    where = ", ".join(f"'{path}'" for path in args.paths or ["."])
    number = inputs.looked_at + sum(item.named for item in inputs.found.values())
    return f"no eBPF object in {where}: looked at {number} {'file' if number == 1 else 'files'}"
