"""``ebpf-static matrix``: which objects load on which targets."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ebpf_static.cli.check_options import add_kernel_files, add_loader, add_work
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import complain, style_for, write_document
from ebpf_static.errors import UsageError
from ebpf_static.output.style import Style
from ebpf_static.target import Platform, Target

if TYPE_CHECKING:
    from ebpf_static.scanning.rows import FoundRows

NAME = "matrix"

_FORMATS = ("text", "json", "markdown")
_DESCRIPTION = """\
Tell which objects load on which targets, and what decides it. Each object is judged for each
target as 'check' does; a cell says whether everything a loader loads unasked loads together.
Without --target, the releases people run are meant."""
_EPILOG = """\
examples:
  ebpf-static matrix build/                       the releases people run
  ebpf-static matrix probe.o --target linux:5.4 --target rhel:9.4 --target windows:1.1
  ebpf-static matrix build/ --lowest --output-format markdown

exit status:
  0  the table was made, whatever it says
  2  an object could not be read, none was found, or an option is wrong"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "tell which objects load on which targets", _DESCRIPTION,
        arguments="PATH ...", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument("paths", metavar="PATH", nargs="+", help="objects, or directories of them")
    group = parser.add_argument_group("judged for")
    group.add_argument(
        "--target", action="append", default=[], metavar="TARGET",
        help="judge for a release (linux:5.15, windows:1.1) or a distribution (debian:12); may be "
        "repeated (default: the releases people run)",
    )  # fmt: skip
    add_kernel_files(group)
    add_loader(group)
    group.add_argument(
        "--as-is", action="store_true",
        help="do not assume that the objects' own loaders give a size to maps without one",
    )  # fmt: skip
    group.add_argument(
        "--lowest", action="store_true",
        help="add the oldest release from which on each object is not rejected",
    )  # fmt: skip
    add_work(parser)
    add_data_format(parser, _FORMATS)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.output import matrix_text

    matrix, report = _rows(args)
    if args.output_format == "json":
        text = matrix_text.render_json(matrix)
    elif args.output_format == "markdown":
        text = matrix_text.render_markdown(matrix)
    else:
        colored = args.output_file is None
        style = style_for(sys.stdout, args.color) if colored else Style(args.color == "always")
        text = matrix_text.render_text(matrix, style)
    write_document(text, args.output_file)
    return ExitCode.FAILURE if report.failures else ExitCode.OK


def _targets(args: Namespace) -> list[Target]:
    """Return the targets named, or the releases people run; with the kernel files given."""
    from ebpf_static.api import require_release, with_kernel_files, with_machine
    from ebpf_static.support.targets import default_matrix, parse_target

    names = args.target or list(default_matrix(Platform.LINUX))
    named = tuple(dict.fromkeys(parse_target(name) for name in names))
    found = with_kernel_files(named, args.btf, args.kconfig, args.profile)
    return [require_release(it) for it in with_machine(found, args.arch, args.page_size)]


def _rows(args: Namespace) -> FoundRows:
    """Return the rows of all objects, and say what could not be read."""
    from ebpf_static.cli.judge import nothing_found, tell_of_others
    from ebpf_static.cli.progress import Progress
    from ebpf_static.cli.settings import open_files
    from ebpf_static.engine.inputs import find_inputs
    from ebpf_static.scanning.rows import Choices, make_rows
    from ebpf_static.scanning.runners import make_runner
    from ebpf_static.support.loaders import resolve_loader

    loader = resolve_loader(args.loader) if args.loader else None
    choices = Choices(tuple(_targets(args)), not args.as_is, args.lowest, loader)
    open_files(choices.targets)
    inputs = find_inputs(args.paths)
    with (
        Progress(len(inputs.found), wanted=not args.quiet) as progress,
        make_runner(args.jobs, args.timeout) as runner,
    ):
        found = make_rows(inputs, runner, choices, progress.step)
    for failure in found.report.failures:
        complain(args, f"{failure.object}: {failure.message}")
    if not found.matrix.rows and not found.report.failures:
        raise UsageError(nothing_found(args, inputs))
    if args.verbose:
        tell_of_others(args, found.report)
    return found
