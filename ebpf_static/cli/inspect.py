"""``ebpf-static inspect``: everything an object declares."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ebpf_static.cli.check_options import remapped_prefixes
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import STDIN, Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import style_for, write_document
from ebpf_static.errors import ObjectError, UnsupportedObjectError
from ebpf_static.output.style import Style

if TYPE_CHECKING:
    from ebpf_static.specs import CollectionSpec

NAME = "inspect"

_DESCRIPTION = """\
Show what an object is and declares: platform and why, maps, programs, functions, what each of
them uses, variables, externs, sections, and what could not be read. Nothing is judged."""
_EPILOG = """\
examples:
  ebpf-static inspect probe.o                       what it is and declares
  ebpf-static inspect probe.o --disasm              its instructions beside the C source
  ebpf-static inspect vmlinux --types task_struct   a type of a kernel, as C"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "show what an object declares",
        _DESCRIPTION,
        arguments="FILE",
        epilog=_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help="an object, or - for standard input")
    parser.add_argument(
        "--disasm", action="store_true",
        help="list the instructions, with what they refer to and the source lines they come from",
    )  # fmt: skip
    parser.add_argument(
        "--platform", choices=("linux", "windows"),
        help="read the raw numbers as this platform's (default: the object's own)",
    )  # fmt: skip
    group = parser.add_argument_group("types and source lines")
    group.add_argument(
        "--types", nargs="?", const="", metavar="NAME",
        help="print the types of this name as C ('task_struct', 'struct sock'); without NAME all "
        "of them, as a header that compiles",
    )  # fmt: skip
    group.add_argument(
        "--btf", metavar="FILE", help="types of the kernel that those of a module in FILE refer to"
    )
    group.add_argument(
        "--remap-path", action="append", default=[], metavar="FROM=TO",
        help="replace what source paths in debug information begin with; may be repeated",
    )  # fmt: skip
    add_data_format(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    if args.types is not None:
        from ebpf_static.cli.inspect_types import render_types

        write_document(render_types(args), args.output_file)
        return ExitCode.OK
    try:
        name, spec = _read(args)
    except UnsupportedObjectError as error:
        from ebpf_static.cli.inspect_types import find_types, render_summary

        btf = find_types(args, error)
        text = render_summary(btf, error.object_name or args.file, args.output_format)
        write_document(text, args.output_file)
        return ExitCode.OK
    from ebpf_static.engine.remap import SourceMap

    sources = SourceMap(remapped_prefixes(args), Path())
    if args.output_format == "json":
        from ebpf_static.output import inspect_json

        text = inspect_json.render(spec, name, disasm=args.disasm, remap=sources.map)
    else:
        from ebpf_static.output import inspect_text

        colored = args.output_file is None
        style = style_for(sys.stdout, args.color) if colored else Style(args.color == "always")
        text = inspect_text.render(spec, name, style, disasm=args.disasm, remap=sources.map)
    write_document(text, args.output_file)
    return ExitCode.OK


def _read(args: Namespace) -> tuple[str, CollectionSpec]:
    from ebpf_static.engine.inputs import display_name
    from ebpf_static.limits import MAX_OBJECT_BYTES
    from ebpf_static.reading import read

    name = "<stdin>" if args.file == STDIN else display_name(Path(args.file))
    try:
        if args.file == STDIN:
            data = sys.stdin.buffer.read(MAX_OBJECT_BYTES + 1)
            return name, read(data, platform=args.platform)
        return name, read(args.file, platform=args.platform)
    except ObjectError as error:
        error.object_name = name
        raise
