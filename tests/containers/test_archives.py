"""Objects in archives of every kind, and what is said of those that are damaged."""

from __future__ import annotations

import gzip
import lzma
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from ebpf_static.containers import is_container
from tests.build.archives import PACKERS, ar, cpio, deb, lz4, rpm, rpm_stripped, tar, zipped, zstd
from tests.containers.samples import HOST, NATIVE, OBJECT, OTHER, PE, found, unopened

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
    "cpio-newc": cpio,
    "cpio-crc": lambda members: cpio(members, "070702"),
    "cpio-odc": lambda members: cpio(members, "070707"),
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


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd", "lz4"])
def test_parts_packed_one_by_one_are_one_file(name: str) -> None:
    data = tar(MEMBERS)
    halves = PACKERS[name](data[:700]) + PACKERS[name](data[700:])
    assert found(halves + b"trailer") == EXPECTED


def test_debian_packages() -> None:
    package = deb(lzma.compress(tar({"./usr/sbin/tool": HOST + OBJECT})), ".xz")
    assert found(package) == [("f!data.tar.xz!usr/sbin/tool!obj@0xc8", OBJECT)]


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_rpm_packages(pack: Callable[[bytes], bytes]) -> None:
    package = rpm(pack(cpio({"./usr/sbin/tool": HOST + OBJECT, "./x.o": OTHER})))
    assert found(package) == [("f!/usr/sbin/tool!obj@0xc8", OBJECT), ("f!/x.o", OTHER)]
    assert is_container(package[:512])


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["plain", *PACKERS])
def test_rpm_packages_with_names_in_the_header(pack: Callable[[bytes], bytes]) -> None:
    members = {"/usr/lib/a.o": OBJECT, "/usr/sbin/tool": HOST + OTHER, "/opt/x": b"text."}
    assert found(rpm_stripped(members, pack)) == [
        ("f!/usr/sbin/tool!obj@0xc8", OTHER),
        ("f!/usr/lib/a.o.2", OBJECT),
    ]


@pytest.mark.parametrize("size", range(30, 40))
def test_rpm_signatures_are_padded(size: int) -> None:
    assert found(rpm(cpio({"./x.o": OBJECT}), signature_bytes=size)) == [("f!/x.o", OBJECT)]


def test_initramfs_has_microcode_in_front() -> None:
    early = cpio({"kernel/x86/microcode/GenuineIntel.bin": b"code", "early.o": OTHER})
    main = gzip.compress(cpio({"lib/bpf/a.o": OBJECT}))
    assert found(early + bytes(512) + cpio({"two.o": OBJECT}) + bytes(4) + main + bytes(64)) == [
        ("f!early.o", OTHER),
        ("f!two.o", OBJECT),
        ("f!lib/bpf/a.o", OBJECT),
    ]


def test_skippable_frames_hold_nothing() -> None:
    frame = struct.pack("<II", 0x184D2A50, 5) + b"index"
    assert found(zstd(tar(MEMBERS)[:999]) + frame + zstd(tar(MEMBERS)[999:])) == EXPECTED


def test_packed_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = {"zstd": zstd(OBJECT), "lz4": lz4(OBJECT)}
    for module in ("compression.zstd", "backports.zstd", "lz4.frame"):
        monkeypatch.setitem(sys.modules, module, None)
    for name, data in packed.items():
        assert found(zipped({"b.o": OBJECT})) == [("f!b.o", OBJECT)]
        assert unopened(tar({"a.o": data, "b.o": OBJECT})) == [("f!a.o", missing_library(name))]


def missing_library(name: str) -> str:
    needs = {"zstd": "Python 3.14, or backports.zstd", "lz4": "lz4"}[name]
    return f"packed with {name}: needs {needs} (pip install 'ebpf-static[scan]')"


def test_archives_in_archives() -> None:
    inner = zipped({"lib.a": ar({"x.o": OBJECT})})
    outer = gzip.compress(tar({"dist/w.whl": inner}))
    assert found(outer) == [("f!dist/w.whl!lib.a!x.o", OBJECT)]


def test_native_images_are_objects_wherever_they_are() -> None:
    assert found(zipped({"build/native/x.sys": NATIVE, "x.dll": PE + OBJECT})) == [
        ("f!build/native/x.sys", NATIVE),
        (f"f!x.dll!obj@{len(PE):#x}", OBJECT),
    ]
    assert found(gzip.compress(tar({"x.sys": NATIVE}))) == [("f!x.sys", NATIVE)]


def test_thin_archives_are_said() -> None:
    assert unopened(ar({"x.o": b""}, magic=b"!<thin>\n")) == [
        ("f", "a thin archive: its members are files of their own")
    ]


def test_names_are_kept_as_they_are() -> None:
    assert found(tar({"\udcff\x1b[2J.o": OBJECT})) == [("f!\udcff\x1b[2J.o", OBJECT)]
