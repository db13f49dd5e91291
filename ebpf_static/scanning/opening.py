"""What is in a file: the object it is, or the objects it contains."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ebpf_static.errors import LimitError, UnsupportedObjectError, UsageError
from ebpf_static.formats.sniff import describe, sniff
from ebpf_static.reading import read_bytes

HEAD_BYTES = 4096
"""What tells kinds of files apart: the first page, which has the sections of a PE file."""

MAX_BYTES = 1 << 30
"""Size of all different objects taken out of one file."""


class Part(NamedTuple):
    """What may be an object.

    Attributes:
        name: what reports call it.
        source: its bytes; the path of a file too large to hold one.
        identity: what it shares with nothing that would be judged otherwise: SHA-256 of the bytes
            and, for a native image, the ending of the name; empty when it is too large to tell.
    """

    name: str
    source: bytes | str
    identity: bytes


def make_part(name: str, data: bytes) -> Part:
    """Return what may be an object."""
    # The only thing a rule may go by beside the contents: Windows does, too.
    suffix = suffix_of(name) if data.startswith(b"MZ") else ""
    return Part(name, data, sha256(data).digest() + suffix.encode("utf-8", "surrogatepass"))


def suffix_of(name: str) -> str:
    """Return the ending of a name: what follows the last dot of its last part."""
    last = name.rpartition("/")[2].rpartition("!")[2]
    return last.rpartition(".")[2] if "." in last else ""


class Opened(NamedTuple):
    """What came out of a file.

    Attributes:
        parts: what may be an object, in order.
        unopened: path and reason of each part that could not be looked into.
        nothing: why there is nothing, where there is nothing; empty for a file that is no
            container: whoever reads its only part says what it is.
    """

    parts: tuple[Part, ...] = ()
    unopened: tuple[tuple[str, str], ...] = ()
    nothing: str = ""


def open_plain(path: Path, name: str) -> Opened | None:
    """Return what is in a file that is no container; None for one that is.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        if path.is_file() and is_package(_head(path)):
            return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return open_bytes(read_bytes(path), name)
    except (LimitError, UnsupportedObjectError):  # too large: said once more by who reads it
        return Opened((Part(name, str(path), b""),))


def open_bytes(data: bytes, name: str) -> Opened:
    """Return what is in some bytes."""
    if is_package(data[:HEAD_BYTES]):
        return open_container(data, name)
    return Opened((make_part(name, data),))


def is_package(head: bytes) -> bool:
    """Tell whether a file starting with ``head`` is to be looked into, and is no object itself."""
    kind = sniff(head)
    if kind == "bpf-elf":
        return False
    if kind == "pe":
        from ebpf_static.formats.pe_header import is_native_image

        if is_native_image(head):
            return False
    # Imported where used: a plain object is judged without knowing any container.
    from ebpf_static.containers import is_container

    return is_container(head)


def open_container(source: bytes | str, name: str) -> Opened:
    """Return the objects in a container, given as bytes or by its path.

    Raises:
        UsageError: the file cannot be read.
    """
    from ebpf_static.containers import Contained, iter_objects

    head = source[:HEAD_BYTES] if isinstance(source, bytes) else _head(Path(source))
    parts: list[Part] = []
    unopened: list[tuple[str, str]] = []
    known: dict[bytes, bytes] = {}
    size = 0
    for found in iter_objects(source, name):
        if not isinstance(found, Contained):
            unopened.append((found.path, found.reason))
            continue
        part = make_part(found.path, found.data)
        size += 0 if part.identity in known else len(found.data)
        if size > MAX_BYTES:
            unopened.append((name, f"holds more than {MAX_BYTES >> 30} GiB of objects"))
            break
        # Layers of an image hold the same file again and again: it is kept once.
        parts.append(part._replace(source=known.setdefault(part.identity, found.data)))
    nothing = "no eBPF object is in it"
    if sniff(head) == "elf":
        nothing = f"{describe(head)}, and {nothing}"
    return Opened(tuple(parts), tuple(unopened), nothing)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
