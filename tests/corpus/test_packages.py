"""Searching real packages gives the objects that a plain search for their first bytes gives."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from corpus import fetch_debian as fetch
from ebpf_static.containers import Contained, iter_objects

EM_BPF = 247


def by_first_bytes(archive: Path) -> Iterator[str]:
    """Paths of all ELF headers for BPF, told by ``dpkg-deb`` and twenty bytes alone."""
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                data = b"" if content is None else content.read()
                for offset in starts(data):
                    name = member.name.removeprefix("./")
                    yield f"{name}!obj@{offset:#x}" if offset else name


def starts(data: bytes) -> Iterator[int]:
    """Offsets of 64-bit ELF headers whose machine is BPF."""
    at = data.find(b"\x7fELF\2")
    while at >= 0:
        order: Literal["little", "big"] = "big" if data[at + 5] == 2 else "little"
        if int.from_bytes(data[at + 18 : at + 20], order) == EM_BPF:
            yield at
        at = data.find(b"\x7fELF\2", at + 1)


@pytest.mark.parametrize("package", fetch.read_list(), ids=lambda package: package.name)
def test_same_objects_as_a_search_for_headers(package: fetch.Package) -> None:
    archive = fetch.archive_of(package)
    if not archive.exists():
        pytest.skip("the Debian packages are not here: run corpus/fetch_debian.py --force")
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not here")
    found = list(iter_objects(archive, "p"))
    assert all(isinstance(item, Contained) for item in found)
    paths = [item.path.removeprefix("p!").partition("!")[2] for item in found]
    assert sorted(paths) == sorted(by_first_bytes(archive))
    assert paths
