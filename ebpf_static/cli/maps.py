"""``ebpf-static maps``: look into maps that are pinned."""

from __future__ import annotations

from argparse import Namespace
from itertools import islice
from typing import Any

from ebpf_static.cli import loading
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import complain, write_document

NAME = "maps"
SCHEMA_VERSION = 1

_DESCRIPTION = """\
Show a pinned map: what it is, and its elements as its type information has them (hexadecimal
where there is none)."""
_EPILOG = """\
examples:
  ebpf-static maps dump /sys/fs/bpf/drop/counters
  ebpf-static maps dump /sys/fs/bpf/drop/counters --output-format json"""


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "show what is in a pinned map",
        _DESCRIPTION,
        arguments="dump PIN",
        epilog=_EPILOG,
    )
    parser.add_argument("action", choices=("dump",), help="dump: show every element")
    parser.add_argument("pin", metavar="PIN", help="path of the pin")
    parser.add_argument("--raw", action="store_true", help="show bytes, even where types are known")
    parser.add_argument(
        "--limit", metavar="N", type=int, default=10_000,
        help="show at most N elements (default: 10000)",
    )  # fmt: skip
    loading.add_loader(parser)
    add_data_format(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    loader = loading.find_loader(args.loader)
    with loader.open_map(args.pin) as item:
        facts = loading.to_json(item.info())
        found = list(islice(item.batch(raw=args.raw), args.limit + 1))
    if len(found) > args.limit:
        found = found[: args.limit]
        complain(args, f"only the first {args.limit} elements are shown", "note")
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps_rows

        rows = [{"key": loading.to_json(k), "value": loading.to_json(v)} for k, v in found]
        head = {"schema_version": SCHEMA_VERSION, "pin": args.pin, "map": facts}
        text = dumps_rows({**head, "elements": rows})
    else:
        text = _text(args.pin, facts, found)
    write_document(text, args.output_file)
    return ExitCode.OK


def _text(pin: str, facts: dict[str, Any], found: list[tuple[Any, Any]]) -> str:
    head = ", ".join(f"{key} {value}" for key, value in facts.items() if value)
    lines = [loading.to_text(f"{pin}: {head}")]
    lines += [f"{loading.to_text(key)} = {loading.to_text(value)}" for key, value in found]
    noun = "element" if len(found) == 1 else "elements"
    return "\n".join([*lines, f"{len(found)} {noun}"]) + "\n"
