"""``ebpf-static config``: which settings there are, and what each means."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import write_document

NAME = "config"
SCHEMA_VERSION = 1

_DESCRIPTION = """\
List the settings of ebpf-static.toml and [tool.ebpf-static], or explain one. What holds for a
path, and from which file: 'ebpf-static check --show-settings PATH'."""
_EPILOG = """\
examples:
  ebpf-static config
  ebpf-static config per-file-ignores
  ebpf-static check --show-settings build/        what holds there, and from which file"""
_EXAMPLES = {
    "extend": 'extend = "../ebpf-static.toml"',
    "platform": 'platform = "windows"',
    "targets": (
        'targets = ["linux:5.15", "debian:12", "windows:1.1"]\n\nor, with names:\n\n'
        "[targets.fleet]\n"
        'target = "linux:6.1"\nbtf = "btf/fleet.btf"\nkconfig = "btf/fleet.config"'
    ),
    "btf": 'btf = { "linux:6.1" = "btf/6.1.btf" }',
    "kconfig": 'kconfig = { "linux:6.1" = "btf/6.1.config" }',
    "loader": 'loader = "cilium"',
    "select": 'select = ["MAP", "HLP101"]',
    "extend-select": 'extend-select = ["MAP104"]',
    "ignore": 'ignore = { HLP101 = "a vendor kernel backports this" }',
    "per-file-ignores": 'per-file-ignores = { "build/legacy/*.o" = ["MAP104"] }',
    "per-target-ignores": 'per-target-ignores = { "rhel:9" = { HLP101 = "backported" } }',
    "rules": 'rules = { MAP104 = "warning", map-name-duplicate = "ignore" }',
    "fail-on": 'fail-on = "warning"',
    "min-confidence": 'min-confidence = "medium"',
    "strict": "strict = true",
    "output-format": 'output-format = "concise"',
    "cache-dir": 'cache-dir = ".cache/ebpf-static"',
    "baseline": 'baseline = "ebpf-static-baseline.json"',
    "exclude": 'exclude = ["build/tests", "*.skel.o"]',
    "force-exclude": "force-exclude = true",
    "respect-gitignore": "respect-gitignore = true",
    "remap-path": 'remap-path = { "/build/src/" = "src/" }',
}


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        NAME,
        "list and explain settings",
        _DESCRIPTION,
        arguments="[KEY]",
        epilog=_EPILOG,
    )
    parser.add_argument("key", nargs="?", metavar="KEY", help="such as per-file-ignores")
    add_data_format(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.config.schema import CONFIG, read_schema

    properties: dict[str, Any] = read_schema(CONFIG)["properties"]
    if args.key is not None and args.key not in properties:
        raise _unknown(args.key, list(properties))
    chosen = {args.key: properties[args.key]} if args.key else properties
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        rows = [_to_dict(key, schema) for key, schema in chosen.items()]
        text = dumps({"schema_version": SCHEMA_VERSION, "settings": rows})
    else:
        text = _explain(args.key, properties[args.key]) if args.key else _list(properties)
    write_document(text, args.output_file)
    return ExitCode.OK


def _unknown(key: str, known: list[str]) -> Exception:
    from difflib import get_close_matches

    from ebpf_static.errors import UsageError

    near = get_close_matches(key.replace("_", "-"), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "'ebpf-static config' lists them"
    return UsageError(f"no setting is called {key!r}: {hint}")


def _list(properties: dict[str, Any]) -> str:
    width = max(map(len, properties))
    return "".join(f"{key:<{width}}  {s['description']}\n" for key, s in properties.items())


def _explain(key: str, schema: dict[str, Any]) -> str:
    return f"{key}\n\n{schema['description']}\n\nExample:\n\n{_EXAMPLES[key]}\n"


def _to_dict(key: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": key,
        "description": schema["description"],
        "default": schema.get("default"),
        "example": _EXAMPLES[key],
    }
