"""``ebpf-static diff-btf``: what changed between two kernels for the types objects use."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import write_document
from ebpf_static.errors import escape

if TYPE_CHECKING:
    from ebpf_static.btf.core.compare import TypeChange

NAME = "diff-btf"
SCHEMA_VERSION = 1

_FORMATS = ("text", "json")
_DESCRIPTION = """\
Show what differs between the types of two kernels: with objects, every field, type and enumerator
they reach by CO-RE and what it is in each kernel; without, every named type and function."""
_EPILOG = """\
examples:
  ebpf-static diff-btf vmlinux-5.15 vmlinux-6.1            all types and functions
  ebpf-static diff-btf vmlinux-5.15 vmlinux-6.1 probe.o    only what this object uses

exit status:
  0  compared
  1  something differs, with --exit-code
  2  a file could not be read"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "show what differs between two kernels' types", _DESCRIPTION,
        arguments="A B [OBJECT ...]", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument("left", metavar="A", help="a kernel's BTF, image or package")
    parser.add_argument("right", metavar="B", help="another one")
    parser.add_argument(
        "objects", nargs="*", metavar="OBJECT", help="tell only of what these objects use"
    )
    group = add_data_format(parser, _FORMATS, heading="output and exit status")
    group.add_argument(
        "--exit-code", action="store_true", help="exit with 1 when something differs"
    )
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.kernel.btf_verbs import diff_btf
    from ebpf_static.reading import read

    specs = [read(path) for path in args.objects] if args.objects else None
    changes = diff_btf(args.left, args.right, specs)
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        text = dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "before": args.left,
                "after": args.right,
                "objects": args.objects,
                "changes": [change._asdict() for change in changes],
            }
        )
    else:
        text = "".join(map(_text, changes))
    write_document(text, args.output_file)
    return ExitCode.FINDINGS if args.exit_code and changes else ExitCode.OK


def _text(change: TypeChange) -> str:
    lines = [escape(change.what)]
    for mark, value in (("-", change.before), ("+", change.after)):
        lines += [f"  {mark} {escape(line.expandtabs(4))}" for line in value.split("\n")]
    return "\n".join(lines) + "\n"
