"""``ebpf-static version``: which release this is, and what it runs on."""

from __future__ import annotations

import platform
from argparse import Namespace

from ebpf_static import __version__
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import write_document

NAME = "version"
SCHEMA_VERSION = 1
_LIBRARIES = ("pydantic", "pyelftools", "lief", "capstone", "rich")


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "show the version",
        "Show the version of ebpf-static; as JSON, also of Python and the libraries in use.",
    )  # fmt: skip
    add_data_format(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    if args.output_format == "text":
        write_document(f"ebpf-static {__version__}\n", args.output_file)
        return ExitCode.OK
    from ebpf_static.output.json_text import dumps

    document = {
        "schema_version": SCHEMA_VERSION,
        "name": "ebpf-static",
        "version": __version__,
        "python": platform.python_version(),
        "libraries": {name: _version_of(name) for name in _LIBRARIES},
    }
    write_document(dumps(document), args.output_file)
    return ExitCode.OK


def _version_of(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
