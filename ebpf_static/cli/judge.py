"""Judges what ``check`` and ``scan`` were given, whatever happens to a single file."""

from __future__ import annotations

import sys
from argparse import Namespace
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
    from ebpf_static.scanning.finding import Terms
    from ebpf_static.scanning.runners import Runner


def judge(args: Namespace, choices: Choices) -> Report:
    """Return the report on everything the command line names."""
    from ebpf_static.findings import Report

    if STDIN in args.paths and len(args.paths) > 1:
        raise UsageError("'-' reads standard input and cannot be mixed with other paths")
    inputs = _stdin(args) if STDIN in args.paths else find(args, choices)
    report = _judge(args, choices, inputs)
    report = Report.merge((*(checker.preamble for checker in choices.checkers()), report))
    if report.objects or report.failures or not _must_find(args, inputs):
        return report
    return _nothing_found(args, inputs, report)


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
    from ebpf_static.scanning.runners import InProcess, InProcesses

    jobs: int = args.jobs
    if jobs == 0:
        from ebpf_static.scanning.pool import cpus

        jobs = cpus()
    # Only a process of its own can be ended when it takes too long.
    return InProcess() if jobs == 1 and args.timeout is None else InProcesses(jobs, args.timeout)


def _judge(args: Namespace, choices: Choices, inputs: Inputs) -> Report:
    from ebpf_static.scanning.judging import Judge

    progress = Progress(len(inputs.found), wanted=not (args.no_progress or args.quiet))
    try:
        with runner_for(args) as runner:
            work = Judge(
                choices.checker_for, runner, terms=terms_of(args, choices), watch=progress.step
            )
            report = work.run(inputs)
    finally:
        progress.done()
    if args.verbose > 1:
        for line in "".join(work.traces).splitlines():
            print(escape(line), file=sys.stderr)
    return report


def _stdin(args: Namespace) -> Inputs:
    """Return what standard input holds as the one file to read."""
    from ebpf_static.engine.inputs import Input, Inputs
    from ebpf_static.reading import read_bytes

    name = args.stdin_filename or "<stdin>"
    path = Path(args.stdin_filename) if args.stdin_filename else Path.cwd()
    item = Input(path, name, named=True, data=read_bytes(sys.stdin.buffer))
    return Inputs(found={name: item})


def _must_find(args: Namespace, inputs: Inputs) -> bool:
    """Tell whether finding nothing is worth a word: only a directory promises objects."""
    named = any(item.named for item in inputs.found.values())
    return args.everywhere or (not named and any(Path(path).is_dir() for path in args.paths or "."))


def _nothing_found(args: Namespace, inputs: Inputs, report: Report) -> Report:
    from ebpf_static.findings import Failure, Report

    where = ", ".join(f"'{path}'" for path in args.paths or ["."])
    message = f"no eBPF object in {where}: looked at {inputs.looked_at} files"
    if args.everywhere:
        if args.quiet < 2:
            complain(args, message, "note")
        return report
    failure = Failure.model_construct(object="", message=message)
    return Report.merge((report, Report.model_construct(failures=(failure,))))
