"""``ebpf-static check``: judge objects, print what is wrong, exit with the verdict."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.cli.exitcodes import SEVERITIES, exit_code
from ebpf_static.cli.options import (
    STDIN,
    Commands,
    add_command,
    add_common,
    add_output_file,
    choice_from_env,
)
from ebpf_static.cli.streams import complain, style_for, write_document
from ebpf_static.errors import EbpfStaticError, ObjectError, UnsupportedObjectError, UsageError
from ebpf_static.output import DESCRIBING_FORMATS, FORMATS, get_renderer
from ebpf_static.output.style import RenderOptions, Style

if TYPE_CHECKING:
    from ebpf_static.api import Checker
    from ebpf_static.engine.inputs import Input, Inputs
    from ebpf_static.findings import Report
    from ebpf_static.output.rule_page import RulePage

NAME = "check"
FORMAT_VARIABLE = "EBPF_STATIC_OUTPUT_FORMAT"

_DESCRIPTION = """\
Judge compiled eBPF objects: by the platform each was made for, or for the platform you name.
Directories are searched by content, whatever the files are called; .gitignore is not consulted."""
_EPILOG = """\
exit status:
  0  nothing at or above --fail-on
  1  findings
  2  the job could not be done: a wrong option, a file that cannot be read or is not a BPF
     object, a rule that crashed (everything else is still judged)"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "judge compiled eBPF objects", _DESCRIPTION,
        arguments="[PATH ...]", epilog=_EPILOG,
    )  # fmt: skip
    _add_inputs(parser)
    _add_judgement(parser)
    _add_output(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.api import Checker

    output_format = args.output_format or choice_from_env(FORMAT_VARIABLE, FORMATS) or FORMATS[0]
    checker = Checker.prepare(
        platform=args.platform, targets=args.target, select=args.select or ("ALL",),
        ignore=args.ignore,
    )  # fmt: skip
    report = _judge_stdin(args, checker) if STDIN in args.paths else _judge_paths(args, checker)
    _report_on_run(args, report)
    if args.quiet < 2 or args.output_file is not None:
        write_document(_rendered(report, output_format, args, checker), args.output_file)
    return exit_code(report, fail_on=args.fail_on, exit_zero=args.exit_zero)


def _rendered(report: Report, output_format: str, args: Namespace, checker: Checker) -> str:
    if args.output_file is not None:
        style = Style(args.color == "always")
    else:
        style = style_for(sys.stdout, args.color)
    options = RenderOptions(
        style, footer=not args.quiet, statistics=args.statistics, fail_on=args.fail_on,
        pages=_pages(report, checker) if output_format in DESCRIBING_FORMATS else (),
    )  # fmt: skip
    return get_renderer(output_format)(report, options)


def _pages(report: Report, checker: Checker) -> tuple[RulePage, ...]:
    from ebpf_static.output.rule_page import pages_of

    return pages_of(checker.rules, {finding.code for finding in report.findings})


def _judge_paths(args: Namespace, checker: Checker) -> Report:
    from ebpf_static.engine.inputs import find_inputs
    from ebpf_static.findings import Report

    paths = args.paths or ["."]
    inputs = find_inputs(paths, exclude=_split(args.exclude), force_exclude=args.force_exclude)
    reports = [checker.preamble, Report.model_construct(skipped=tuple(inputs.skipped))]
    reports += [_judge(item, args, checker) for item in inputs.found.values()]
    report = Report.merge((*reports, Report.model_construct(failures=tuple(inputs.failures))))
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


def _judge(item: Input, args: Namespace, checker: Checker) -> Report:
    from ebpf_static.findings import Failure, Report

    try:
        return checker.check(item.path, item.name)
    except UnsupportedObjectError as error:
        if not item.named or args.skip_unrecognized:
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


def _judge_stdin(args: Namespace, checker: Checker) -> Report:
    from ebpf_static.findings import Report
    from ebpf_static.limits import MAX_OBJECT_BYTES

    if len(args.paths) > 1:
        raise UsageError("'-' reads standard input and cannot be mixed with other paths")
    data = sys.stdin.buffer.read(MAX_OBJECT_BYTES + 1)
    name = args.stdin_filename or "<stdin>"
    try:
        judged = checker.check(data, name)
    except UnsupportedObjectError as error:
        if not args.skip_unrecognized:
            raise
        judged = Report.model_construct(skipped=(f"{name}: {error.detail}",))
    return Report.merge((checker.preamble, judged))


def _internal(args: Namespace, error: Exception) -> str:
    if args.verbose > 1:
        import traceback

        traceback.print_exception(error)
    return (
        f"internal error: {type(error).__name__}: {error} "
        "(rerun with -vv for the traceback, and please report it)"
    )


def _report_on_run(args: Namespace, report: Report) -> None:
    for failure in report.failures:
        text = f"{failure.object}: {failure.message}" if failure.object else failure.message
        complain(args, text)
    if args.verbose:
        for line in report.skipped:
            complain(args, f"skipped {line}", "note")


def _split(values: list[str]) -> list[str]:
    return [part for value in values for part in value.split(",") if part]


def _add_inputs(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="PATH",
        help="files, directories, glob patterns, or - for standard input (default: .)",
    )  # fmt: skip
    group = parser.add_argument_group("file selection")
    group.add_argument(
        "--exclude", action="append", default=[], metavar="GLOBS",
        help="pass over matching paths or names in directories",
    )  # fmt: skip
    group.add_argument(
        "--force-exclude", action="store_true", help="exclude even files that are named"
    )
    group.add_argument(
        "--skip-unrecognized", action="store_true",
        help="pass over named files that are not BPF objects instead of failing",
    )  # fmt: skip
    group.add_argument(
        "--stdin-filename", metavar="NAME", help="what to call the object read from -"
    )


def _add_judgement(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("judged for")
    group.add_argument(
        "--platform", choices=("linux", "windows"),
        help="any release of this platform (default: the platform each object is made for)",
    )  # fmt: skip
    group.add_argument(
        "--target", action="append", default=[], metavar="PLATFORM[:VERSION]",
        help="a platform and release such as linux:5.15; may be repeated",
    )  # fmt: skip
    group = parser.add_argument_group("rule selection")
    group.add_argument(
        "--select", action="append", default=[], metavar="RULES",
        help="codes, prefixes or names, separated by commas (default: ALL)",
    )  # fmt: skip
    group.add_argument(
        "--ignore", action="append", default=[], metavar="RULES",
        help="the same, left out; the more specific of --select and --ignore wins",
    )  # fmt: skip


def _add_output(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("output and exit status")
    group.add_argument(
        "--output-format", choices=FORMATS, default=None,
        help=f"default: {FORMATS[0]}, or what {FORMAT_VARIABLE} says",
    )  # fmt: skip
    add_output_file(group)
    group.add_argument("--statistics", action="store_true", help="count findings by rule")
    group.add_argument(
        "--fail-on", choices=SEVERITIES, default="error",
        help="the mildest severity that exits with 1 (default: error)",
    )  # fmt: skip
    group.add_argument(
        "--exit-zero", action="store_true", help="exit with 0 whatever is found; 2 stays 2"
    )
