"""``ebpf-static schema``: the JSON Schemas of the configuration and of reports."""

from __future__ import annotations

from argparse import Namespace

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_output_file
from ebpf_static.cli.streams import write_document

NAME = "schema"

_DESCRIPTION = """\
Print a JSON Schema: of ebpf-static.toml and [tool.ebpf-static], or of what
'check --output-format json' prints."""
_EPILOG = """\
examples:
  ebpf-static schema config > ebpf-static.schema.json     for editors and validators
  ebpf-static schema report"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "print a JSON Schema",
        _DESCRIPTION,
        arguments="config|report",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "schema", metavar="config|report", choices=("config", "report"), help="which one"
    )
    add_output_file(parser.add_argument_group("output"))
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.config.schema import CONFIG, REPORT, read_schema
    from ebpf_static.output.json_text import dumps

    name = CONFIG if args.schema == "config" else REPORT
    write_document(dumps(read_schema(name)), args.output_file)
    return ExitCode.OK
