"""``ebpf-static scan``: find and judge every object in images, packages and whole trees."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ebpf_static.cli import check_options
from ebpf_static.cli.check import add_reporting, format_of, run_judgement
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common
from ebpf_static.cli.streams import complain, style_for, write_document
from ebpf_static.output.style import Style

if TYPE_CHECKING:
    from ebpf_static.cli.settings import Choices
    from ebpf_static.scanning.inventory import Inventory

NAME = "scan"

_DESCRIPTION = """\
Find every eBPF object in files and directories and in all that they contain (programs,
libraries, archives, packages, container images), and judge them as 'check' does. What is found
more than once is judged and reported once. A file without an object is no failure."""
_EPILOG = """\
examples:
  ebpf-static scan image.tar --target debian:12
  ebpf-static scan /usr --jobs auto --output-format json -o report.json
  ebpf-static scan agent.deb agent.rpm --list

exit status:
  0  nothing at or above --fail-on; also when there is no object at all
  1  findings
  2  the job could not be done: a wrong option, a file that cannot be read, an object that
     kills what judges it, a rule that crashed (everything else is still judged)"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "find and judge objects in images, packages and trees", _DESCRIPTION,
        arguments="PATH ...", epilog=_EPILOG,
    )  # fmt: skip
    check_options.add_paths(parser, nargs="+").add_argument(
        "--list", action="store_true",
        help="list the objects with checksum, platform, programs and maps, and judge none "
        "(--output-format full, concise, json or jsonl)",
    )  # fmt: skip
    add_reporting(parser)
    work = check_options.add_work(parser)
    check_options.add_cache(work)
    work.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="judge on the Dask cluster with this scheduler (tcp://host:port); files are read here "
        "and sent to it",
    )  # fmt: skip
    add_common(parser)
    parser.set_defaults(run=run, everywhere=True, skip_unrecognized=True)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.cli.settings import Choices

    choices = Choices(args)
    return _list(args, choices) if args.list else run_judgement(args, choices)


def _list(args: Namespace, choices: Choices) -> int:
    from ebpf_static.cli.judge import say_nothing_found, take_inventory
    from ebpf_static.errors import UsageError
    from ebpf_static.output import inventory as written

    output_format, output_file = format_of(args, choices)
    if output_format not in written.FORMATS:
        raise UsageError(
            f"--list cannot be written as {output_format}: choose from {', '.join(written.FORMATS)}"
        )
    inventory, inputs = take_inventory(args, choices)
    _report_on_run(args, inventory)
    if not inventory.objects and not inventory.failures:
        say_nothing_found(args, inputs)
    if output_file is None:
        style = style_for(sys.stdout, args.color)
    else:
        style = Style(args.color == "always")
    write_document(written.render(inventory, output_format, style), output_file)
    return ExitCode.FAILURE if inventory.failures else ExitCode.OK


def _report_on_run(args: Namespace, inventory: Inventory) -> None:
    for failure in inventory.failures:
        complain(args, f"{failure.object}: {failure.message}")
    if args.verbose:
        for line in inventory.skipped:
            complain(args, f"skipped {line}", "note")
