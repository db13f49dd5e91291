"""Objects in archives of every kind, and what is said of those that are damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from ebpf_static.containers import is_container
from tests.build.archives import ar, deb, tar, zipped
from tests.containers.samples import HOST, OBJECT, OTHER, found, unopened

LONG = "a/" * 70 + "an-object-with-a-long-name.o"
MEMBERS = {"a.o": OBJECT, "usr/bin/agent": HOST + OTHER, LONG: OBJECT, "doc": b"text" * 200}
EXPECTED = [("f!a.o", OBJECT), ("f!usr/bin/agent!obj@0xc8", OTHER), (f"f!{LONG}", OBJECT)]

ARCHIVES: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "ar-gnu": ar,
    "ar-bsd": lambda members: ar(members, style="bsd"),
    "tar-pax": tar,
    "tar-gnu": lambda members: tar(members, tarfile.GNU_FORMAT),
    "tar-ustar": lambda members: tar(members, tarfile.USTAR_FORMAT),
    "zip-stored": lambda members: zipped(members, zipfile.ZIP_STORED),
    "zip-deflated": zipped,
    "zip-bzip2": lambda members: zipped(members, zipfile.ZIP_BZIP2),
    "zip-lzma": lambda members: zipped(members, zipfile.ZIP_LZMA),
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}


@pytest.mark.parametrize("make", ARCHIVES.values(), ids=ARCHIVES)
def test_archives(make: Callable[[dict[str, bytes]], bytes]) -> None:
    data = make(MEMBERS)
    assert found(data) == EXPECTED
    assert is_container(data[:512])


@pytest.mark.parametrize("make", ARCHIVES.values(), ids=ARCHIVES)
@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_packed_archives(
    make: Callable[[dict[str, bytes]], bytes], pack: Callable[[bytes], bytes]
) -> None:
    data = pack(make(MEMBERS))
    assert found(data) == EXPECTED
    assert is_container(data[:512])


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_packed_files_go_by_their_own_name(pack: Callable[[bytes], bytes]) -> None:
    assert found(pack(OBJECT)) == [("f", OBJECT)]
    assert found(pack(HOST + OBJECT)) == [("f!obj@0xc8", OBJECT)]


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_parts_packed_one_by_one_are_one_file(name: str) -> None:
    data = tar(MEMBERS)
    halves = PACKERS[name](data[:700]) + PACKERS[name](data[700:])
    assert found(halves + b"trailer") == EXPECTED


def test_debian_packages() -> None:
    package = deb(lzma.compress(tar({"./usr/sbin/tool": HOST + OBJECT})), ".xz")
    assert found(package) == [("f!data.tar.xz!usr/sbin/tool!obj@0xc8", OBJECT)]


def test_archives_in_archives() -> None:
    inner = zipped({"lib.a": ar({"x.o": OBJECT})})
    outer = gzip.compress(tar({"dist/w.whl": inner}))
    assert found(outer) == [("f!dist/w.whl!lib.a!x.o", OBJECT)]


def test_thin_archives_are_said() -> None:
    assert unopened(ar({"x.o": b""}, magic=b"!<thin>\n")) == [
        ("f", "a thin archive: its members are files of their own")
    ]


def test_names_are_kept_as_they_are() -> None:
    assert found(tar({"\udcff\x1b[2J.o": OBJECT})) == [("f!\udcff\x1b[2J.o", OBJECT)]
