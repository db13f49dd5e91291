"""Objects are found in packaged files, whole or embedded, and hostile headers are passed over."""

import hashlib
from pathlib import Path

import pytest

from corpus import fetch_debian as fetch

OBJECTS = Path(fetch.__file__).parent / "objects" / "linux"
HOST = b"\x7fELF\x02\x01\x01" + bytes(121)


@pytest.mark.parametrize("order", ["el", "eb"])
def test_embedded_object_is_cut_out_exactly(order: str) -> None:
    data = (OBJECTS / f"globals-clang19-{order}.o").read_bytes()
    host = HOST + bytes(72) + data + b"the rest of the host"
    found = list(fetch.find_objects("tool", host))
    assert found == [fetch.Extracted("tool@c8.o", data)]


def test_several_embedded_objects_are_found() -> None:
    first = (OBJECTS / "bare-clang19-el.o").read_bytes()
    second = (OBJECTS / "bare-clang19-eb.o").read_bytes()
    found = list(fetch.find_objects("tool", HOST + first + second))
    assert [item.data for item in found] == [first, second]


@pytest.mark.parametrize(("given", "stored"), [("a.o", "a.o"), ("a.elf", "a.elf"), ("a", "a.o")])
def test_object_file_is_kept_whole_under_its_name(given: str, stored: str) -> None:
    data = (OBJECTS / "bare-clang19-el.o").read_bytes() + b"trailing"
    assert list(fetch.find_objects(given, data)) == [fetch.Extracted(stored, data)]


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param((18, b"\x3e\x00"), id="x86-64"),
        pytest.param((40, b"\xff" * 8), id="section-table-far-away"),
        pytest.param((58, b"\x01\x00"), id="odd-section-header-size"),
        pytest.param((60, b"\xff\xff"), id="more-sections-than-bytes"),
        pytest.param((60, b"\x00\x00"), id="no-sections"),
        pytest.param((5, b"\x07"), id="no-such-byte-order"),
    ],
)
def test_implausible_header_is_no_object(patch: tuple[int, bytes]) -> None:
    offset, value = patch
    data = bytearray((OBJECTS / "bare-clang19-el.o").read_bytes())
    data[offset : offset + len(value)] = value
    assert fetch.object_size(bytes(data), 0) is None
    assert list(fetch.find_objects("tool", HOST + data)) == []


def test_copies_are_stored_once_under_the_listed_name() -> None:
    found = [fetch.Extracted(name, b"same") for name in ("zz.o", "aa.o")]
    digest = hashlib.sha256(b"same").hexdigest()
    unlisted = fetch.Package("p", "1", {})
    listed = fetch.Package("p", "1", {digest[:16]: "zz.o"})
    assert fetch.drop_copies(unlisted, found, set())[digest].name == "aa.o"
    assert fetch.drop_copies(listed, found, set())[digest].name == "zz.o"
    assert fetch.drop_copies(listed, found, {digest}) == {}


def test_list_names_each_object_once() -> None:
    digests = [digest for package in fetch.read_list() for digest in package.objects]
    assert len(digests) == len(set(digests)) == 120
