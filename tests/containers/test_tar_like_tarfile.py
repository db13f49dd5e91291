"""Our reader of tar archives gives what :mod:`tarfile` gives, of whatever it writes."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf_static.packing.parts import Region, Stream
from ebpf_static.packing.tar import iter_tar

_TYPES = (
    tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE,
    tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
)  # fmt: skip
_text = st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=90)
_name = st.lists(_text, min_size=1, max_size=4).map("/".join)
_members = st.lists(
    st.tuples(_name, st.sampled_from(_TYPES), st.integers(0, 1500), _name), max_size=6
)


def _write(members: list[tuple[str, bytes, int, str]], format: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        for name, kind, size, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link if kind in {b"1", b"2"} else ""
            info.size = size if info.isreg() else 0
            info.mtime = 1.5 if size % 2 else 0
            try:
                archive.addfile(info, io.BytesIO(b"x" * info.size))
            except ValueError:  # too long for ustar
                continue
    return stream.getvalue()


def _by_tarfile(data: bytes) -> list[tuple[str, str | None, bytes]]:
    found: list[tuple[str, str | None, bytes]] = []
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.issym() or member.islnk():
                found.append((member.name, member.linkname, b""))
            elif member.isreg():
                content = archive.extractfile(member)
                assert content is not None
                found.append((member.name, None, content.read()))
    return found


@pytest.mark.parametrize(
    "format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT],
    ids=["ustar", "gnu", "pax"],
)  # fmt: skip
@settings(max_examples=60, deadline=None, derandomize=True)
@given(members=_members, piece=st.sampled_from((1, 100, 512, 7000)))
def test_same_members(format: int, members: list[tuple[str, bytes, int, str]], piece: int) -> None:
    data = _write(members, format)
    expected = _by_tarfile(data)
    pieces = (data[at : at + piece] for at in range(0, len(data), piece))
    for archive in (Region(data), Stream(pieces)):
        ours = []
        for it in iter_tar(archive):
            content = b"" if it.content is None else it.content.read(it.size)
            ours.append((it.name, it.link, content))
        assert ours == expected


@pytest.mark.parametrize(
    "options", [["gnu"], *(["pax", f"--sparse-version={it}"] for it in ("0.0", "0.1", "1.0"))],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("runs", [3, 400])
def test_holes_are_filled(tmp_path: Path, options: list[str], runs: int) -> None:
    with (tmp_path / "holes").open("wb") as file:
        for run in range(runs):
            file.seek(run * 20_480)
            file.write(b"%d" % run * 100)
        file.truncate(runs * 20_480 + 9999)
    (tmp_path / "plain").write_bytes(b"plain")
    command = ["tar", "--sparse", f"--format={options[0]}", *options[1:], "-cf", "x.tar"]
    try:
        subprocess.run([*command, "holes", "plain"], cwd=tmp_path, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("tar is not GNU tar")
    data = (tmp_path / "x.tar").read_bytes()
    if len(data) > runs * 20_480:
        pytest.skip("the file system keeps no holes")
    expected = _by_tarfile(data)
    assert [name for name, *_ in expected] == ["holes", "plain"]
    for archive in (Region(data), Stream(iter([data]))):
        found = []
        for it in iter_tar(archive):
            assert it.content is not None
            found.append((it.name, None, it.content.read(it.size + 1)))
        assert found == expected


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"map": "0,3,2,3", "size": "9"}, "damaged list"),
        ({"map": "0,3,3", "size": "9"}, "damaged list"),
        ({"map": "0,3,9,9", "size": "9"}, "damaged list"),
        ({"map": "0,999", "size": "999"}, "damaged list"),
        ({"map": "0,x", "size": "9"}, "damaged number"),
        ({"map": "0,3"}, "damaged number"),
        ({"map": "0,3", "size": "²"}, "damaged number"),
        ({"map": "0,3", "size": str(1 << 60)}, "bytes of holes"),
        ({"map": "0,0," * 70_000 + "0,1", "size": "9"}, "70001 pieces"),
        ({"major": "1", "minor": "0", "realsize": "9"}, "damaged number"),
    ],
)
def test_lists_of_holes_that_lie(headers: dict[str, str], problem: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("x")
        info.size = 600
        info.pax_headers = {f"GNU.sparse.{key}": value for key, value in headers.items()}
        archive.addfile(info, io.BytesIO(b"data\n" * 120))
        archive.addfile(tarfile.TarInfo("y"))
    first, second = iter_tar(Region(stream.getvalue()))
    assert problem in first.problem
    assert second.name == "y"


def test_global_headers_apply_to_all() -> None:
    stream = io.BytesIO()
    headers = {"comment": "0123", "path": "all"}
    with tarfile.open(
        fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as archive:
        archive.addfile(tarfile.TarInfo("one"))
    data = stream.getvalue()
    assert [it.name for it in iter_tar(Region(data))] == ["all"]
    assert [name for name, *_ in _by_tarfile(data)] == ["all"]
