"""``ebpf-static check``: judge objects, print what is wrong, exit with the verdict."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.cli import check_options
from ebpf_static.cli.check_options import FILE_VARIABLE, FORMAT_VARIABLE
from ebpf_static.cli.exitcodes import ExitCode, exit_code
from ebpf_static.cli.options import Commands, add_command, add_common, choice_from_env
from ebpf_static.cli.streams import complain, style_for, write_document
from ebpf_static.output import DESCRIBING_FORMATS, FORMATS, LINKING_FORMATS, get_renderer
from ebpf_static.output.style import RenderOptions, Style

if TYPE_CHECKING:
    from ebpf_static.cli.settings import Choices
    from ebpf_static.findings import Report
    from ebpf_static.output.rule_page import RulePage

NAME = "check"

_DESCRIPTION = """\
Judge compiled eBPF objects: by the platform each was made for, or for the platforms and releases
you name. Directories are searched by content, whatever the files are called. Settings come from
the closest ebpf-static.toml, or [tool.ebpf-static] in pyproject.toml ('ebpf-static config' lists
them)."""
_EPILOG = """\
examples:
  ebpf-static check build/
  ebpf-static check probe.o --target linux:5.15 --target windows:1.1
  ebpf-static check probe.o --target debian:12 --btf vmlinux --kconfig config
  ebpf-static check build/ --ignore MAP,HLP101 --output-format sarif -o report.sarif

exit status:
  0  nothing at or above --fail-on
  1  findings
  2  the job could not be done: a wrong option, a file that cannot be read or is not a BPF
     object, a rule that crashed (everything else is still judged)"""
_NO_RELEASE = (
    "no release was judged for: name one (--target linux:6.1), or ask 'ebpf-static requires'"
)
_MAX_STALE = 20
"""Stale entries of a baseline spelled out on standard error."""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "judge compiled eBPF objects", _DESCRIPTION,
        arguments="[PATH ...]", epilog=_EPILOG,
    )  # fmt: skip
    check_options.add_paths(parser).add_argument(
        "--skip-unrecognized", action="store_true",
        help="pass over named files that are no BPF objects and hold none instead of failing",
    )  # fmt: skip
    add_reporting(parser)
    check_options.add_cache(check_options.add_work(parser))
    add_common(parser)
    parser.set_defaults(run=run, everywhere=False, scheduler=None)


def add_reporting(parser: ArgumentParser) -> None:
    """Add how to judge and report."""
    check_options.add_judgement(parser)
    check_options.add_selection(parser)
    check_options.add_suppression(parser).add_argument(
        "--write-baseline", metavar="FILE", help="write the findings that count to FILE"
    )
    check_options.add_configuration(parser).add_argument(
        "--show-settings", action="store_true", help="print the settings for the paths and stop"
    )
    check_options.add_output(parser)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.cli.settings import Choices

    return run_judgement(args, Choices(args))


def run_judgement(args: Namespace, choices: Choices) -> int:
    """Judge what the command line names, report on it and return the exit status."""
    from ebpf_static.cli.judge import judge

    if args.show_settings or args.show_files:
        return show(args, choices)
    output_format, output_file = format_of(args, choices)
    report = _with_baseline(args, choices, judge(args, choices))
    _report_on_run(args, choices, report)
    if output_format == FORMATS[0] and not args.quiet and _judged_for_no_release(report, choices):
        complain(args, _NO_RELEASE, "note")
    if args.quiet < 2 or output_file is not None:
        text = _rendered(report, output_format, output_file, args, choices)
        write_document(text, output_file)
    return exit_code(report, fail_on=choices.fail_on, exit_zero=args.exit_zero)


def format_of(args: Namespace, choices: Choices) -> tuple[str, str | None]:
    """Return how and where to write, as options, environment and configuration say.

    Raises:
        UsageError: the environment names a format that does not exist.
    """
    output_format = (
        args.output_format or choice_from_env(FORMAT_VARIABLE, FORMATS)
        or choices.output_format or FORMATS[0]
    )  # fmt: skip
    return output_format, args.output_file or os.environ.get(FILE_VARIABLE) or None


def _with_baseline(args: Namespace, choices: Choices, report: Report) -> Report:
    """Write the baseline if asked to, and return the report with what it lists suppressed."""
    file = args.write_baseline or choices.baseline
    if file is None:
        return report
    from ebpf_static.engine.baseline import apply_baseline, read_baseline, write_baseline

    if args.write_baseline:
        number = write_baseline(Path(file), report)
        noun = "finding" if number == 1 else "findings"
        complain(args, f"wrote {number} {noun} to '{file}'", "note")
    return apply_baseline(report, read_baseline(Path(file)), file)


def _rendered(
    report: Report, output_format: str, output_file: str | None, args: Namespace, choices: Choices
) -> str:
    if output_file is not None:
        style = Style(args.color == "always")
    else:
        style = style_for(sys.stdout, args.color)
    options = RenderOptions(
        style, footer=not args.quiet, statistics=args.statistics, fail_on=choices.fail_on,
        pages=_pages(report, choices) if output_format in DESCRIBING_FORMATS else (),
        links=_links(choices) if _has_links(output_format, output_file, style) else {},
    )  # fmt: skip
    return get_renderer(output_format)(report, options)


def _has_links(output_format: str, output_file: str | None, style: Style) -> bool:
    """Tell whether rules' pages are to be named: by some formats, and on a terminal."""
    on_terminal = output_file is None and style.enabled and sys.stdout.isatty()
    return on_terminal or output_format in LINKING_FORMATS


