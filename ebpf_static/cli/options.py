"""Options several commands share, declared once."""

from __future__ import annotations

import os
from argparse import (
    SUPPRESS,
    Action,
    ArgumentParser,
    RawDescriptionHelpFormatter,
    _ArgumentGroup,
    _SubParsersAction,
)
from collections.abc import Iterator
from typing import Any, NoReturn, TypeAlias

from ebpf_static.errors import UsageError
from ebpf_static.output.style import COLOR_CHOICES

Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"
"""Where a command adds its parser."""

DATA_FORMATS = ("text", "json")
"""Formats of every command that prints data and judges nothing."""

STDIN = "-"
_ONE_COMMAND = 2
"""Parsers of a command line whose command is known: its own and the command's."""


class Suggestions(tuple[str, ...]):
    """Values a shell completes where others are taken, too."""

    __slots__ = ()

    def __contains__(self, value: object) -> bool:
        """Take everything: the command tells what it does not know, with near names."""
        return True


class HelpFormatter(RawDescriptionHelpFormatter):
    """Keeps the line breaks of descriptions and gives options room."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, max_help_position=32, **options)

    def _format_action_invocation(self, action: Action) -> str:
        """Return ``-o, --output-file FILE``: as Python 3.13 and later write it, on every Python."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


class Parser(ArgumentParser):
    """Says what is wrong with a command line in one line, as every other error is said."""

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self._positionals.title = "arguments"

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            UsageError: always.
        """
        usage = self.format_usage().removeprefix("usage: ").strip()
        kind, _, rest = message.partition(": ")
        if kind == "the following arguments are required":
            raise UsageError(f"{rest} is missing: {usage}")
        if kind == "unrecognized arguments":
            raise UsageError(self._unknown(rest))
        raise UsageError(message.removeprefix("argument "))

    def _unknown(self, words: str) -> str:
        first = words.split(maxsplit=1)[0]
        if not first.startswith("-"):
            return f"one argument too many: {words!r}"
        parsers = [self, *self._commands()]
        known = [name for it in parsers for each in it._actions for name in each.option_strings]  # noqa: SLF001
        lister = parsers[-1].prog if len(parsers) == _ONE_COMMAND else self.prog
        return f"unknown option {first!r}: {_near(first, known, f'{lister} --help')}"

    def _commands(self) -> Iterator[ArgumentParser]:
        for action in self._actions:
            if isinstance(action, _SubParsersAction):
                yield from action.choices.values()

    def _check_value(self, action: Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        if isinstance(action, _SubParsersAction):
            hint = _near(value, choices, f"{self.prog} --help")
            raise UsageError(f"unknown command {value!r}: {hint}")
        name = "/".join(action.option_strings) or action.metavar or action.dest
        raise UsageError(f"{name}: {value!r} is none of {', '.join(choices)}")


def _near(text: str, known: list[str], lister: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(text, known, n=1, cutoff=0.75)
    return f"did you mean {near[0]!r}?" if near else f"{lister!r} lists them"


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
        help="print findings and data only; -qq prints no findings either",
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


def add_data_format(
    parser: ArgumentParser,
    formats: tuple[str, ...] = DATA_FORMATS,
    *,
    heading: str = "output",
) -> _ArgumentGroup:
    """Add ``--output-format``, text or json unless told otherwise, and ``-o``."""
    group = parser.add_argument_group(heading)
    group.add_argument(
        "--output-format", choices=formats, default="text", help="what to write (default: text)"
    )
    add_output_file(group)
    return group


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
