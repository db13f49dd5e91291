"""Small containers of every format there is a writer for, each with an object inside."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import import_module


def archives(data: bytes) -> Iterator[bytes]:
    """Yield containers that hold ``data``, one of every sort."""
    yield tar(data)
    yield zip_(data, zipfile.ZIP_STORED)
    yield zip_(data, zipfile.ZIP_DEFLATED)
    yield ar(data)
    yield cpio(data)
    yield gzip.compress(data, mtime=0)
    yield lzma.compress(data)
    yield bz2.compress(data)
    yield import_module("zstandard").compress(data)
    yield gzip.compress(tar(data), mtime=0)
    yield ar(lzma.compress(tar(data)), b"data.tar.xz")
    yield bytes(64) + data  # inside something unknown
    yield b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\0" + bytes(180) + data


def tar(data: bytes, name: str = "a/b.o") -> bytes:
    """Return a tar archive with one member."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def zip_(data: bytes, method: int) -> bytes:
    """Return a zip archive with one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("a/b.o"), data, method)
    return file.getvalue()


def ar(data: bytes, name: bytes = b"b.o") -> bytes:
    """Return an ar archive with one member."""
    head = b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name + b"/", 0, 0, 0, 0o644, len(data))
    return b"!<arch>\n" + head + data + b"\n" * (len(data) % 2)


def cpio(data: bytes) -> bytes:
    """Return a cpio archive, as initramfs images are."""
    return _member(b"b.o", data) + _member(b"TRAILER!!!", b"")


def _member(name: bytes, data: bytes) -> bytes:
    fields = (1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
    head += bytes(-len(head) % 4)
    return head + data + bytes(-len(data) % 4)
