"""``ebpf-static diff``: what changed between two objects, or an object and its native image."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import write_document
from ebpf_static.errors import UsageError

NAME = "diff"

_FORMATS = ("text", "json")
_DESCRIPTION = """\
Show what differs between two objects: maps, programs, helpers, code. Given an object and a native
image (.sys, .dll), also tell whether the image was made from the object."""
_EPILOG = """\
examples:
  ebpf-static diff old/probe.o new/probe.o
  ebpf-static diff probe.o probe.sys --exit-code    was the driver made from the object?

exit status:
  0  compared
  1  something differs, with --exit-code
  2  a file could not be read"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "show what differs between two objects",
        _DESCRIPTION,
        arguments="A B",
        epilog=_EPILOG,
    )
    parser.add_argument("left", metavar="A", help="an object or native image")
    parser.add_argument("right", metavar="B", help="another one")
    group = add_data_format(parser, _FORMATS, heading="output and exit status")
    group.add_argument(
        "--exit-code", action="store_true", help="exit with 1 when something differs"
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.diff import Origin, compare
    from ebpf_static.reading import read

    report = compare(
        read(args.left),
        read(args.right),
        names=(args.left, args.right),
        left_data=_bytes(args.left),
        right_data=_bytes(args.right),
    )
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        text = dumps(report.model_dump(mode="json"))
    else:
        from ebpf_static.diff.text import render_text

        text = render_text(report)
    write_document(text, args.output_file)
    differs = bool(report.differences) or report.origin is Origin.DIFFERENT
    return ExitCode.FINDINGS if args.exit_code and differs else ExitCode.OK


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