def _judged_for_no_release(report: Report, choices: Choices) -> bool:
    """Tell whether finding no error is no promise: what kernels lack was not looked at."""
    if report.targets or not report.objects or not report.ok:
        return False
    return any(rule.entry.release_only for each in choices.checkers() for rule in each.rules)


def _links(choices: Choices) -> dict[str, str]:
    """Return where the pages of rules are."""
    from ebpf_static.output.rule_page import url_of

    return {rule.entry.code: url_of(rule) for each in choices.checkers() for rule in each.rules}


def _pages(report: Report, choices: Choices) -> tuple[RulePage, ...]:
    from ebpf_static.output.rule_page import pages_of

    rules = {rule.entry.code: rule for each in choices.checkers() for rule in each.rules}
    return pages_of(rules.values(), {finding.code for finding in report.findings})


def show(args: Namespace, choices: Choices) -> int:
    """Print files or settings instead of judging anything."""
    if args.show_settings:
        from ebpf_static.cli.show_settings import describe_settings

        write_document(describe_settings(args, choices), args.output_file)
        return ExitCode.OK
    from ebpf_static.cli.judge import find
    from ebpf_static.errors import escape

    inputs = find(args, choices)
    for failure in inputs.failures:
        complain(args, f"{failure.object}: {failure.message}")
    write_document("".join(f"{escape(name)}\n" for name in inputs.found), args.output_file)
    return ExitCode.FAILURE if inputs.failures else ExitCode.OK


def _report_on_run(args: Namespace, choices: Choices, report: Report) -> None:
    for failure in report.failures:
        text = f"{failure.object}: {failure.message}" if failure.object else failure.message
        complain(args, text)
    if args.quiet < 2:
        for line in report.stale[:_MAX_STALE]:
            complain(args, f"in the baseline, but gone: {line}", "note")
        if len(report.stale) > _MAX_STALE:
            complain(args, f"… and {len(report.stale) - _MAX_STALE} more entries", "note")
    if args.verbose:
        from ebpf_static.cli.judge import tell_of_others
        from ebpf_static.cli.show_settings import iter_remarks

        for line in iter_remarks(choices, report):
            complain(args, line, "note")
        tell_of_others(args, report)
