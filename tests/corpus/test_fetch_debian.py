"""Objects are found in packages, whole or embedded, and stored once under a name of their own."""

import hashlib
import lzma
from pathlib import Path

import pytest

from corpus import fetch_debian as fetch
from tests.build.archives import deb, tar

OBJECTS = Path(fetch.__file__).parent / "objects" / "linux"
HOST = b"\x7fELF\x02\x01\x01" + bytes(121)
FIRST = (OBJECTS / "globals-clang19-el.o").read_bytes()
SECOND = (OBJECTS / "bare-clang19-eb.o").read_bytes()


def find(folder: Path, members: dict[str, bytes]) -> list[fetch.Extracted]:
    archive = folder / "p.deb"
    archive.write_bytes(deb(lzma.compress(tar(members)), ".xz"))
    return list(fetch.find_objects(archive))


def test_embedded_objects_are_cut_out_exactly(tmp_path: Path) -> None:
    host = HOST + bytes(72) + FIRST + SECOND + b"the rest of the host"
    assert find(tmp_path, {"./usr/sbin/tool": host}) == [
        fetch.Extracted("tool@c8.o", FIRST),
        fetch.Extracted(f"tool@{200 + len(FIRST):x}.o", SECOND),
    ]


@pytest.mark.parametrize(("given", "stored"), [("a.o", "a.o"), ("a.elf", "a.elf"), ("a", "a.o")])
def test_object_file_is_kept_whole_under_its_name(tmp_path: Path, given: str, stored: str) -> None:
    data = FIRST + b"trailing"
    assert find(tmp_path, {f"./lib/bpf/{given}": data}) == [fetch.Extracted(stored, data)]
    assert find(tmp_path, {given: data}) == [fetch.Extracted(stored, data)]


def test_what_cannot_be_looked_at_is_no_object_less(tmp_path: Path) -> None:
    archive = tmp_path / "p.deb"
    archive.write_bytes(deb(lzma.compress(tar({"./a.o": FIRST}))[:200], ".xz"))
    with pytest.raises(fetch.FetchError, match=r"p\.deb!data\.tar\.xz: .*early"):
        list(fetch.find_objects(archive))


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
