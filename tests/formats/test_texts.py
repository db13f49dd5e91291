"""The small sections: license, version and the Windows tag."""

from __future__ import annotations

import pytest

from ebpf_static.reading import read
from tests.build.elf_writer import ByteOrder, ElfWriter
from tests.formats.writing import ORDERS, ObjectWriter


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (b"GPL\0", "GPL"),
        (b"GPL", "GPL"),
        (b"Dual BSD/GPL\0\0\0", "Dual BSD/GPL"),
        (b"GPL\0trailing", "GPL"),
        (b"", ""),
        (b"\0GPL", ""),
        (b"caf\xe9\0", "caf\udce9"),
        (b"x" * 10_000, "x" * 4096),
    ],
)
def test_license(contents: bytes, text: str) -> None:
    writer = ObjectWriter()
    writer.section("license", contents)
    assert writer.read().license == text


def test_the_first_license_counts_and_none_is_none() -> None:
    writer = ObjectWriter()
    writer.section("license", b"first\0")
    writer.section("license", b"second\0")
    assert writer.read().license == "first"
    assert ObjectWriter().read().license is None


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("size", "number"), [(0, None), (3, None), (4, 0x01020304), (8, 0x01020304)]
)
def test_version(order: ByteOrder, size: int, number: int | None) -> None:
    writer = ObjectWriter(order)
    contents = (0x01020304).to_bytes(4, order) + b"\xff" * 4
    writer.section("version", contents[:size])
    assert writer.read().version == number


@pytest.mark.parametrize("contents", [b"\1", b"", b"\0", b"\1\2\3", b"text"])
def test_tag(contents: bytes) -> None:
    writer = ObjectWriter()
    writer.section(".ebpf_for_windows", contents)
    assert writer.read().tag == contents


def test_object_without_a_tag() -> None:
    writer = ObjectWriter()
    writer.section(".ebpf_for_windows2", b"\1")
    assert writer.read().tag is None


@pytest.mark.parametrize("name", ["license", "version", ".ebpf_for_windows"])
def test_nobits_says_nothing_it_could_not(name: str) -> None:
    writer = ElfWriter()
    writer.section(name, bytes(8), 0, 8)
    spec = read(writer.build())
    assert (spec.license or "", spec.version or 0, spec.tag or b"") == ("", 0, b"")
