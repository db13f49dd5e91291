"""Members of ``ar`` archives, with GNU and BSD long names.

Source: ar(5) of FreeBSD and the GNU binutils manual; deb(5) for what Debian packages use of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.packing.parts import Part, read_exactly

AR_MAGIC: Final = b"!<arch>\n"
THIN_MAGIC: Final = b"!<thin>\n"
_HEADER_BYTES = 60
_END = b"`\n"
_MAX_NAMES_BYTES = 16 << 20
_TABLES = (b"/", b"/SYM64/", b"__.SYMDEF", b"__.SYMDEF SORTED", b"__.SYMDEF_64")
"""Symbol tables: of the archive, not in it."""


class ArMember(NamedTuple):
    """A member; its content is to be read before the next one is asked for."""

    name: str
    content: Part


def iter_ar(archive: Part) -> Iterator[ArMember]:
    """Yield the members of an archive that starts at the cursor.

    Raises:
        FormatError: a header is damaged, or the archive ends within a member.
    """
    archive.skip(len(AR_MAGIC))
    names = b""
    while header := archive.read(_HEADER_BYTES):
        size = header[48:58].strip(b" ")
        if header[58:60] != _END or not size.isdigit():
            offset = archive.position - len(header)
            raise FormatError("damaged archive member header", offset=offset)
        raw, length = header[:16].rstrip(b" "), int(size)
        if raw in {b"//", b"ARFILENAMES/"}:
            names = _read_bounded(archive, length)
        elif raw.startswith(b"#1/") and raw[3:].isdigit():
            own = min(int(raw[3:]), length)
            raw = _read_bounded(archive, own).rstrip(b"\0")
            yield from _member(raw, archive.take(length - own))
        else:
            yield from _member(_full_name(raw, names), archive.take(length))
        if length % 2:
            archive.read(1)


def _member(name: bytes, content: Part) -> Iterator[ArMember]:
    if name not in _TABLES:
        yield ArMember(name.decode("utf-8", "surrogateescape"), content)


def _full_name(raw: bytes, names: bytes) -> bytes:
    """Return a name without GNU's closing slash, from the table of long names where it is there."""
    if raw[:1] == b"/" and raw[1:].isdigit():
        start = int(raw[1:])
        return names[start:].split(b"\n", 1)[0].rstrip(b"\0").removesuffix(b"/")
    return raw if raw in _TABLES else raw.removesuffix(b"/")


def _read_bounded(archive: Part, size: int) -> bytes:
    if size > _MAX_NAMES_BYTES:
        raise LimitError(f"member names of {size} bytes", offset=archive.position)
    return read_exactly(archive, size)
