"""``inspect --types``, and ``inspect`` on what holds nothing but types."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ebpf_static.cli.options import STDIN
from ebpf_static.errors import UnsupportedObjectError, UsageError, escape

if TYPE_CHECKING:
    from ebpf_static.btf import Btf

SCHEMA_VERSION = 1

_KEYWORDS = ("struct", "union", "enum", "typedef", "func", "var", "datasec", "int", "float", "fwd")


def read_types(args: Namespace) -> Btf:
    """Return the BTF of the file named; a module's is read on ``--btf``.

    Raises:
        ObjectError: the file holds no BTF, or a malformed one.
        UsageError: a file cannot be read.
    """
    from ebpf_static.btf.sources import read_btf
    from ebpf_static.limits import MAX_OBJECT_BYTES

    base = read_btf(args.btf) if args.btf else None
    if args.file == STDIN:
        return read_btf(sys.stdin.buffer.read(MAX_OBJECT_BYTES + 1), base=base)
    return read_btf(args.file, base=base)


def render_types(args: Namespace) -> str:
    """Return the types asked for as C, or all of them as a header that compiles.

    Raises:
        UsageError: there is no type of that name.
        FormatError: the BTF is malformed, or cannot be written as C.
    """
    from ebpf_static.btf.c_dump import c_definition, c_header

    btf = read_types(args)
    ids = None if not args.types else _find(btf, args.types)
    if args.output_format == "json":
        from ebpf_static.output.json_text import dumps_rows

        wanted = range(btf.start_id, len(btf)) if ids is None else ids
        return dumps_rows({"schema_version": SCHEMA_VERSION, "types": list(_rows(btf, wanted))})
    if ids is None:
        return _printable(c_header(btf))
    return _printable("\n\n".join(c_definition(btf, type_id) for type_id in ids) + "\n")


def render_summary(btf: Btf, name: str, output_format: str) -> str:
    """Return how many types of which kind a BTF has."""
    counts = Counter(_kind(btf, type_id) for type_id in range(btf.start_id, len(btf)))
    facts: dict[str, Any] = {
        "byte_order": btf.byte_order,
        "bytes": len(btf.raw),
        "first_id": btf.start_id,
        "types": len(btf) - btf.start_id,
        "pointer_size": btf.pointer_size,
        "kinds": dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
    }
    if output_format == "json":
        from ebpf_static.output.json_text import dumps

        return dumps({"schema_version": SCHEMA_VERSION, "name": name, "btf": facts})
    lines = [escape(name), "  type information (BTF), no programs"]
    lines += [f"  {key.replace('_', ' '):<14}{facts[key]}" for key in facts if key != "kinds"]
    lines += [f"    {kind:<12}{number:>8}" for kind, number in facts["kinds"].items()]
    return "\n".join(lines) + "\n"


def find_types(args: Namespace, error: UnsupportedObjectError) -> Btf:
    """Return the BTF of a file that is no object.

    Raises:
        UnsupportedObjectError: ``error``, when it holds no types either.
    """
    try:
        return read_types(args)
    except UnsupportedObjectError:
        raise error from None


def _find(btf: Btf, wanted: str) -> list[int]:
    keyword, _, name = wanted.rpartition(" ")
    if keyword and keyword not in _KEYWORDS:
        raise UsageError(f"--types {wanted!r}: '{keyword}' is no kind of type")
    found = [it for it in btf.find_all(name) if keyword in ("", _kind(btf, it).lower())]
    if not found:
        raise UsageError(f"--types {wanted!r}: no type has this name")
    return found


def _rows(btf: Btf, ids: Any) -> Iterator[dict[str, Any]]:
    from ebpf_static.btf.raw_dump import raw_type

    for type_id in ids:
        record = btf.type(type_id)
        yield {"id": type_id, "kind": _kind(btf, type_id), "name": record.name,
               "text": raw_type(btf, record)}  # fmt: skip


def _kind(btf: Btf, type_id: int) -> str:
    from ebpf_static.btf import Kind

    number = btf.kind(type_id)
    return Kind(number).name if number <= max(Kind) else f"KIND_{number}"


def _printable(text: str) -> str:
    """Return C as it is but for what could steer a terminal."""
    lines = text.split("\n")
    return "\n".join(
        line if line.isprintable() else "\t".join(map(escape, line.split("\t"))) for line in lines
    )
