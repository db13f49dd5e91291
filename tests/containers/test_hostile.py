"""Containers that are cut, damaged or made to cost much give results within bounds.

Nothing is timed: where something multiplied, a test would not end or not fit memory.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf_static.containers import Bounds, Contained, Unopened, iter_objects
from ebpf_static.limits import MAX_OBJECT_BYTES
from ebpf_static.packing import parts
from tests.build.archives import (
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
from tests.containers.samples import HOST, OBJECT, OTHER, found, unopened
from tests.fuzz.containers import SMALL, search
from tests.fuzz.mutations import BOUNDARIES

_MEMBERS = {"a.o": OBJECT, "tool": HOST + OTHER, "n/" * 60 + "long-name.o": OBJECT, "t": b"text"}
SAMPLES: dict[str, bytes] = {
    "ar": ar(_MEMBERS),
    "ar-bsd": ar(_MEMBERS, style="bsd"),
    "tar-pax": tar(_MEMBERS),
    "tar-gnu": tar(_MEMBERS, tarfile.GNU_FORMAT),
    "tar-gzip": gzip.compress(tar(_MEMBERS)),
    "zip": zipped(_MEMBERS),
    "zip-bzip2": zipped(_MEMBERS, zipfile.ZIP_BZIP2),
    "zip-lzma": zipped(_MEMBERS, zipfile.ZIP_LZMA),
    "cpio": cpio(_MEMBERS),
    "cpio-odc": cpio(_MEMBERS, "070707"),
    "initramfs": cpio(_MEMBERS) + bytes(512) + lzma.compress(cpio(_MEMBERS)),
    "rpm": rpm(lzma.compress(cpio(_MEMBERS))),
    "rpm-stripped": rpm_stripped(_MEMBERS),
    "rpm-plain": rpm(cpio(_MEMBERS)),
    "deb": deb(bz2.compress(tar(_MEMBERS)), ".bz2"),
    "docker": tar(docker_save([tar(_MEMBERS), gzip.compress(tar(_MEMBERS))])),
    "docker-gzip": gzip.compress(tar(docker_save([tar(_MEMBERS)]))),
    "oci": tar(oci_layout([[gzip.compress(tar(_MEMBERS))]])),
    "program": HOST + OBJECT + OTHER,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_whole(name: str) -> None:
    assert {OBJECT, OTHER} <= {data for _, data in found(SAMPLES[name])}


@pytest.mark.parametrize("name", SAMPLES)
def test_cut_at_any_length(name: str) -> None:
    whole = SAMPLES[name]
    expected = {item.path: item.data for item in search(whole) if isinstance(item, Contained)}
    for size in range(0, len(whole), 1 if len(whole) < 4096 else 41):
        results = search(whole[:size])
        # A cut object given as one is what a file cut there would be.
        for item in results:
            if isinstance(item, Contained) and item.path in expected:
                assert expected[item.path].startswith(item.data)


@pytest.mark.parametrize(
    "name", ["ar", "tar-pax", "tar-gzip", "cpio", "rpm-plain", "deb", "docker", "zip"]
)
def test_a_cut_archive_is_said(name: str) -> None:
    assert unopened(SAMPLES[name][: len(SAMPLES[name]) // 2])


def test_what_is_before_the_damage_is_found() -> None:
    data = tar({"a.o": OBJECT, "noise": Random(1).randbytes(500_000), "b.o": OTHER})
    for cut in (data[:300_000], gzip.compress(data)[:300_000], lzma.compress(data)[:300_000]):
        results = list(iter_objects(cut, "f"))
        assert results[0] == Contained("f!a.o", OBJECT)
        assert [item.path for item in results if isinstance(item, Unopened)] == ["f"]


def test_a_damaged_header_ends_an_archive_and_is_said() -> None:
    data = bytearray(tar({"a.o": OBJECT, "b.o": OTHER}))
    data[data.index(b"b.o") + 1] ^= 0xFF
    results = list(iter_objects(bytes(data), "f"))
    assert results[0] == Contained("f!a.o", OBJECT)
    assert isinstance(results[1], Unopened)
    assert "damaged tar header" in results[1].reason


def test_a_damaged_member_leaves_the_others() -> None:
    inner = zipped({"x": b"text" * 99})
    data = tar({"broken.zip": inner[:-30], "broken.gz": gzip.compress(OTHER)[:-9], "b.o": OTHER})
    assert Contained("f!b.o", OTHER) in list(iter_objects(data, "f"))
    assert [path for path, _ in unopened(data)] == ["f!broken.zip", "f!broken.gz"]
    damaged = bytearray(zipped({"a.o": OTHER, "b.o": OBJECT}, zipfile.ZIP_LZMA))
    at = damaged.index(b"a.o") + 3
    damaged[at + 12 : at + 40] = b"\xff" * 28
    results = list(iter_objects(bytes(damaged), "f"))
    assert isinstance(results[0], Unopened)
    assert results[1:] == [Contained("f!b.o", OBJECT)]


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32))
def test_mutations(name: str, seed: int) -> None:
    random = Random(seed)
    data = bytearray(SAMPLES[name])
    for _ in range(random.randint(1, 8)):
        at = random.randrange(len(data))
        match random.randrange(4):
            case 0:
                data[at] ^= 1 << random.randrange(8)
            case 1:
                data[at] = random.choice(b"\0\xff0179 /!")
            case 2:
                number = random.choice(BOUNDARIES) & 0xFFFFFFFF
                data[at : at + 4] = number.to_bytes(4, random.choice(("little", "big")))
            case _:
                del data[at : at + random.choice((1, 4, 512))]
        if not data:
            break
    search(bytes(data))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        (b"", b"!<arch>\n", b"PK\3\4", b"PK\5\6", b"070701", b"070707", b"\xed\xab\xee\xdb",
         b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18",
         b"\x02\x21\x4c\x18", b"\x5d\0\0\0\4", b"\x89LZO\0", b"MZ")
    ),
)  # fmt: skip
def test_any_bytes(data: bytes, start: bytes) -> None:
    search(start + data)


# --- what unpacks to more than it is ------------------------------------------------------------


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda data: zipped({"x": data}),
    "zip-bzip2": lambda data: zipped({"x": data}, zipfile.ZIP_BZIP2),
}


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_bombs_end_at_the_bound(pack: Callable[[bytes], bytes]) -> None:
    bomb = tar({"a.o": OBJECT, "bomb": pack(bytes(32 << 20))})
    results = search(bomb)
    assert results == [
        Contained("f!a.o", OBJECT),
        Unopened("f", "costs more than searching 8388608 bytes; the rest is left"),
    ]


def test_a_bomb_in_bombs() -> None:
    data = bytes(4 << 20)
    for _ in range(4):
        data = gzip.compress(data * 3)
    assert search(data)[-1].path == "f"
    assert isinstance(search(data)[-1], Unopened)


def test_nesting_ends_at_the_bound() -> None:
    data = OBJECT
    for _ in range(200):
        data = gzip.compress(data)
    assert unopened(data) == [("f", "inside 12 containers, more than are opened")]
    data = OBJECT
    for _ in range(40):
        data = tar({"x": data})
    assert unopened(data) == [("f" + "!x" * 12, "inside 12 containers, more than are opened")]


@pytest.mark.parametrize("count", [1, 16])
def test_records_that_say_nothing_end_at_the_bound(count: int) -> None:
    stream = io.BytesIO()
    info = tarfile.TarInfo("x")
    extension = tarfile.TarInfo("pax")
    extension.type, extension.size = tarfile.XHDTYPE, 1 << 18
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for _ in range(count):
            archive.addfile(extension, io.BytesIO(b"4 =\n" * (1 << 16)))
            archive.addfile(info)
    assert search(gzip.compress(stream.getvalue()))[-1].path == "f"


def test_archives_that_branch_end_at_the_bound() -> None:
    data = b"leaf"
    for _ in range(5):
        data = zipped({f"{number}.zip": data for number in range(20)})
    assert len(data) < 100_000
    assert search(data)[-1] == Unopened("f", "more than 2000 members; the rest is left")


def test_a_stored_archive_that_contains_itself() -> None:
    # Every entry of the directory leads to the same bytes, which are the archive's own start.
    inner = zipped({"x.o": OBJECT}, zipfile.ZIP_STORED)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("in.zip", inner)
        for number in range(3000):
            twin = zipfile.ZipInfo(f"{number}.zip")
            twin.header_offset, twin.file_size, twin.compress_size = 0, len(inner), len(inner)
            twin.CRC = 0
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    results = search(stream.getvalue())
    assert results[0] == Contained("f!in.zip!x.o", OBJECT)
    assert results[-1] == Unopened("f", "more than 2000 members; the rest is left")


def test_headers_that_cost_much_end_at_the_bound() -> None:
    header = bytearray(OBJECT[:64])
    # A section table of the largest size, at the end of the file, with a good first row.
    count = 16_000
    table = bytes(64) + bytes(64 * (count - 1))
    names = bytearray(table)
    struct.pack_into("<I", names, 64 + 4, 3)
    struct.pack_into("<HHH", header, 58, 64, count, 1)
    room = 4096 * 64
    data = bytearray(HOST)
    for number in range(4096):
        struct.pack_into("<Q", header, 40, room - 64 * number)
        data += header
    results = search(bytes(data + names), Bounds(free_bytes=64 << 20, ratio=1))
    assert results[-1].path == "f"
    assert isinstance(results[-1], Unopened)


def test_objects_inside_one_another_end_at_the_bound() -> None:
    data = OBJECT
    for _ in range(60):
        grown = bytearray(OBJECT[:64]) + data + OBJECT[64:]
        table = struct.unpack_from("<Q", OBJECT, 40)[0] + len(data)
        struct.pack_into("<Q", grown, 40, table)
        data = bytes(grown)
    assert len(search(HOST + data)) > 1


# --- sizes that are lies ------------------------------------------------------------------------


def _lying_tar(size: bytes) -> bytes:
    data = bytearray(tar({"a.o": OBJECT, "lie": b"short", "b.o": OTHER}, tarfile.GNU_FORMAT))
    at = data.index(b"lie")
    data[at + 124 : at + 136] = size.ljust(12, b"\0")
    data[at + 148 : at + 156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
    return bytes(data)


@pytest.mark.parametrize(
    "size",
    [b"77777777777", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"\xff" * 10 + b"\xfe\0", b"-0000000512",
     b"00000x", b"99"],
)  # fmt: skip
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_tar_sizes(size: bytes, pack: Callable[[bytes], bytes]) -> None:
    results = search(pack(_lying_tar(size)))
    assert results[0] == Contained("f!a.o", OBJECT)
    # What a lying size takes in is searched as it is.
    assert [item.path for item in results[1:]] in (["f"], ["f!lie!obj@0x400", "f"])


def test_header_extensions_are_bounded() -> None:
    long = tar({"n" * 300: b""}, tarfile.GNU_FORMAT)
    assert "extension" in unopened(long[:1024] * 40)[0][1]
    huge = bytearray(long)
    huge[124:136] = b"%011o\0" % (1 << 30)
    huge[148:156] = b" " * 8
    huge[148:156] = b"%06o\0 " % sum(huge[:512])
    assert "extension of 1073741824 bytes" in unopened(bytes(huge))[0][1]


def test_name_tables_are_bounded() -> None:
    header = f"{'//':<48}{(1 << 30) - 1:<10}`\n".encode()
    assert "names of 1073741823 bytes" in unopened(b"!<arch>\n" + header)[0][1]
    entry = bytearray(cpio({"x": b""}))
    entry[94:102] = b"FFFFFFFF"
    assert "name of 4294967295 bytes" in unopened(bytes(entry))[0][1]


def test_names_are_cut() -> None:
    ((path, _),) = found(tar({"n" * 100_000 + ".o": OBJECT}))
    assert path == "f!" + "n" * 4096


def test_objects_too_large_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_OBJECT_BYTES == parts.IN_MEMORY_BYTES
    data = OBJECT + bytes(MAX_OBJECT_BYTES)
    assert unopened(data) == [("f", "larger than 64 MiB")]
    assert unopened(gzip.compress(data, 1)) == [("f", "larger than 64 MiB")]
    monkeypatch.setattr(parts, "IN_MEMORY_BYTES", 1000)
    # Parts of a stream that do not fit memory are searched as they pass.
    data = gzip.compress(tar({"big": HOST + bytes(5000) + OBJECT, "b.o": OTHER}))
    assert found(data) == [("f!big!obj@0x1450", OBJECT), ("f!b.o", OTHER)]


def test_zip_inside_a_stream_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebpf_static.containers.members.IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(parts, "IN_MEMORY_BYTES", 1000)
    inner = zipped({"x": Random(1).randbytes(3000)})
    ((path, reason),) = unopened(gzip.compress(tar({"x.zip": inner})))
    assert path == "f!x.zip"
    assert reason.endswith("inside packed data: unpack it first")


def test_a_file_that_cannot_be_read_further_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tar({"a.o": OBJECT, "b": bytes(3 << 20), "c.o": OTHER}))
    read = parts.FileBytes.__getitem__

    def fail(self: parts.FileBytes, key: slice) -> bytes:
        if key.start > 2 << 20:
            raise OSError(5, "Input/output error")
        return read(self, key)

    monkeypatch.setattr(parts.FileBytes, "__getitem__", fail)
    results = list(iter_objects(path, "f"))
    failed = Unopened("f", "cannot be read: Input/output error")
    assert results == [Contained("f!a.o", OBJECT), failed]


def test_a_file_that_shrinks_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(tar({f"{number}.o": OBJECT for number in range(5000)}))
    results = iter_objects(path, "f")
    assert next(results) == Contained("f!0.o", OBJECT)
    path.write_bytes(b"")
    assert isinstance(list(results)[-1], Unopened)


def test_encrypted_and_unusual_zip_members() -> None:
    data = bytearray(zipped({"a.o": OBJECT, "b.o": OTHER}))
    at = data.index(b"PK\1\2")
    data[at + 8] |= 1
    second = data.index(b"PK\1\2", at + 1)
    data[second + 10] = 98
    assert unopened(bytes(data)) == [
        ("f!a.o", "encrypted"),
        ("f!b.o", "packed with zip method 98"),
    ]


def test_bounds_follow_the_size() -> None:
    bounds = Bounds(total_bytes=1000, ratio=10, free_bytes=50)
    assert [bounds.bytes_for(size) for size in (0, 4, 6, 1000)] == [50, 50, 60, 1000]
    assert SMALL.bytes_for(1 << 40) == SMALL.total_bytes
