"""Options several commands share, declared once."""

from __future__ import annotations

import os
from argparse import (
    SUPPRESS,
    ArgumentParser,
    RawDescriptionHelpFormatter,
    _ArgumentGroup,
    _SubParsersAction,
)
from typing import Any, TypeAlias

from ebpf_static.errors import UsageError
from ebpf_static.output.style import COLOR_CHOICES

Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"
"""Where a command adds its parser."""

DATA_FORMATS = ("text", "json")
"""Formats of every command that prints data and judges nothing."""

STDIN = "-"


class HelpFormatter(RawDescriptionHelpFormatter):
    """Keeps the line breaks of descriptions and gives options room."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, max_help_position=32, **options)


def add_command(
    commands: Commands,
    name: str,
    summary: str,
    description: str,
    *,
    arguments: str = "",
    epilog: str = "",
) -> ArgumentParser:
    """Return the parser of a new command.

    Args:
        commands: where to add it.
        name: the command.
        summary: what it does, in a few words, for the list of commands.
        description: what it does, for its own help.
        arguments: what follows the options on its usage line.
        epilog: what its own help ends with.
    """
    return commands.add_parser(
        name,
        usage=f"ebpf-static {name} [OPTIONS] {arguments}".rstrip(),
        help=summary,
        description=description,
        epilog=epilog,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )


def add_common(parser: ArgumentParser, *, is_command: bool = True) -> _ArgumentGroup:
    """Add the options that may stand before or after the command.

    A command's own parser must not set defaults: they would undo what stands before it.
    """
    group = parser.add_argument_group("miscellaneous")
    count = SUPPRESS if is_command else 0
    group.add_argument(
        "-q", "--quiet", action="count", default=count,
        help="print findings only; -qq prints nothing",
    )  # fmt: skip
    group.add_argument(
        "-v", "--verbose", action="count", default=count,
        help="say what was skipped and why; -vv adds tracebacks",
    )  # fmt: skip
    group.add_argument(
        "--color", choices=COLOR_CHOICES, default=SUPPRESS if is_command else "auto",
        help="colour the output (default: auto; NO_COLOR and FORCE_COLOR are honoured)",
    )  # fmt: skip
    group.add_argument("-h", "--help", action="help", help="show this help and exit")
    return group


def add_data_format(parser: ArgumentParser) -> None:
    """Add ``--output-format text|json`` and ``-o``."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "--output-format", choices=DATA_FORMATS, default="text", help="default: text"
    )
    add_output_file(group)


def add_output_file(group: _ArgumentGroup) -> None:
    """Add ``-o``."""
    group.add_argument(
        "-o", "--output-file", metavar="FILE", help="write to FILE instead of standard output"
    )


def choice_from_env(variable: str, choices: tuple[str, ...]) -> str | None:
    """Return the value of an environment variable that stands in for an option.

    An empty variable counts as not set.

    Raises:
        UsageError: the value is none of ``choices``.
    """
    value = os.environ.get(variable)
    if not value:
        return None
    if value not in choices:
        raise UsageError(f"{variable}={value!r}: choose from {', '.join(choices)}")
    return value
