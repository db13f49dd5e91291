"""Members of tar archives: v7, ustar, GNU and pax, as :mod:`tarfile` reads them.

Not :mod:`tarfile` itself: it takes three times the time a member, and in Python releases still in
use a hostile archive makes it loop (CVE-2025-8194) or search for hours (CVE-2024-6232). The tests
hold one against the other.
Sources: pax(1) of POSIX; "Basic Tar Format" and "Storing Sparse Files" of the GNU tar manual.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.packing.parts import Part, read_exactly

BLOCK_BYTES: Final = 512
_MAX_EXTENSION_BYTES = 1 << 20
"""Of a long name or a pax header; names are 4 KiB, extended attributes 64."""
_MAX_EXTENSIONS = 16
"""In front of one member; two are usual."""

_REGULAR = (b"0", b"\0", b"7", b"S")
_WITHOUT_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")
_LINKS = (b"1", b"2")
_NAMES = {b"L": "path", b"K": "linkpath"}
_PAX_NEXT, _PAX_ALL = (b"x", b"X"), b"g"
_PAX_KEYS = (b"path", b"linkpath", b"size", b"GNU.sparse.name")


class TarMember(NamedTuple):
    """A member that is a file, or a link to one.

    Attributes:
        name: as stored.
        link: what it is a link to, None for a file.
        content: to be read before the next member is asked for; None for a link.
        size: bytes of the content.
        sparse: the content has its holes left out.
    """

    name: str
    link: str | None
    content: Part | None
    size: int = 0
    sparse: bool = False


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


def iter_tar(archive: Part) -> Iterator[TarMember]:
    """Yield the files and links of an archive that starts at the cursor.

    Raises:
        FormatError: a header is damaged, or the archive ends without its end mark.
        LimitError: a header extension is larger than any honest one.
    """
    always: dict[str, str] = {}
    said: dict[str, str] = {}
    extensions = 0
    while block := _next_header(archive):
        kind, size = block[156:157], _number(block[124:136], archive)
        if kind in _NAMES or kind in _PAX_NEXT or kind == _PAX_ALL:
            extensions += 1
            text = _read_extension(archive, size, extensions)
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
    sparse = kind == b"S" or "sparse" in said
    name = said.get("GNU.sparse.name") or said.get("path") or _own_name(block)
    if kind in _WITHOUT_DATA:
        if kind in _LINKS:
            yield TarMember(name, said.get("linkpath") or _decode(block[157:257]), None)
        return
    if said.get("size", "").isdigit():
        size = int(said["size"])
    if kind == b"S":
        _skip_sparse_map(archive, block)
    content = archive.take(size)
    if kind in _REGULAR and not (kind == b"\0" and name.endswith("/")):
        yield TarMember(name, None, content, size, sparse)
    padding = -size % BLOCK_BYTES
    if len(archive.read(padding)) < padding:
        raise FormatError("tar archive cut off", offset=archive.position)


def _own_name(block: bytes) -> str:
    name = _decode(block[:100])
    # In GNU headers there are times where POSIX has a prefix.
    if block[257:263] == b"ustar\0" and block[345]:
        return f"{_decode(block[345:500])}/{name}"
    return name


def _skip_sparse_map(archive: Part, block: bytes) -> None:
    more = block[482]
    while more:
        more = read_exactly(archive, BLOCK_BYTES)[504]


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
    while at < len(text):
        digits, blank, _ = text[at : at + 20].partition(b" ")
        if not blank or not digits.isdigit() or not int(digits):
            return
        record = text[at + len(digits) + 1 : at + int(digits) - 1]
        key, _, value = record.partition(b"=")
        if key in _PAX_KEYS:
            yield _decode(key), _decode(value)
        elif key.startswith(b"GNU.sparse."):
            yield "sparse", ""
        at += int(digits)


def _number(field: bytes, archive: Part) -> int:
    """Return an octal number, or GNU's binary one; neither may be negative."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip(b" ")
    try:
        number = int(digits or b"0", 8)
    except ValueError:
        number = -1
    if number < 0:
        raise FormatError("damaged size in a tar header", offset=archive.position - BLOCK_BYTES)
    return number


def _decode(name: bytes) -> str:
    return name.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
