"""What an object may be handed over as, and what is said when it cannot be read."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError, UsageError
from ebpf_static.reading import read
from tests.formats.writing import ObjectWriter


@pytest.fixture
def data() -> bytes:
    writer = ObjectWriter()
    writer.program(name="main")
    return writer.finish()


def test_every_kind_of_source(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a b.o"
    path.write_bytes(data)
    spec = read(data)
    assert spec.programs.keys() == ("main",)
    for source in (path, str(path), bytearray(data), memoryview(data), io.BytesIO(data)):
        assert read(source) == spec
    with path.open("rb") as file:
        assert read(file) == spec


def test_a_file_is_read_from_where_it_stands(data: bytes) -> None:
    file = io.BytesIO(b"junk" + data)
    file.seek(4)
    assert read(file).programs.keys() == ("main",)


def test_errors_of_a_path_name_it(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.o"
    path.write_bytes(data[:100])
    with pytest.raises(FormatError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ELF header: ")
    with pytest.raises(FormatError) as caught:
        read(data[:100])
    assert str(caught.value).startswith("ELF header: ")


@pytest.mark.parametrize("name", ["missing.o", "", "nul\0byte", "x" * 5000])
def test_what_cannot_be_opened(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read(str(tmp_path / name))


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads anything")
def test_file_that_may_not_be_read(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "secret.o"
    path.write_bytes(data)
    path.chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        read(path)


def test_closed_file(data: bytes) -> None:
    file = io.BytesIO(data)
    file.close()
    with pytest.raises(UsageError, match="cannot be read"):
        read(file)


class _Silent(io.RawIOBase):
    """A pipe that has nothing yet."""

    def read(self, _size: int = -1, /) -> bytes | None:
        return None


class _Broken(io.RawIOBase):
    def read(self, _size: int = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("file", [_Silent(), _Broken()], ids=["silent", "broken"])
def test_file_that_gives_nothing(file: BinaryIO) -> None:
    with pytest.raises(UsageError, match=r"Input/output error|gives no bytes"):
        read(file)


def test_text_file() -> None:
    with pytest.raises(UsageError, match="binary"):
        read(io.StringIO("\x7fELF"))  # type: ignore[arg-type]


def test_no_more_than_the_bound_is_read(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ebpf_static.limits.MAX_OBJECT_BYTES", 100)
    path = tmp_path / "big.o"
    path.write_bytes(data)
    for source in (path, io.BytesIO(data)):
        with pytest.raises(LimitError, match="file is larger than"):
            read(source)
    with pytest.raises(UnsupportedObjectError, match="file is larger than"):
        read(io.BytesIO(bytes(200)))
