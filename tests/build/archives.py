"""Archives in memory: what tests put objects into."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping


def ar(members: Mapping[str, bytes], *, style: str = "gnu", magic: bytes = b"!<arch>\n") -> bytes:
    """An ``ar`` archive with GNU's or BSD's form of long names."""
    out, names = magic, b""
    if style == "gnu":
        names = b"".join(f"{name}/\n".encode() for name in members if len(name) > 15)
        if names:
            out += _ar_member(b"//", names)
    for name, data in members.items():
        if style == "bsd":
            out += _ar_member(f"#1/{len(name)}".encode(), name.encode() + data)
        elif len(name) > 15:
            out += _ar_member(f"/{names.index(name.encode() + b'/')}".encode(), data)
        else:
            out += _ar_member(f"{name}/".encode(), data)
    return out


def _ar_member(name: bytes, data: bytes) -> bytes:
    header = b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"100644", len(data))
    return header + data + b"\n" * (len(data) % 2)


def tar(members: Mapping[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of plain files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of plain files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def deb(data_tar: bytes, suffix: str = "") -> bytes:
    """A Debian package around an archive of its files."""
    control = tar({"./control": b"Package: sample\n"})
    return ar({
        "debian-binary": b"2.0\n",
        "control.tar": control,
        f"data.tar{suffix}": data_tar,
    })  # fmt: skip
