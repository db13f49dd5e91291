"""Every wrapping BTF comes in, built small."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ebpf_static.btf import Btf
from ebpf_static.btf.sources import read_btf
from ebpf_static.errors import (
    EbpfStaticError,
    FormatError,
    LimitError,
    UnsupportedObjectError,
    UsageError,
)
from ebpf_static.packing import compression, lz4_block
from tests.build import archives
from tests.build.archives import PACKERS, lz4_legacy, zstd
from tests.build.btf_writer import BtfWriter


def small_btf(order: str = "little", types: int = 1) -> bytes:
    w = BtfWriter(order)
    for number in range(types):
        w.integer(f"t{number}", 4)
    return w.build()


def elf(sections: dict[str, bytes], *, bits: int = 64, order: str = "little") -> bytes:
    """An ELF file of these sections, as any linker would lay them out."""
    prefix = "<" if order == "little" else ">"
    names = b"\0" + b"".join(name.encode() + b"\0" for name in (*sections, ".shstrtab"))
    header_bytes, row = (64, "IIQQQQIIQQ") if bits == 64 else (52, "IIIIIIIIII")
    body, rows = b"", [(0, 0, 0, 0, 0, 0)]
    for name, content in (*sections.items(), (".shstrtab", names)):
        rows.append(
            (names.index(name.encode() + b"\0"), 1, 0, 0, header_bytes + len(body), len(content))
        )
        body += content
    table = b"".join(struct.pack(prefix + row, *one, 0, 0, 1, 0) for one in rows)
    word = "Q" if bits == 64 else "I"
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "little" else 2, 1]).ljust(12, b"\0")
    header = ident + struct.pack(
        f"{prefix}HHI{word}{word}{word}IHHHHHH", 1, 62, 1, 0, 0, header_bytes + len(body), 0,
        header_bytes, 0, 0, len(table) // len(rows), len(rows), len(rows) - 1,
    )  # fmt: skip
    return header + body + table


def bzimage(payload: bytes) -> bytes:
    setup = bytearray(2 * 512)
    setup[0x1F1] = 1
    setup[0x202:0x208] = b"HdrS\x0f\x02"
    setup[0x248:0x250] = struct.pack("<II", 16, len(payload))
    return bytes(setup) + bytes(16) + payload + b"trailer"


def zboot(payload: bytes) -> bytes:
    return b"MZ\0\0zimg" + struct.pack("<II", 64, len(payload)) + bytes(48) + payload


def deb(path: str, content: bytes, pack: Callable[[bytes], bytes], suffix: str) -> bytes:
    files = {"./usr/share/doc/big": bytes(70_000), path: content}
    return archives.deb(pack(archives.tar(files, tarfile.GNU_FORMAT)), suffix)


def identity(data: bytes) -> bytes:
    return data


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("bits", [32, 64])
def test_elf_of_any_class_and_order(bits: int, order: str) -> None:
    raw = small_btf(order)
    data = elf({".text": b"\x90" * 8, ".BTF": raw}, bits=bits, order=order)
    btf = read_btf(data)
    assert btf.raw == raw
    assert data[btf.type_offset(1) :].startswith(raw[24:36])


def test_raw_from_bytes_and_path(tmp_path: Path) -> None:
    path = tmp_path / "vmlinux"
    path.write_bytes(small_btf())
    assert read_btf(path) == read_btf(str(path)) == read_btf(small_btf()) == Btf.parse(small_btf())
    assert read_btf(path).where == "vmlinux"


@pytest.mark.parametrize("packing", PACKERS)
def test_packed_raw_btf(packing: str) -> None:
    assert read_btf(PACKERS[packing](small_btf())).raw == small_btf()


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("image", [bzimage, zboot])
def test_kernel_images(image: Callable[[bytes], bytes], packing: str) -> None:
    vmlinux = elf({".BTF": small_btf()})
    assert read_btf(image(PACKERS[packing](vmlinux))).raw == small_btf()


def test_packed_kernel_somewhere_in_an_unknown_image() -> None:
    vmlinux = elf({".BTF": small_btf()})
    image = b"\x27\x05\x19\x56" + b"\x1f\x8b\x08 no gzip" + bytes(50) + gzip.compress(vmlinux)
    assert read_btf(image).raw == small_btf()


def test_flat_image_with_the_btf_inside() -> None:
    raw = small_btf(types=2000)
    image = b"MZ flat arm64 image" + small_btf() + bytes(100) + raw + bytes(77)
    assert read_btf(image).raw == raw


@pytest.mark.parametrize(
    ("pack", "suffix"), [(identity, ""), (gzip.compress, ".gz"), (lzma.compress, ".xz")]
)
def test_debian_kernel_package(pack: Callable[[bytes], bytes], suffix: str) -> None:
    image = bzimage(lzma.compress(elf({".BTF": small_btf()})))
    assert read_btf(deb("./boot/vmlinuz-6.1.0", image, pack, suffix)).raw == small_btf()


def test_module_on_a_base_and_on_its_own_base() -> None:
    base_writer = BtfWriter()
    i = base_writer.integer("int", 4)
    base = Btf.parse(base_writer.build())
    w = BtfWriter(base=base_writer)
    w.typedef("mine", i)
    assert read_btf(elf({".BTF": w.build()}), base=base).type(2).name == "mine"
    distilled = elf({".BTF": w.build(), ".BTF.base": base_writer.build()})
    own = read_btf(distilled, base=Btf.parse(small_btf(types=7)))
    assert own.base == base
    assert own.start_id == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no BTF"),
        (b"text\n" * 100, "no BTF"),
        (elf({".text": b""}), "without a .BTF section"),
        (deb("./boot/config-6.1", b"CONFIG_BPF=y", identity, ""), "without a kernel"),
        (b"!<arch>\n" + f"{'a.o/':<48}{0:<10}`\n".encode(), "not a Debian package"),
        (b"\x89LZO\0\x0d\x0a\x1a", "lzo"),
        (bzimage(gzip.compress(b"no kernel at all")), "no BTF"),
    ],
)
def test_not_btf_at_all(data: bytes, message: str) -> None:
    with pytest.raises(UnsupportedObjectError, match=message):
        read_btf(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (elf({".BTF": small_btf()})[:-30], "cut off"),
        (b"\x7fELF\x02\x01" + bytes(20), "cut off"),
        (b"\x7fELF\x07\x01" + bytes(80), "class"),
        (gzip.compress(small_btf())[:20], "early"),
        (lzma.compress(small_btf())[:30], "early|damaged"),
        (b"\x02\x21\x4c\x18" + struct.pack("<I", 3) + b"\x0f\0\0", "damaged"),
        (b"!<arch>\n" + b"x" * 60, "archive"),
        (deb("./boot/vmlinuz-1", b"", lambda _: b"\xff" * 512, ""), "tar"),
    ],
)
def test_damaged(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_btf(data)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_btf(tmp_path / "absent")


def test_unpacking_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MAX_UNPACKED_BYTES", 4 << 20)
    for pack in (gzip.compress, lzma.compress, bz2.compress):
        with pytest.raises(LimitError, match="unpacks to more"):
            read_btf(pack(bytes(64 << 20)))


def test_nested_packing_is_bounded() -> None:
    data = small_btf()
    for _ in range(6):
        data = gzip.compress(data)
    with pytest.raises(LimitError, match="layers"):
        read_btf(data)


def test_lz4_block_matches_overlap() -> None:
    # 2 literals "ab", then 10 bytes from distance 2; literals "!".
    block = bytes([0x26]) + b"ab" + b"\x02\0" + bytes([0x10]) + b"!"
    assert lz4_block.decompress(block, uncompressed_size=100) == b"ab" * 6 + b"!"
    with pytest.raises(ValueError, match="outside"):
        lz4_block.decompress(block, uncompressed_size=5)
    for damaged in (b"\x10", b"\x06ab\x09\0", b"\x00\x00\x00", b"\xf0"):
        with suppress(ValueError):
            lz4_block.decompress(damaged, uncompressed_size=100)


def test_every_prefix_of_a_package_is_read_or_refused() -> None:
    whole = deb(
        "./boot/vmlinuz-1", bzimage(lz4_legacy(elf({".BTF": small_btf()}))), lzma.compress, ".xz"
    )
    for length in range(0, len(whole), 97):
        with suppress(EbpfStaticError):
            read_btf(whole[:length])


def test_zstd_without_a_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UnsupportedObjectError, match=r"backports.zstd .*\[scan\]"):
        read_btf(b"\x28\xb5\x2f\xfd" + bytes(50))


def test_zstd() -> None:
    packed = zstd(small_btf())
    assert read_btf(packed + b"size").raw == small_btf()
    with pytest.raises(FormatError, match="early"):
        read_btf(packed[:-3])
    with pytest.raises(LimitError, match="unpacks to more"):
        read_btf(zstd(bytes(300 << 20)))
