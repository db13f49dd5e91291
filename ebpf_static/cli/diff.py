"""``ebpf-static diff``: what changed between two objects, or an object and its native image."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ebpf_static.cli.check_options import add_kernel_files
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import write_document
from ebpf_static.errors import UsageError

NAME = "diff"
SCHEMA_VERSION = 1

_FORMATS = ("text", "json")
_DESCRIPTION = """\
Show what differs between two objects: maps, programs, helpers, code, what they need of their
platform, and the lowest release they load on, with what decides it. Given an object and a native
image (.sys, .dll), tell whether the image was made from the object instead."""
_EPILOG = """\
examples:
  ebpf-static diff old/probe.o new/probe.o
  ebpf-static diff old/probe.o new/probe.o --fail-on-regression --target linux:5.4
  ebpf-static diff probe.o probe.sys --exit-code    was the driver made from the object?

exit status:
  0  compared
  1  something differs, with --exit-code; B loads on fewer releases, with --fail-on-regression
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
    group = parser.add_argument_group("judged for")
    group.add_argument(
        "--target", action="append", default=[], metavar="TARGET",
        help="also tell whether B loads where A did: a release (linux:5.15, windows:1.1) or a "
        "distribution (debian:12); may be repeated",
    )  # fmt: skip
    add_kernel_files(group)
    group = add_data_format(parser, _FORMATS, heading="output and exit status")
    group.add_argument(
        "--exit-code", action="store_true", help="exit with 1 when something differs"
    )
    group.add_argument(
        "--fail-on-regression", action="store_true",
        help="exit with 1 when the lowest release rises, or B does not load on a target A loads on",
    )  # fmt: skip
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.api import with_kernel_files, with_machine
    from ebpf_static.diff import Origin, compare
    from ebpf_static.reading import read
    from ebpf_static.support.targets import parse_target

    targets = tuple(dict.fromkeys(parse_target(name) for name in args.target))

    report = compare(
        read(args.left),
        read(args.right),
        names=(args.left, args.right),
        left_data=_bytes(args.left),
        right_data=_bytes(args.right),
        targets=with_machine(
            with_kernel_files(targets, args.btf, args.kconfig, args.profile),
            args.arch,
            args.page_size,
        ),
    )
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        text = dumps({"schema_version": SCHEMA_VERSION, **report.model_dump(mode="json")})
    else:
        from ebpf_static.diff.text import render_text

        text = render_text(report)
    write_document(text, args.output_file)
    differs = bool(report.differences) or report.origin is Origin.DIFFERENT
    regressed = bool(report.regressions)
    failed = (args.exit_code and differs) or (args.fail_on_regression and regressed)
    return ExitCode.FINDINGS if failed else ExitCode.OK


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
