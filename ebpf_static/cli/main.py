"""The entry point: parse, hand over to a command, turn whatever happens into an exit status."""

from __future__ import annotations

import gc
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ebpf_static import __version__
from ebpf_static.cli import (
    btfgen,
    check,
    completion,
    config,
    diff,
    diff_btf,
    inspect,
    load,
    maps,
    matrix,
    port,
    requires,
    rule,
    schema,
    unload,
    version,
)
from ebpf_static.cli import run as run_program
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import HelpFormatter, add_common
from ebpf_static.cli.streams import complain, prepare_streams, silence_stdout
from ebpf_static.errors import EbpfStaticError

PROG = "ebpf-static"
_COMMANDS = (
    check, inspect, diff, requires, matrix, port, load, run_program,
    maps, unload, btfgen, diff_btf, rule, config, schema, completion, version,
)  # fmt: skip
_DESCRIPTION = """\
Read, check and load compiled eBPF objects, for Linux and for eBPF for Windows.
But for load, run, maps and unload, no privileges are needed and the host does not matter."""
_EPILOG = """\
examples:
  ebpf-static check build/                        every object in a directory
  ebpf-static check probe.o --platform windows    may it ship for Windows?
  ebpf-static inspect probe.o --disasm            what is in it?
  ebpf-static rule PLT001                         what does a finding mean?

environment:
  EBPF_STATIC_CONFIG          configuration file, as check --config
  EBPF_STATIC_OUTPUT_FORMAT   default of check --output-format
  EBPF_STATIC_OUTPUT_FILE     default of check --output-file
  EBPF_STATIC_NO_PLUGINS      when set, only the rules that come with ebpf-static are used
  NO_COLOR, FORCE_COLOR       turn colour off or on when --color is auto

exit status: 0 nothing found, 1 findings, 2 the job could not be done"""


def run() -> NoReturn:
    """Run the command line as a process of its own: what the installed command calls.

    Collecting garbage while importing, looking for plugins of pydantic (none of our models wants
    one) and tearing the interpreter down at the end would cost a fifth of a cold check; nothing
    here outlives the process.
    """
    gc.set_threshold(100_000, 20, 20)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    status = main()
    sys.stderr.flush()
    os._exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: arguments without the program's name; None takes those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    args = Namespace()
    try:
        args = build_parser().parse_args(_with_hint(arguments), args)
        status: int = args.run(args)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse: 0 after --help, 2 after a wrong option
        status = stop.code if isinstance(stop.code, int) else ExitCode.FAILURE
    except BrokenPipeError:
        silence_stdout()
        status = ExitCode.OK
    except KeyboardInterrupt:
        status = ExitCode.INTERRUPTED
    except EbpfStaticError as error:
        complain(args, str(error))
        status = ExitCode.FAILURE
    except Exception as error:  # noqa: BLE001 - the last line of defence
        report_internal_error(args, error)
        status = ExitCode.FAILURE
    return int(status)


def build_parser() -> ArgumentParser:
    """Return the parser of the whole command line."""
    parser = ArgumentParser(
        PROG,
        usage=f"{PROG} [OPTIONS] COMMAND ...",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", prog=PROG)
    for command in _COMMANDS:
        command.add_parser(commands)
    group = add_common(parser, is_command=False)
    group.add_argument(
        "-V", "--version", action="version", version=f"{PROG} {__version__}",
        help="show the version and exit",
    )  # fmt: skip
    parser.set_defaults(run=lambda _: _no_command(parser))
    return parser


def report_internal_error(args: Namespace, error: Exception) -> None:
    """Say in one line that this is our fault; ``-vv`` shows where."""
    if getattr(args, "verbose", 0) > 1:
        import traceback

        traceback.print_exception(error)
    text = f"internal error: {type(error).__name__}: {error}"
    complain(args, f"{text} (rerun with -vv for the traceback, and please report it)")


def _no_command(parser: ArgumentParser) -> int:
    parser.print_help(sys.stderr)
    return ExitCode.FAILURE


def _with_hint(arguments: list[str]) -> list[str]:
    """Return the arguments; a path in the place of a command gets a better answer."""
    first = next((text for text in arguments if not text.startswith("-")), None)
    names = {command.NAME for command in _COMMANDS}
    if first is not None and first not in names and Path(first).exists():
        from ebpf_static.errors import UsageError

        raise UsageError(f"{first!r} is not a command: did you mean '{PROG} check {first}'?")
    return arguments
