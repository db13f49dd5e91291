"""The entry point: parse, hand over to a command, turn whatever happens into an exit status."""

from __future__ import annotations

import gc
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from ebpf_static import __version__
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import HelpFormatter, Parser, add_common
from ebpf_static.cli.streams import complain, prepare_streams, silence_stdout
from ebpf_static.errors import EbpfStaticError

PROG = "ebpf-static"
_COMMANDS = (
    "check", "scan", "inspect", "diff", "requires", "matrix", "features", "graph", "report", "port",
    "load", "run", "maps", "unload", "probe", "btfgen", "diff-btf", "rule", "config", "schema",
    "completion", "version",
)  # fmt: skip
"""Each is a module of this package (``-`` is ``_`` there), imported when it is needed."""

_POSTPONED: dict[str, tuple[str, ...]] = {"importlib.metadata": ("entry_points",), "pdb": ()}
"""Modules that pydantic and pyelftools import for what no run of ours does, and the functions they
take from them by name."""
_DESCRIPTION = """\
Read, check and load compiled eBPF objects, for Linux and for eBPF for Windows.
But for load, run, maps, unload and probe, no privileges are needed and the host does not matter."""
_EPILOG = """\
examples:
  ebpf-static check build/                        every object in a directory
  ebpf-static check probe.o --platform windows    may it ship for Windows?
  ebpf-static inspect probe.o --disasm            what is in it?
  ebpf-static features helper bpf_loop            which kernels have it?
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
    one), importing what nobody uses and tearing the interpreter down at the end would cost a third
    of a cold check; nothing here outlives the process.
    """
    gc.set_threshold(100_000, 20, 20)
    for name, functions in _POSTPONED.items():
        sys.modules.setdefault(name, _Postponed(name, functions))
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    status = main()
    sys.stderr.flush()
    os._exit(status)


class _Postponed(ModuleType):
    """Stands in for a module until something of it is used, or one of its functions is called.

    The standard library's LazyLoader imports the module as soon as somebody says ``import``.
    """

    def __init__(self, name: str, functions: Sequence[str]) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        for function in functions:
            setattr(self, function, partial(self._call, function))

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # asked by every ``from … import``
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)

    def _call(self, function: str, *values: object, **named: object) -> Any:
        return self.__getattr__(function)(*values, **named)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: arguments without the program's name; None takes those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    args = Namespace()
    try:
        parser = build_parser(_commands_for(_with_hint(arguments)))
        args = parser.parse_args(arguments, args)
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


def _commands_for(arguments: list[str]) -> Sequence[str]:
    """Return the commands whose options have to be known to understand a command line."""
    return arguments[:1] if arguments and arguments[0] in _COMMANDS else _COMMANDS


def build_parser(names: Sequence[str] = _COMMANDS) -> ArgumentParser:
    """Return the parser of the whole command line, or of some of its commands."""
    parser = Parser(
        PROG,
        usage=f"{PROG} [OPTIONS] COMMAND ...",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", prog=PROG)
    for name in names:
        import_module(f"{__package__}.{name.replace('-', '_')}").add_parser(commands)
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
    if first is not None and first not in _COMMANDS and Path(first).exists():
        from ebpf_static.errors import UsageError

        raise UsageError(f"{first!r} is not a command: did you mean '{PROG} check {first}'?")
    return arguments
