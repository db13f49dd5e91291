"""Judges what ``check`` was given, whatever happens to a single file."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.cli.options import STDIN
from ebpf_static.cli.progress import Progress
from ebpf_static.cli.settings import Choices
from ebpf_static.errors import (
    ConfigError,
    EbpfStaticError,
    ObjectError,
    UnknownRuleError,
    UnknownTargetError,
    UnsupportedObjectError,
    UsageError,
)

if TYPE_CHECKING:
    from ebpf_static.engine.inputs import Input, Inputs
    from ebpf_static.findings import Report


def judge(args: Namespace, choices: Choices) -> Report:
    """Return the report on everything the command line names."""
    from ebpf_static.findings import Report

    report = (_judge_stdin if STDIN in args.paths else _judge_paths)(args, choices)
    return Report.merge((*(checker.preamble for checker in choices.checkers()), report))


def find(args: Namespace, choices: Choices) -> Inputs:
    """Return the files the command line stands for."""
    from ebpf_static.engine.inputs import Inputs, find_inputs

    inputs = Inputs()
    for path in args.paths or ["."]:
        exclude = choices.excluded_for(Path(path))
        find_inputs(
            [path],
            exclude=exclude,
            force_exclude=choices.force_exclude,
            respect_gitignore=choices.respect_gitignore,
            into=inputs,
        )
    return inputs


def _judge_paths(args: Namespace, choices: Choices) -> Report:
    from ebpf_static.findings import Report

    paths = args.paths or ["."]
    inputs = find(args, choices)
    reports = [Report.model_construct(skipped=tuple(inputs.skipped))]
    progress = Progress(len(inputs.found), wanted=not (args.no_progress or args.quiet))
    try:
        for number, item in enumerate(inputs.found.values(), 1):
            progress.step(number, item.name)
            reports.append(_judge_one(item, args, choices))
    finally:
        progress.done()
    failures = [*inputs.failures, *(inputs.unread if choices.strict else ())]
    report = Report.merge((*reports, Report.model_construct(failures=tuple(failures))))
    if report.objects or report.failures or not _must_find(inputs, paths):
        return report
    return Report.merge((report, _nothing_found(paths, inputs.looked_at)))


def _must_find(inputs: Inputs, paths: list[str]) -> bool:
    """Tell whether finding nothing is a failure: only a directory promises objects."""
    named = any(item.named for item in inputs.found.values())
    return not named and any(Path(path).is_dir() for path in paths)


def _nothing_found(paths: list[str], looked_at: int) -> Report:
    from ebpf_static.findings import Failure, Report

    where = ", ".join(f"'{path}'" for path in paths)
    message = f"no BPF object in {where}: looked at the first bytes of {looked_at} files"
    return Report.model_construct(failures=(Failure.model_construct(object="", message=message),))


def _judge_one(item: Input, args: Namespace, choices: Choices) -> Report:
    from ebpf_static.findings import Failure, Report

    try:
        return choices.checker_for(item.path).check(item.path, item.name)
    except (ConfigError, UnknownRuleError, UnknownTargetError):
        raise  # concerns the run, not this file
    except UnsupportedObjectError as error:
        is_ours = item.named and not args.skip_unrecognized
        if not is_ours and not (choices.strict and item.claims_bpf):
            return Report.model_construct(skipped=(f"{item.name}: {error.detail}",))
        message = error.detail
    except ObjectError as error:
        message = error.detail
    except EbpfStaticError as error:
        message = str(error).removeprefix(f"{item.path}: ")
    except Exception as error:  # noqa: BLE001 - one file must not take the others down
        message = _internal(args, error)
    return Report.model_construct(
        failures=(Failure.model_construct(object=item.name, message=message),)
    )


def _judge_stdin(args: Namespace, choices: Choices) -> Report:
    from ebpf_static.findings import Report
    from ebpf_static.limits import MAX_OBJECT_BYTES

    if len(args.paths) > 1:
        raise UsageError("'-' reads standard input and cannot be mixed with other paths")
    data = sys.stdin.buffer.read(MAX_OBJECT_BYTES + 1)
    name = args.stdin_filename or "<stdin>"
    path = Path(args.stdin_filename) if args.stdin_filename else Path.cwd()
    try:
        return choices.checker_for(path).check(data, name)
    except UnsupportedObjectError as error:
        if not args.skip_unrecognized:
            raise
        return Report.model_construct(skipped=(f"{name}: {error.detail}",))


def _internal(args: Namespace, error: Exception) -> str:
    if args.verbose > 1:
        import traceback

        traceback.print_exception(error)
    return (
        f"internal error: {type(error).__name__}: {error} "
        "(rerun with -vv for the traceback, and please report it)"
    )
