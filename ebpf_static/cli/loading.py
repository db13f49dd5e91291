"""What the commands that reach a platform share: options, and results as text or JSON."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _ArgumentGroup
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ebpf_static.cli.exitcodes import ExitCode
from ebpf_static.cli.streams import complain
from ebpf_static.errors import LoadRejectedError, UsageError, escape

if TYPE_CHECKING:
    from ebpf_static.loading import Loader, LoadOptions
    from ebpf_static.specs import CollectionSpec


def add_loader(group: ArgumentParser | _ArgumentGroup) -> None:
    """Add ``--loader``."""
    group.add_argument(
        "--loader", metavar="NAME",
        help="reach the platform by this loader of ebpf-static's own (default: the first for the "
        "platform)",
    )  # fmt: skip


def add_load_options(parser: ArgumentParser) -> None:
    """Add what decides about a load."""
    group = parser.add_argument_group("loading")
    add_loader(group)
    group.add_argument(
        "--max-entries", metavar="MAP=N", action="append", default=[],
        help="give a map this size instead of the object's; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--set", metavar="VARIABLE=VALUE", action="append", default=[], dest="variables",
        help="start with this value of a global variable: a number, or hex:0102…",
    )  # fmt: skip
    group.add_argument(
        "--kernel-btf", metavar="FILE", help="use these types of the kernel, not the running one's"
    )
    group.add_argument(
        "--pin-maps-in", metavar="DIR",
        help="find and pin maps that ask for it in DIR (default: the platform's place)",
    )  # fmt: skip
    group.add_argument(
        "--legacy-maps", action="store_true", help="create maps of legacy sections too"
    )
    group.add_argument(
        "--no-check", action="store_true",
        help="hand the object to the loader whatever is wrong with it",
    )  # fmt: skip


def make_options(args: Namespace, name: str, programs: Sequence[str] | None) -> LoadOptions:
    """Return the options of a load as the command line has them.

    Raises:
        UsageError: one of them is not written as it should be.
    """
    from ebpf_static.loading import LoadOptions

    return LoadOptions(
        object_name=name,
        programs=None if programs is None else tuple(programs),
        max_entries={key: _number(value, key) for key, value in _pairs(args.max_entries)},
        variables={key: _value(value, key) for key, value in _pairs(args.variables)},
        kernel_btf=args.kernel_btf,
        pin_dir=args.pin_maps_in,
        legacy_maps=args.legacy_maps,
    )


def _pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{text!r}: write NAME=VALUE")
        pairs.append((name, value))
    return pairs


def _number(text: str, name: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise UsageError(f"{name}={text}: is no number") from None


def _value(text: str, name: str) -> int | bytes:
    if not text.startswith("hex:"):
        return _number(text, name)
    try:
        return bytes.fromhex(text[4:])
    except ValueError:
        raise UsageError(f"{name}={text}: is not hexadecimal") from None


def find_loader(name: str | None, spec: CollectionSpec | None = None) -> Loader:
    """Return the loader meant, ready on this host.

    Raises:
        LoaderUnavailableError: it cannot work here; the message says why.
        UsageError: there is no such loader.
    """
    from ebpf_static.api_load import get_loader
    from ebpf_static.errors import LoaderUnavailableError
    from ebpf_static.registry import get_registry

    if name is None and spec is None:
        loader = _first_available()
    else:
        loader = get_loader(name, spec, get_registry())
    problem = loader.available()
    if problem is not None:
        raise LoaderUnavailableError(f"loader {loader.name}: {problem}")
    return loader


def _first_available() -> Loader:
    """Return the first real loader that works here, else the first one to say why it does not."""
    from ebpf_static.api_load import get_loader
    from ebpf_static.registry import get_registry

    registry = get_registry()
    loaders = [get_loader(found.name, None, registry) for found in registry.loaders]
    real = [loader for loader in loaders if loader.loads]
    if not real:
        raise UsageError("no loader is installed")
    return next((loader for loader in real if loader.available() is None), real[0])


def explain_rejection(args: Namespace, error: LoadRejectedError) -> int:
    """Say why the platform refuses, with its log, and return the exit status."""
    complain(args, str(error))
    for line in error.log.splitlines() if getattr(args, "quiet", 0) < 1 else ():
        complain(args, line, "note")
    return ExitCode.FINDINGS


def to_json(value: Any) -> Any:
    """Return a value of a map or of a platform for JSON: bytes in hexadecimal."""
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def to_text(value: Any) -> str:
    """Return a value for people, on one line."""
    if isinstance(value, bytes | bytearray):
        return value.hex(" ")
    if isinstance(value, Mapping):
        parts = (f"{key}: {to_text(item)}" for key, item in value.items())
        return escape("{" + ", ".join(parts) + "}")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(to_text, value)) + "]"
    return escape(str(value))
