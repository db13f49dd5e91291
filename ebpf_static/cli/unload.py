"""``ebpf-static unload``: take back what a load with ``--pin`` left."""

from __future__ import annotations

from argparse import Namespace

from ebpf_static.cli import loading
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import write_document

NAME = "unload"
SCHEMA_VERSION = 1

_DESCRIPTION = """\
Remove a pin, or every pin in a directory: the pins of links first, so that programs are detached
before what they use goes. What another process holds stays until it lets go."""
_EPILOG = """\
examples:
  ebpf-static unload /sys/fs/bpf/drop             everything 'load --pin' left there"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "remove what was pinned",
        _DESCRIPTION,
        arguments="PATH",
        epilog=_EPILOG,
    )
    parser.add_argument("path", metavar="PATH", help="a pin, or a directory of pins")
    loading.add_loader(parser)
    add_data_format(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    loader = loading.find_loader(args.loader)
    removed = list(loader.unload(args.path))
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        head = {"schema_version": SCHEMA_VERSION, "path": args.path, "loader": loader.name}
        text = dumps({**head, "removed": removed})
    else:
        noun = "pin" if len(removed) == 1 else "pins"
        lines = [*(f"removed {path}" for path in removed), f"{len(removed)} {noun} removed"]
        text = "\n".join(loading.to_text(line) for line in lines) + "\n"
    write_document(text, args.output_file)
    return ExitCode.OK
