"""Bounded decompression of what kernels and packages are packed with.

gzip, xz, lzma and bzip2 are the standard library's; zstd is from Python 3.14 on and the
``zstandard`` package's before; lz4 is ours unless the faster ``lz4`` package is there. Both
packages are optional (the extra ``ebpf-static[kernel-images]``) and imported only when needed.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Final, Protocol

from ebpf_static.btf import lz4_block
from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError

MAX_UNPACKED_BYTES: Final = 256 << 20
"""Largest kernel or BTF accepted once unpacked; Debian's are 30 to 70 MB."""

MAGICS: Final = {
    b"\x1f\x8b\x08": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x02\x21\x4c\x18": "lz4",
    b"\x5d\0\0": "lzma",
}
_LZ4_BLOCK_BYTES = 8 << 20
_LZO_MAGIC = b"\x89LZO\0"
_CHUNK = 1 << 20
_ZSTD_FEED = 512
"""Packed bytes given at once: a block of 4 unpacks to 128 KiB, so this bounds a piece at 16 MiB."""

_EXTRA = "ebpf-static[kernel-images]"
_MAX_WINDOW_BYTES = 1 << 27
_MAX_MEMORY = 192 << 20
"""For xz: above the 128 MiB dictionary recent kernels are packed with."""


class Decompressor(Protocol):
    """What the standard library's decompressor objects have in common."""

    @property
    def eof(self) -> bool:
        """Whether the packed data has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing is left to return without more packed data."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most ``max_length`` bytes of what ``data`` and earlier data unpack to."""


def packing_of(data: bytes) -> str | None:
    """Return how data that starts like this is packed, or None."""
    if data.startswith(_LZO_MAGIC):
        raise UnsupportedObjectError("packed with lzo, which no maintained Python library unpacks")
    for magic, name in MAGICS.items():
        if data.startswith(magic):
            return name
    return None


def unpack(data: bytes, packing: str, where: str) -> bytes:
    """Return all of ``data`` unpacked; what follows the packed data is ignored.

    Raises:
        FormatError: the data is damaged.
        LimitError: it unpacks to more than :data:`MAX_UNPACKED_BYTES`.
        UnsupportedObjectError: an optional library is missing; the message says which.
    """
    pieces, total = [], 0
    for piece in iter_unpacked(_chunks(data), packing, where):
        total += len(piece)
        if total > MAX_UNPACKED_BYTES:
            raise LimitError(f"unpacks to more than {MAX_UNPACKED_BYTES} bytes", where=where)
        pieces.append(piece)
    return b"".join(pieces)


def iter_unpacked(chunks: Iterable[bytes], packing: str, where: str) -> Iterator[bytes]:
    """Yield unpacked pieces of bounded size, as the packed chunks allow.

    Raises:
        FormatError: the data is damaged or ends early.
        UnsupportedObjectError: an optional library is missing.
    """
    try:
        if packing == "lz4":
            yield from _iter_lz4(b"".join(chunks), where)
        elif packing == "zstd":
            yield from _iter_zstd(chunks, where)
        else:
            yield from _iter_stdlib(chunks, packing, where)
    except (EOFError, ValueError, OSError, zlib.error, lzma.LZMAError) as err:
        raise FormatError(f"damaged {packing} data: {err}", where=where) from None


def _chunks(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _CHUNK):
        yield data[at : at + _CHUNK]


def _iter_stdlib(chunks: Iterable[bytes], packing: str, where: str) -> Iterator[bytes]:
    if packing == "gzip":
        yield from _iter_gzip(chunks, where)
    elif packing == "bzip2":
        yield from _iter_engine(bz2.BZ2Decompressor(), chunks, where)
    else:
        form = lzma.FORMAT_XZ if packing == "xz" else lzma.FORMAT_ALONE
        yield from _iter_engine(lzma.LZMADecompressor(form, _MAX_MEMORY), chunks, where)


def _iter_engine(engine: Decompressor, chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    for chunk in chunks:
        feed = chunk
        while not engine.eof:
            piece = engine.decompress(feed, _CHUNK)
            feed = b""
            if piece:
                yield piece
            if engine.needs_input:
                break
        if engine.eof:
            return
    raise FormatError("packed data ends early", where=where)


def _iter_gzip(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    engine = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        feed = chunk
        while feed and not engine.eof:
            piece = engine.decompress(feed, _CHUNK)
            feed = engine.unconsumed_tail
            if piece:
                yield piece
        if engine.eof:
            return
    raise FormatError("gzip data ends early", where=where)


def _iter_zstd(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    try:
        zstd = import_module("compression.zstd")
    except ImportError:
        yield from _iter_zstandard(chunks, where)
        return
    try:
        yield from _iter_engine(zstd.ZstdDecompressor(), chunks, where)
    except zstd.ZstdError as err:
        raise FormatError(f"damaged zstd data: {err}", where=where) from None


def _iter_zstandard(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    try:
        zstandard = import_module("zstandard")
    except ImportError:
        what = f"packed with zstd: needs Python 3.14, or zstandard (pip install '{_EXTRA}')"
        raise UnsupportedObjectError(what, where=where) from None
    engine = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES).decompressobj()
    try:
        for chunk in chunks:
            for at in range(0, len(chunk), _ZSTD_FEED):
                if piece := engine.decompress(chunk[at : at + _ZSTD_FEED]):
                    yield piece
                if engine.eof:
                    return
    except zstandard.ZstdError as err:
        raise FormatError(f"damaged zstd data: {err}", where=where) from None
    raise FormatError("packed data ends early", where=where)


def _iter_lz4(data: bytes, where: str) -> Iterator[bytes]:
    """Yield the blocks of the legacy frame, the only lz4 form kernels use."""
    block = _lz4_block()
    at = 4
    while at + 4 <= len(data):
        (size,) = struct.unpack_from("<I", data, at)
        if data[at : at + 4] == b"\x02\x21\x4c\x18":
            at += 4
            continue
        if not size or at + 4 + size > len(data):
            # The kernel build appends the unpacked size: not a block.
            return
        yield block(data[at + 4 : at + 4 + size], uncompressed_size=_LZ4_BLOCK_BYTES)
        at += 4 + size
    if at == 4:
        raise FormatError("lz4 data ends early", where=where)


def _lz4_block() -> Callable[..., bytes]:
    try:
        library = import_module("lz4.block")
    except ImportError:
        return lz4_block.decompress

    def decompress(data: bytes, *, uncompressed_size: int) -> bytes:
        try:
            block: bytes = library.decompress(data, uncompressed_size=uncompressed_size)
        except library.LZ4BlockError as error:  # a class without a built-in base
            raise ValueError(str(error)) from None
        return block

    return decompress
