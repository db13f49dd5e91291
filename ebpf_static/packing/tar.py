"""Members of tar archives: v7, ustar, GNU and pax, as :mod:`tarfile` reads them.

Not :mod:`tarfile` itself: it takes three times the time a member, and in Python releases still in
use a hostile archive makes it loop (CVE-2025-8194) or search for hours (CVE-2024-6232). The tests
hold one against the other.
Sources: pax(1) of POSIX; "Basic Tar Format" and "Storing Sparse Files" of the GNU tar manual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.packing.parts import Part, read_exactly
from ebpf_static.packing.tar_numbers import parse_decimal, parse_field
from ebpf_static.packing.tar_sparse import (
    SPARSE_KEYS,
    RunList,
    Runs,
    fill,
    is_sparse,
    read_old_runs,
    read_runs,
)

BLOCK_BYTES: Final = 512
_MAX_EXTENSION_BYTES = 1 << 20
"""Of a long name or a pax header; names are 4 KiB, extended attributes 64."""
_EXTENSION_COST = 64
_MAX_EXTENSIONS = 16
"""In front of one member; two are usual."""

_REGULAR = (b"0", b"\0", b"7", b"S")
_WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")
_LINKS = (b"1", b"2")
_NAMES = {b"L": "path", b"K": "linkpath"}
_PAX_NEXT, _PAX_ALL = (b"x", b"X"), b"g"
_PAX_KEYS = (b"path", b"linkpath", b"size", *SPARSE_KEYS)


class TarMember(NamedTuple):
    """A member that is a file, or a link to one.

    Attributes:
        name: as stored.
        link: what it is a link to, None for a file.
        content: to be read before the next member is asked for; None for a link.
        size: bytes of the content.
        problem: why there is no content to read, empty when there is.
    """

    name: str
    link: str | None
    content: Part | None
    size: int = 0
    problem: str = ""


def is_tar_header(block: bytes) -> bool:
    """Tell whether a block of 512 bytes is a member's header: its checksum decides."""
    if len(block) < BLOCK_BYTES or not block[0]:
        return False
    digits = block[148:156].strip(b" \0")
    try:
        stored = int(digits, 8)
    except ValueError:
        return False
    summed = block[:148] + b" " * 8 + block[156:BLOCK_BYTES]
    # Old tars summed signed characters.
    return stored == sum(summed) or stored == sum(memoryview(summed).cast("b"))


def first_name(archive: Part) -> str:
    """Return the name in the header at the cursor, which stays before it."""
    return _decode(archive.head(100))


def _free(_count: int) -> None:
    """Charge nothing."""


def iter_tar(archive: Part, charge: Callable[[int], None] = _free) -> Iterator[TarMember]:
    """Yield the files and links of an archive that starts at the cursor.

    Args:
        archive: the archive.
        charge: told what header extensions cost, in bytes searched in the same time.

    Raises:
        FormatError: a header is damaged, or the archive ends without its end mark.
        LimitError: a header extension is larger than any honest one.
    """
    always: dict[str, str] = {}
    said: dict[str, str] = {}
    extensions = 0
    while block := _next_header(archive):
        kind, size = block[156:157], parse_field(block[124:136])
        if kind in _NAMES or kind in _PAX_NEXT or kind == _PAX_ALL:
            extensions += 1
            text = _read_extension(archive, size, extensions)
            charge(_EXTENSION_COST * size)
            if kind in _NAMES:
                said[_NAMES[kind]] = _decode(text)
            else:
                (always if kind == _PAX_ALL else said).update(_pax_records(text))
            continue
        yield from _iter_member(archive, block, size, always | said)
        said, extensions = {}, 0


def _next_header(archive: Part) -> bytes | None:
    at = archive.position
    block = archive.read(BLOCK_BYTES)
    if len(block) == BLOCK_BYTES and not any(block):
        return None
    if not block:
        raise FormatError("tar archive without an end: it may be cut off", offset=at)
    if not is_tar_header(block):
        raise FormatError("damaged tar header", offset=at)
    return block


def _iter_member(
    archive: Part, block: bytes, size: int, said: dict[str, str]
) -> Iterator[TarMember]:
    kind = block[156:157]
    name = said.get("GNU.sparse.name") or said.get("path") or _own_name(block)
    if kind in _WITHOUT_DATA:
        if kind in _LINKS:
            yield TarMember(name, said.get("linkpath") or _decode(block[157:257]), None)
        return
    if "size" in said:
        size = parse_decimal(said["size"])
    runs, real_size = read_old_runs(archive, block) if kind == b"S" else ([], 0)
    content = archive.take(size)
    if kind == b"S":
        yield _filled(name, content, size, lambda: (runs, real_size))
    elif is_sparse(said):
        yield _filled(name, content, size, lambda: read_runs(content, said))
    elif kind in _REGULAR and not (kind == b"\0" and name.endswith("/")):
        yield TarMember(name, None, content, size)
    padding = -size % BLOCK_BYTES
    if len(archive.read(padding)) < padding:
        raise FormatError("tar archive cut off", offset=archive.position)


def _own_name(block: bytes) -> str:
    name = _decode(block[:100])
    # In GNU headers there are times where POSIX has a prefix.
    if block[257:263] == b"ustar\0" and block[345]:
        return f"{_decode(block[345:500])}/{name}"
    return name


def _filled(
    name: str, content: Part, stored: int, read: Callable[[], tuple[Runs, int]]
) -> TarMember:
    """Return a member with its holes filled in, or what is wrong with it."""
    try:
        runs, size = read()
        return TarMember(name, None, fill(content, stored, runs, size), size)
    except FormatError as error:
        return TarMember(name, None, None, 0, error.what)


def _read_extension(archive: Part, size: int, number: int) -> bytes:
    if size > _MAX_EXTENSION_BYTES or number > _MAX_EXTENSIONS:
        what = f"tar header extension of {size} bytes, number {number} of one member"
        raise LimitError(what, offset=archive.position)
    text = read_exactly(archive, size)
    read_exactly(archive, -size % BLOCK_BYTES)
    return text


def _pax_records(text: bytes) -> Iterator[tuple[str, str]]:
    """Yield key and value of ``LENGTH KEY=VALUE`` records, up to the first damaged one."""
    at = 0
    ranges = RunList()
    while at < len(text):
        digits, blank, _ = text[at : at + 20].partition(b" ")
        if not blank or not digits.isdigit() or not int(digits):
            return
        record = text[at + len(digits) + 1 : at + int(digits) - 1]
        key, _, value = record.partition(b"=")
        if not ranges.take(key, _decode(value)) and key in _PAX_KEYS:
            yield _decode(key), _decode(value)
        at += int(digits)
    yield from ranges.records()


def _decode(name: bytes) -> str:
    return name.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
