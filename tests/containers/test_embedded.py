"""Objects inside other files are cut out exactly, and what only looks like one is left."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ebpf_static.containers import is_container, iter_objects
from ebpf_static.errors import UsageError
from ebpf_static.packing import parts
from tests.build.elf_writer import ElfWriter
from tests.containers.samples import HOST, NATIVE, OBJECT, OTHER, PE, found


@pytest.mark.parametrize("host", [HOST, PE], ids=["elf", "pe"])
def test_objects_are_cut_out_of_programs(host: bytes) -> None:
    data = host + OBJECT + b"between" + OTHER + b"the rest"
    second = len(host) + len(OBJECT) + 7
    assert found(data) == [
        (f"f!obj@{len(host):#x}", OBJECT),
        (f"f!obj@{second:#x}", OTHER),
    ]


def test_the_same_object_twice_is_yielded_twice() -> None:
    assert [data for _, data in found(HOST + OBJECT + OBJECT)] == [OBJECT, OBJECT]


@pytest.mark.parametrize("data", [OBJECT, OTHER, NATIVE], ids=["little", "big", "native"])
def test_an_object_is_itself(data: bytes) -> None:
    assert found(data) == [("f", data)]


def test_a_damaged_object_is_one_nevertheless() -> None:
    assert found(OBJECT[:100]) == [("f", OBJECT[:100])]


@pytest.mark.parametrize("shift", range(0, 80, 7))
def test_an_object_across_pieces(shift: int) -> None:
    before = HOST + bytes(parts.CHUNK_BYTES - len(HOST) - shift)
    assert found(before + OBJECT + b"more") == [(f"f!obj@{len(before):#x}", OBJECT)]


def old_object(section: str) -> bytes:
    """An object as LLVM before 4.0 wrote it: for no machine."""
    writer = ElfWriter()
    writer.section(section, b"GPL\0")
    writer.header["e_machine"] = 0
    return writer.build()


def test_objects_for_no_machine_are_told_by_their_sections() -> None:
    old = old_object("license")
    assert found(old) == [("f", old)]
    assert found(HOST + old) == [("f!obj@0xc8", old)]
    assert found(old_object(".data")) == []
    assert found(HOST + old_object(".data")) == []
    assert found(old_object(".data") + OBJECT)[0][1] == OBJECT


_LOOK_ALIKES = [
    pytest.param(18, b"\x3e\0", id="x86-64"),
    pytest.param(4, b"\1", id="32-bit"),
    pytest.param(5, b"\7", id="no-byte-order"),
    pytest.param(16, b"\7", id="type"),
    pytest.param(20, b"\7", id="version"),
    pytest.param(40, b"\xff" * 8, id="table-far-away"),
    pytest.param(40, bytes(8), id="no-table"),
    pytest.param(52, b"\x34", id="header-size"),
    pytest.param(58, b"\1\0", id="entry-size"),
    pytest.param(60, b"\xff\xff", id="more-sections-than-bytes"),
    pytest.param(60, b"\0\0", id="no-sections"),
    pytest.param(62, b"\0\0", id="no-names"),
]


@pytest.mark.parametrize(("offset", "value"), _LOOK_ALIKES)
def test_look_alikes_are_no_objects(offset: int, value: bytes) -> None:
    data = bytearray(OBJECT)
    data[offset : offset + len(value)] = value
    assert found(HOST + data + bytes(100)) == []
    assert found(HOST + data + OBJECT) == [(f"f!obj@{len(HOST) + len(data):#x}", OBJECT)]


def test_the_start_of_an_object_is_no_object() -> None:
    for size in range(len(OBJECT)):
        assert found(HOST + OBJECT[:size]) == []
        assert found(HOST + OBJECT[:size] + OTHER)[-1][1] == OTHER


def test_a_section_beyond_the_end_makes_it_none() -> None:
    data = bytearray(OBJECT)
    table = struct.unpack_from("<Q", data, 40)[0]
    struct.pack_into("<Q", data, table + 64 + 32, 1 << 40)
    assert found(HOST + data + bytes(1000)) == []


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(HOST + OBJECT)
    assert [tuple(item) for item in iter_objects(path, "shown")] == [("shown!obj@0xc8", OBJECT)]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a regular file"):
        list(iter_objects(tmp_path, "x"))
    with pytest.raises(UsageError, match="cannot be read"):
        list(iter_objects(tmp_path / "absent", "x"))
    with pytest.raises(UsageError, match="null"):
        list(iter_objects("nul\0", "x"))


def test_is_container() -> None:
    assert is_container(HOST)
    assert is_container(PE)
    assert is_container(b"\xcf\xfa\xed\xfe" + bytes(100))
    for head in (OBJECT, b"", b"text", bytes(512), b"\x7fEL"):
        assert not is_container(head[:512])
