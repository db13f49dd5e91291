"""Small containers of every format there is a writer for, each with an object inside."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator

from tests.build.archives import (
    PACKERS,
    ar,
    cpio,
    deb,
    docker_save,
    oci_layout,
    rpm,
    rpm_stripped,
    tar,
    zipped,
)


def archives(data: bytes) -> Iterator[bytes]:
    """Yield containers that hold ``data``, one of every sort."""
    members = {"a/b.o": data}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield zipped(members, method)
    yield tar(members)
    yield tar({"n/" * 60 + "long-name.o": data}, tarfile.GNU_FORMAT)
    yield ar(members)
    yield ar(members, style="bsd")
    yield ar({"an-object-with-a-long-name.o": data})
    yield cpio(members)
    yield cpio(members, "070707")
    for pack in PACKERS.values():
        yield pack(data)
    yield PACKERS["gzip"](tar(members))
    yield deb(PACKERS["xz"](tar(members)), ".xz")
    yield rpm(PACKERS["zstd"](cpio(members)))
    yield rpm_stripped(members)
    yield cpio(members) + bytes(512) + PACKERS["lzma"](cpio(members))
    yield tar(docker_save([tar(members)]))
    yield PACKERS["gzip"](tar(docker_save([tar(members)])))
    yield tar(oci_layout([[PACKERS["gzip"](tar(members))]]))
    yield bytes(64) + data  # inside something unknown
    yield b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\0" + bytes(180) + data
