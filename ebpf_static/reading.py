"""Reading an object, whatever it is handed over as: a path, bytes or an open file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, TypeAlias

from ebpf_static import limits
from ebpf_static.errors import LimitError, ObjectError, UnsupportedObjectError, UsageError
from ebpf_static.formats.sniff import SNIFF_BYTES, describe, sniff
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO


def read(source: Source, *, platform: str | Platform | None = None) -> CollectionSpec:
    """Return what an object declares; the same bytes give the same spec on every host.

    Args:
        source: path, bytes, or a binary file read from where it stands.
        platform: whose enumerations give the raw numbers their meaning; by default the object's
            own platform, and Linux when nothing says which that is.

    Raises:
        UnsupportedObjectError: the bytes are no BPF object.
        FormatError: they are, but malformed; the message says where.
        UsageError: the path cannot be read.
        UnknownTargetError: ``platform`` is no platform.
    """
    chosen = None if platform is None else Platform.parse(str(platform))
    try:
        data = read_bytes(source)
        return _read(data, chosen)
    except ObjectError as error:
        if error.object_name is None and isinstance(source, str | os.PathLike):
            error.object_name = os.fspath(source)
        raise


def _read(data: bytes, chosen: Platform | None) -> CollectionSpec:
    if not data:
        raise UnsupportedObjectError("an empty file")
    kind = sniff(data[:SNIFF_BYTES])
    if kind == "bpf-elf":
        # Imported where used: a command line that reads no object pays for neither.
        from ebpf_static.formats.object import read_elf_object
        from ebpf_static.identify import identify
        from ebpf_static.interpret import interpret

        draft = read_elf_object(data)
        platform, evidence = identify(draft)
        return interpret(draft, platform, evidence, chosen or platform.numbering)
    if kind == "pe":
        from ebpf_static.formats.native_pe import read_native

        return read_native(data)
    raise UnsupportedObjectError(describe(data[:SNIFF_BYTES]))


def read_bytes(source: Source) -> bytes:
    """Return the bytes of an object that may be one: at most as many as are read of any.

    Raises:
        LimitError: it says it is for BPF, and is larger.
        UnsupportedObjectError: it is larger, and does not.
        UsageError: it cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    try:
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            if path.is_dir():
                raise UsageError(f"{path}: is a directory, not an object")
            with path.open("rb") as file:
                data = file.read(limits.MAX_OBJECT_BYTES + 1)
        else:
            data = source.read(limits.MAX_OBJECT_BYTES + 1)
    except (OSError, ValueError) as error:
        name = getattr(source, "name", source)
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{name}: cannot be read: {reason}") from error
    if not isinstance(data, bytes | bytearray):
        name = getattr(source, "name", source)
        raise UsageError(f"{name}: gives no bytes: open files in binary, blocking mode")
    if len(data) > limits.MAX_OBJECT_BYTES:
        what = f"file is larger than {limits.MAX_OBJECT_BYTES >> 20} MiB"
        claims_bpf = sniff(data[:SNIFF_BYTES]) == "bpf-elf"
        raise LimitError(what) if claims_bpf else UnsupportedObjectError(what)
    return data
