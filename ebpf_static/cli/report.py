"""``ebpf-static report``: one HTML page about objects."""

from __future__ import annotations

from argparse import Namespace

from ebpf_static import __version__
from ebpf_static.cli import check_options
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_output_file
from ebpf_static.cli.streams import complain, write_document
from ebpf_static.errors import UsageError

NAME = "report"

_FORMATS = ("html",)
_DESCRIPTION = """\
Write one page about objects for a browser: which loads where and why not, findings with their
source, maps, programs, what is needed since when, code and pictures. The page needs no network.
Findings are those of 'check', verdicts those of 'matrix'; without a target those are for the
releases people run."""
_EPILOG = """\
examples:
  ebpf-static report --html build/ -o report.html
  ebpf-static report --html probe.o --target linux:5.4 --target linux:6.1 -o probe.html

exit status:
  0  the page was written, whatever it says
  2  something could not be read, which the page then says, or an option is wrong"""

_UNASKED = {
    "scheduler": None,
    "everywhere": False, "skip_unrecognized": False, "show_settings": False, "jobs": 1,
    "timeout": None,
}  # fmt: skip
"""What finding and judging take from a command line that has no such options."""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "write a page about objects for a browser", _DESCRIPTION,
        arguments="[PATH ...]", epilog=_EPILOG,
    )  # fmt: skip
    check_options.add_paths(parser)
    check_options.add_judgement(parser)
    check_options.add_selection(parser)
    check_options.add_suppression(parser)
    check_options.add_configuration(parser)
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output-format", choices=_FORMATS, default=_FORMATS[0],
        help="what to write (default: html)",
    )  # fmt: skip
    group.add_argument(
        "--html", action="store_const", const="html", dest="output_format",
        help="the same as --output-format html",
    )  # fmt: skip
    add_output_file(group)
    group.add_argument(
        "--no-progress", action="store_true", help="show no progress on the terminal"
    )
    add_common(parser)
    parser.set_defaults(**check_options.UNASKED, **_UNASKED, run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.cli.check import show
    from ebpf_static.cli.judge import inputs_of, nothing_found
    from ebpf_static.cli.report_entries import collect
    from ebpf_static.cli.settings import Choices
    from ebpf_static.output.html import Page, render
    from ebpf_static.output.rule_page import pages_of

    choices = Choices(args)
    if args.show_files:
        return show(args, choices)
    inputs = inputs_of(args, choices)
    found = collect(args, choices, inputs)
    if not found.entries and not found.failures:
        raise UsageError(nothing_found(args, inputs))
    for failure in found.failures:
        text = f"{failure.object}: {failure.message}" if failure.object else failure.message
        complain(args, text)
    if not found.entries:
        return ExitCode.FAILURE  # a page about nothing would take the place of the last one
    rules = {rule.entry.code: rule for each in choices.checkers() for rule in each.rules}
    codes = {it.code for entry in found.entries for it in entry.findings}
    page = Page(
        found.columns,
        tuple(str(target) for target in found.judged_for),
        found.entries,
        found.failures,
        pages_of(rules.values(), codes),
        __version__,
    )
    write_document(render(page), args.output_file)
    return ExitCode.FAILURE if found.failures else ExitCode.OK
