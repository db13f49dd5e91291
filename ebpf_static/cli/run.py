"""``ebpf-static run``: load one program, run it on a packet, show what came of it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from ebpf_static.cli import loading
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import complain, write_document
from ebpf_static.errors import LoadRejectedError, UsageError

NAME = "run"
SCHEMA_VERSION = 1

_DESCRIPTION = """\
Load an object and run one of its programs on data from a file, without attaching anything. The
platform must have test runs for programs of its type."""
_EPILOG = """\
examples:
  ebpf-static run drop.o drop --data packet.bin --repeat 1000

exit status:
  0  it ran
  1  refused: by the check, or by the platform
  2  nothing was tried: the wrong host or platform, no privileges, a wrong option"""
_MAX_DATA = 16 << 20


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "run a program on a packet", _DESCRIPTION,
        arguments="FILE PROGRAM", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="an object")
    parser.add_argument("program", metavar="PROGRAM", help="the program to run")
    parser.add_argument("--data", metavar="FILE", help="give it this packet")
    parser.add_argument("--context", metavar="FILE", help="give it this context structure")
    parser.add_argument(
        "--repeat", metavar="N", type=int, default=1, help="run it N times (default: 1)"
    )
    parser.add_argument("--data-out", metavar="FILE", help="write the packet as it comes out")
    parser.add_argument(
        "--all-programs", action="store_true",
        help="load every program, not only this one (for program arrays)",
    )  # fmt: skip
    loading.add_load_options(parser)
    add_data_format(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.loading import CheckFailedError

    try:
        return _run(args)
    except CheckFailedError as error:
        complain(args, f"{error} (--no-check runs it all the same)")
        return ExitCode.FAILURE if error.report.failures else ExitCode.FINDINGS
    except LoadRejectedError as error:
        return loading.explain_rejection(args, error)


def _run(args: Namespace) -> int:
    from ebpf_static.api_load import load
    from ebpf_static.reading import read

    spec = read(args.file)
    if args.repeat < 1:
        raise UsageError(f"--repeat {args.repeat}: at least once")
    data, context = _content(args.data), _content(args.context)
    loader = loading.find_loader(args.loader, spec)
    chosen = None if args.all_programs else (args.program,)
    options = loading.make_options(args, args.file, chosen)
    with load(
        spec, loader=loader, options=options, name=args.file, checked=not args.no_check
    ) as loaded:
        program = loaded.programs.get(args.program)
        if program is None:
            raise UsageError(f"the object has no program `{args.program}` that is loaded")
        done = program.test_run(data, context=context, repeat=args.repeat)
    document: dict[str, Any] = {
        "object": args.file,
        "program": args.program,
        "loader": loader.name,
        "result": done.result,
        "nanoseconds": done.nanoseconds,
        "data": done.data.hex(),
        "context": done.context.hex(),
    }
    if args.data_out is not None:
        _write(args.data_out, done.data)
    write_document(_render(args, document), args.output_file)
    return ExitCode.OK


def _content(path: str | None) -> bytes:
    if path is None:
        return b""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_DATA + 1)
    except OSError as error:
        raise UsageError(f"cannot read '{path}': {error.strerror}") from error
    if len(data) > _MAX_DATA:
        raise UsageError(f"'{path}' is larger than {_MAX_DATA} bytes")
    return data


def _write(path: str, data: bytes) -> None:
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write '{path}': {error.strerror}") from error


def _render(args: Namespace, document: dict[str, Any]) -> str:
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        return dumps({"schema_version": SCHEMA_VERSION, **document})
    result = document["result"]
    lines = [f"{document['program']}: returned {result} ({result:#x})"]
    lines.append(f"  {document['nanoseconds']} ns a run")
    lines += [
        f"  {name}: {len(document[name]) // 2} bytes, {document[name]}"
        for name in ("data", "context")
        if document[name]
    ]
    return "\n".join(loading.to_text(line) for line in lines) + "\n"
