from __future__ import annotations

import pytest

from ebpf_static.errors import UnsupportedObjectError
from ebpf_static.formats.sniff import sniff
from ebpf_static.reading import read
from tests.formats.writing import ObjectWriter


def _object(**header: int | bytes) -> bytes:
    writer = ObjectWriter()
    writer.program()
    writer.header = dict(header)
    return writer.finish()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (_object(), "bpf-elf"),
        (_object(e_machine=0), "bpf-elf"),
        (_object(ei_data=2), "elf"),  # the machine, read the other way round, is another one
        (_object(e_machine=62), "elf"),
        (_object(ei_class=1), "elf"),
        (_object(ei_data=3), "elf"),
        (_object()[:20], "bpf-elf"),
        (_object()[:19], "elf"),
        (b"\x7fELF", "elf"),
        (b"MZ\x90\0", "pe"),
        (b"!<arch>\nfoo", "archive"),
        (b"!<thin>\nfoo", "archive"),
        (b"#!/bin/sh\n", "other"),
        (b"\x7fEL", "other"),
        (b"", "other"),
    ],
)
def test_kind(data: bytes, kind: str) -> None:
    assert sniff(data[:64]) == kind


@pytest.mark.parametrize("size", range(65))
def test_any_beginning_is_sniffed(size: int) -> None:
    assert sniff(_object()[:size]) in ("bpf-elf", "elf", "other")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty file"),
        (b"hello\n", "neither ELF nor a native image"),
        (b"!<arch>\n", "an archive"),
        (b"MZ\x90\0", "PE"),
        (b"!<thin>\n", "an archive"),
        (_object(e_machine=62), "an ELF file for x86-64, not for BPF"),
        (_object(e_machine=9999), "an ELF file for machine 9999, not for BPF"),
        (_object(e_machine=3, ei_class=1), "an ELF file for i386, not for BPF"),
        (_object(ei_class=1), "a 32-bit ELF file; BPF objects are 64-bit"),
        (_object(ei_data=0), "an ELF file without a byte order"),
        (_object(e_machine=62)[:40], "an ELF file cut off in its header"),
        (_object(e_machine=3, ei_class=1)[:51], "an ELF file cut off in its header"),
        (b"\x7fELF", "an ELF file cut off in its header"),
        (b"\x1f\x8b\x08\0", "compressed with gzip"),
        (b"BC\xc0\xde", "LLVM bitcode"),
    ],
)
def test_what_is_no_object_is_said_in_a_line(data: bytes, message: str) -> None:
    with pytest.raises(UnsupportedObjectError, match=message) as caught:
        read(data)
    assert str(caught.value).isprintable()
