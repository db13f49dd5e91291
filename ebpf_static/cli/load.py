"""``ebpf-static load``: hand an object that passed its check to the running platform."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ebpf_static.cli import loading
from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.options import Commands, add_command, add_common, add_data_format
from ebpf_static.cli.streams import complain, write_document
from ebpf_static.errors import LoadRejectedError, UsageError

if TYPE_CHECKING:
    from ebpf_static.loading import Collection, Loader
    from ebpf_static.specs import CollectionSpec

NAME = "load"
SCHEMA_VERSION = 1

_DESCRIPTION = """\
Check an object, then load the very spec that was checked: all of it or nothing. What is neither
pinned nor attached is gone when the command ends, so without --pin and --attach this is a test
whether the platform takes the object."""
_EPILOG = """\
examples:
  ebpf-static load probe.o                              does this kernel take it?
  ebpf-static load drop.o --attach drop=eth0            until Ctrl-C
  ebpf-static load drop.o --attach drop=eth0 --pin /sys/fs/bpf/drop
  ebpf-static load drop.o --dry-run                     every call, on any host, none made

exit status:
  0  loaded
  1  refused: by the check, or by the platform
  2  nothing was tried: the wrong host or platform, no privileges, a wrong option"""


_UNSHOWN = ("name", "btf_id", "key_type_id", "value_type_id", "tag")


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, NAME, "load an object that passes its check", _DESCRIPTION,
        arguments="FILE", epilog=_EPILOG,
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="an object")
    parser.add_argument(
        "--dry-run", action="store_true",
        help="print every call a load would make as a line of JSON, on any host; make none",
    )  # fmt: skip
    parser.add_argument(
        "--program", metavar="NAME", action="append", dest="programs",
        help="load only this program; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--attach", metavar="PROGRAM[=TARGET]", action="append", default=[],
        help="attach a program or struct_ops map: to an interface, a cgroup, … ; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--attach-option", metavar="NAME=VALUE", action="append", default=[],
        help="how to attach (mode=generic, direction=ingress); may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--pin", metavar="DIR", help="pin maps, programs and links in DIR, so that they stay"
    )
    parser.add_argument(
        "--duration", metavar="SECONDS", type=float,
        help="detach what is not pinned after so long, instead of on Ctrl-C",
    )  # fmt: skip
    loading.add_load_options(parser)
    add_data_format(parser)
    add_common(parser)
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run the command and return the exit status."""
    from ebpf_static.loading import CheckFailedError
    from ebpf_static.reading import read

    try:
        return _load(args, read(args.file))
    except CheckFailedError as error:
        for finding in error.report.active:
            complain(args, f"{finding.code}: {finding.message}", finding.severity.value)
        complain(args, f"{error} (--no-check loads it all the same)")
        return ExitCode.FAILURE if error.report.failures else ExitCode.FINDINGS
    except LoadRejectedError as error:
        return loading.explain_rejection(args, error)


def _load(args: Namespace, spec: CollectionSpec) -> int:
    from ebpf_static.api_load import load

    loader = _dry_run(args) if args.dry_run else loading.find_loader(args.loader, spec)
    options = loading.make_options(args, os.fspath(args.file), args.programs)
    with load(
        spec, loader=loader, options=options, name=args.file, checked=not args.no_check
    ) as loaded:
        for text in args.attach:
            name, _, target = text.partition("=")
            loaded.attach(name, target or None, **_attach_options(args))
        # On Windows a pin is a name in the runtime, which no directory has to be made for.
        in_files = loader.loads and loader.platform != "windows"
        pins = _pin(loaded, args.pin, in_files=in_files) if args.pin else []
        if not args.dry_run:
            document = _document(args, loader, loaded, pins)
            write_document(_render(args, document), args.output_file)
        if loaded.links and not args.pin and loader.loads:
            _wait(args)
    return ExitCode.OK


def _dry_run(args: Namespace) -> Loader:
    """Return the loader that only pretends, telling each call as it comes."""
    from ebpf_static.api_load import get_loader
    from ebpf_static.registry import get_registry

    if args.loader not in (None, "dry-run"):
        raise UsageError(f"--dry-run pretends by itself: leave --loader {args.loader} away")
    loader = get_loader("dry-run", None, get_registry())
    if args.output_file is not None:
        raise UsageError("--dry-run writes to standard output, one line for each call")
    return type(loader)(_write_line)  # type: ignore[call-arg]


def _write_line(line: str) -> None:
    from ebpf_static.cli.streams import write_out

    write_out(line + "\n")


def _attach_options(args: Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for text in args.attach_option:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--attach-option {text!r}: write NAME=VALUE")
        options[name] = int(value) if value.isdigit() else value
    return options


def _pin(loaded: Collection, folder: str, *, in_files: bool) -> list[str]:
    """Pin everything below ``folder``; when one of them fails, all that was made goes again."""
    made: list[Path] = []
    pinned: list[Any] = []
    paths: list[str] = []
    groups: tuple[tuple[str, list[tuple[str, Any]]], ...] = (
        ("maps", list(loaded.maps.items())),
        ("programs", list(loaded.programs.items())),
        ("links", [(str(number), link) for number, link in enumerate(loaded.links)]),
    )
    try:
        for group, handles in groups:
            place = Path(folder, group)
            if handles and in_files:
                made += _make(place)
            for name, handle in handles:
                path = str(place / name.strip(".").replace(".", "_"))
                handle.pin(path)
                pinned.append(handle)
                paths.append(path)
    except BaseException:
        for handle in pinned:
            with suppress(Exception):
                handle.unpin()
        for place in reversed(made):
            with suppress(OSError):
                place.rmdir()
        raise
    return paths


def _make(place: Path) -> list[Path]:
    """Make a directory and return those that were not there, outermost first."""
    missing = [it for it in (place, *place.parents) if not it.exists()][::-1]
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {place}: {error.strerror}") from error
    return missing


def _document(
    args: Namespace, loader: Loader, loaded: Collection, pins: list[str]
) -> dict[str, Any]:
    def facts(name: str, handle: Any) -> dict[str, Any]:
        info = loading.to_json(handle.info())
        return {"name": name, **{key: value for key, value in info.items() if key != "name"}}

    return {
        "object": args.file,
        "loader": loader.name,
        "maps": [facts(name, handle) for name, handle in loaded.maps.items()],
        "programs": [facts(name, handle) for name, handle in loaded.programs.items()],
        "links": [loading.to_json(link.info()) for link in loaded.links],
        "pins": pins,
    }


def _render(args: Namespace, document: dict[str, Any]) -> str:
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps

        return dumps({"schema_version": SCHEMA_VERSION, **document})
    lines = [f"{document['object']}: loaded by {document['loader']}"]
    for group in ("maps", "programs", "links"):
        for item in document[group]:
            facts = ", ".join(f"{k} {v}" for k, v in item.items() if v and k not in _UNSHOWN)
            lines.append(f"  {group[:-1]} {item.get('name', '')}".rstrip() + f": {facts}")
    lines += [f"  pinned {path}" for path in document["pins"]]
    return "\n".join(loading.to_text(line) for line in lines) + "\n"


def _wait(args: Namespace) -> None:
    """Wait until the user or the clock says it is enough."""
    if args.duration is None:
        complain(args, "attached until Ctrl-C", "note")
    end = None if args.duration is None else time.monotonic() + args.duration
    with suppress(KeyboardInterrupt):
        while end is None or time.monotonic() < end:
            time.sleep(0.2 if end is None else min(0.2, max(0.0, end - time.monotonic())))
