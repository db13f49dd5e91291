"""``ebpf-static probe``: write down what this machine's kernel has, for others to check against."""

from __future__ import annotations

from argparse import Namespace

from ebpf_static.cli import loading
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_output_file
from ebpf_static.cli.streams import write_document

NAME = "probe"

_DESCRIPTION = """\
Ask the running kernel which program types, map types and helpers it has, and print the answers as
JSON. Objects are then checked against it anywhere, with check --profile FILE: the honest answer for
kernels with backports. Needs the privileges that loading needs."""
_EPILOG = """\
examples:
  ebpf-static probe -o fleet.json                 on the machine, as root
  ebpf-static check probe.o --target linux:5.14 --profile fleet.json    anywhere"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "write a profile of this machine",
        _DESCRIPTION,
        epilog=_EPILOG,
    )
    loading.add_loader(parser)
    add_output_file(parser.add_argument_group("output"))
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.output.json_text import dumps

    write_document(dumps(loading.find_loader(args.loader).profile()), args.output_file)
    return ExitCode.OK
