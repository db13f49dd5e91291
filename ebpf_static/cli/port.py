"""``ebpf-static port``: what would have to change for the other platform."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import STDIN, Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import write_document
from ebpf_static.errors import ObjectError
from ebpf_static.target import Platform

if TYPE_CHECKING:
    from ebpf_static.specs import CollectionSpec

NAME = "port"
SCHEMA_VERSION = 1

_FORMATS = ("text", "json", "markdown")
_DESCRIPTION = """\
Report what would have to change for an object to work on the other platform: maps, programs,
sections, helpers, context fields and verdicts with their names and numbers there, what differs
although both have it, and what is in the way. Nothing is rewritten, and nothing is judged."""
_EPILOG = """\
examples:
  ebpf-static port probe.o --to windows
  ebpf-static port filter.sys --to linux --output-format markdown"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "report what the other platform needs",
        _DESCRIPTION,
        arguments="FILE --to PLATFORM",
        epilog=_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help="an object, or - for standard input")
    parser.add_argument(
        "--to", required=True, choices=("linux", "windows"), help="tell what this platform needs"
    )
    add_data_format(parser, _FORMATS)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.port import port

    to = Platform.parse(args.to)
    name, spec = _read(args.file, to)
    report = port(spec, to, name)
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        text = dumps({"schema_version": SCHEMA_VERSION, **report.model_dump(mode="json")})
    else:
        from ebpf_static.port.text import render_markdown, render_text

        text = (render_markdown if args.output_format == "markdown" else render_text)(report)
    write_document(text, args.output_file)
    return ExitCode.OK


def _read(file: str, to: Platform) -> tuple[str, CollectionSpec]:
    """Read an object; one that does not say what it is for is taken for the other platform's."""
    from ebpf_static.engine.inputs import display_name
    from ebpf_static.limits import MAX_OBJECT_BYTES
    from ebpf_static.reading import read

    name = "<stdin>" if file == STDIN else display_name(Path(file))
    source = sys.stdin.buffer.read(MAX_OBJECT_BYTES + 1) if file == STDIN else file
    try:
        spec = read(source)
        if spec.platform is Platform.UNKNOWN:
            other = Platform.LINUX if to is Platform.WINDOWS else Platform.WINDOWS
            spec = read(source, platform=other)
    except ObjectError as error:
        error.object_name = name
        raise
    return name, spec
