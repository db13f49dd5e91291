"""``ebpf-static requires``: what an object needs of the platform it runs on."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.cli.check_options import add_loader
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import STDIN, Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import write_document
from ebpf_static.errors import ObjectError

if TYPE_CHECKING:
    from ebpf_static.specs import CollectionSpec

NAME = "requires"
SCHEMA_VERSION = 1

_FORMATS = ("text", "json", "markdown")
_DESCRIPTION = """\
List every feature of the platform that an object needs: map and program types, helpers, kernel
functions and types, instructions, and since which release each is there; where it is needed, and
whether the object can do without. On top stands the lowest release that does not reject the object,
and what decides it: guards and what loaders replace are taken into account."""
_EPILOG = """\
examples:
  ebpf-static requires probe.o
  ebpf-static requires probe.o --output-format markdown -o REQUIREMENTS.md"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "list the platform features an object needs", _DESCRIPTION,
        arguments="FILE", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="an object, or - for standard input")
    add_loader(parser.add_argument_group("judged for"))
    add_data_format(parser, _FORMATS)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.api import requires
    from ebpf_static.support.loaders import resolve_loader

    loader = resolve_loader(args.loader) if args.loader else None
    name, spec = read_named(args.file)
    report = requires(spec, name=name, lowest=True, loader=loader)
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        text = dumps({"schema_version": SCHEMA_VERSION, **report.model_dump(mode="json")})
    else:
        from ebpf_static.requirements.text import render_markdown, render_text

        text = (render_markdown if args.output_format == "markdown" else render_text)(report)
    write_document(text, args.output_file)
    return ExitCode.OK


def read_named(file: str) -> tuple[str, CollectionSpec]:
    """Return an object and what to call it.

    Raises:
        ObjectError: it cannot be read.
    """
    from ebpf_static.engine.inputs import display_name
    from ebpf_static.limits import MAX_OBJECT_BYTES
    from ebpf_static.reading import read

    name = "<stdin>" if file == STDIN else display_name(Path(file))
    try:
        return name, read(sys.stdin.buffer.read(MAX_OBJECT_BYTES + 1) if file == STDIN else file)
    except ObjectError as error:
        error.object_name = name
        raise
