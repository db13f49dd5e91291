"""Bounded decompression of what kernels, packages and images are packed with.

gzip, xz, lzma and bzip2 are the standard library's; zstd is from Python 3.14 on and the
``backports.zstd`` package's before; lz4 frames are the ``lz4`` package's, while the legacy form
kernels use is ours unless that package is there. Both packages are optional (the extra
``ebpf-static[scan]``) and imported only when needed.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from importlib import import_module
from typing import Final, Protocol

from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError
from ebpf_static.packing import lz4_block
from ebpf_static.packing.parts import CHUNK_BYTES, Stream

MAX_UNPACKED_BYTES: Final = 256 << 20
"""Largest kernel or BTF accepted once unpacked; Debian's are 30 to 70 MB."""

_LZ4_LEGACY = b"\x02\x21\x4c\x18"
MAGICS: Final = {
    b"\x1f\x8b\x08": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    _LZ4_LEGACY: "lz4-legacy",
    b"\x5d\0\0": "lzma",
}
_LONGEST_MAGIC = 8
_SKIPPABLE = (b"\x2a\x4d\x18", frozenset(range(0x50, 0x60)))
"""Frames of zstd and lz4 that hold no data: a first byte of the set, then these three."""

_LZ4_BLOCK_BYTES = 8 << 20
_LZO_MAGIC = b"\x89LZO\0"
_EXTRA = "ebpf-static[scan]"
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

    @property
    def unused_data(self) -> bytes:
        """What followed the packed data."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return at most ``max_length`` bytes of what ``data`` and earlier data unpack to."""


class _Inflate:
    """zlib's decompressor in the form of the others."""

    def __init__(self, window_bits: int) -> None:
        self._engine = zlib.decompressobj(wbits=window_bits)
        self._filled = False

    @property
    def eof(self) -> bool:
        return self._engine.eof

    @property
    def needs_input(self) -> bool:
        # Output cut at the length asked for may go on without input.
        return not self._engine.unconsumed_tail and not self._filled

    @property
    def unused_data(self) -> bytes:
        return self._engine.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        found = self._engine.decompress(self._engine.unconsumed_tail + data, max_length)
        self._filled = len(found) == max_length
        return found


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
    chunks = (data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))
    for piece in iter_unpacked(chunks, packing, where):
        total += len(piece)
        if total > MAX_UNPACKED_BYTES:
            raise LimitError(f"unpacks to more than {MAX_UNPACKED_BYTES} bytes", where=where)
        pieces.append(piece)
    return b"".join(pieces)


def iter_unpacked(chunks: Iterable[bytes], packing: str, where: str | None) -> Iterator[bytes]:
    """Yield unpacked pieces of bounded size, as the packed chunks allow.

    Packed data that directly follows packed data of the same kind is unpacked too, as parallel
    packers and image layers with an index write it; anything else that follows is ignored.

    Args:
        chunks: the packed data.
        packing: a name of :data:`MAGICS`, or ``deflate`` for what zip archives hold.
        where: what errors call the data.

    Raises:
        FormatError: the data is damaged or ends early.
        UnsupportedObjectError: an optional library is missing.
    """
    try:
        if packing == "lz4-legacy":
            yield from _iter_lz4_legacy(Stream(iter(chunks)), where)
        else:
            yield from _iter_frames(iter(chunks), packing, where)
    except (EOFError, ValueError, OSError, RuntimeError, zlib.error, lzma.LZMAError) as err:
        raise FormatError(f"damaged {packing} data: {err}", where=where) from None


def _iter_frames(chunks: Iterator[bytes], packing: str, where: str | None) -> Iterator[bytes]:
    rest = next(chunks, b"")
    while True:
        rest = yield from _iter_frame(_engine(packing, where), rest, chunks, where)
        while len(rest) < _LONGEST_MAGIC and (chunk := next(chunks, b"")):
            rest += chunk
        if packing in {"lzma", "deflate"} or not _continues(rest, packing):
            return


def _iter_frame(
    engine: Decompressor, feed: bytes, chunks: Iterator[bytes], where: str | None
) -> Generator[bytes, None, bytes]:
    """Yield what one packed stream unpacks to and return the packed bytes behind it."""
    while True:
        while True:
            piece = engine.decompress(feed, CHUNK_BYTES)
            feed = b""
            if piece:
                yield piece
            if engine.eof:
                return engine.unused_data
            if engine.needs_input:
                break
        feed = next(chunks, b"")
        if not feed:
            raise FormatError("packed data ends early", where=where)


def _continues(rest: bytes, packing: str) -> bool:
    if packing in {"zstd", "lz4"} and rest[1:4] == _SKIPPABLE[0] and rest[0] in _SKIPPABLE[1]:
        return True
    return any(name == packing and rest.startswith(magic) for magic, name in MAGICS.items())


def _engine(packing: str, where: str | None) -> Decompressor:
    if packing in {"gzip", "deflate"}:
        return _Inflate(31 if packing == "gzip" else -15)
    if packing == "bzip2":
        return bz2.BZ2Decompressor()
    if packing == "zstd":
        return _zstd_engine(where)
    if packing == "lz4":
        return _lz4_engine(where)
    form = lzma.FORMAT_XZ if packing == "xz" else lzma.FORMAT_ALONE
    return lzma.LZMADecompressor(form, _MAX_MEMORY)


def _zstd_engine(where: str | None) -> Decompressor:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            zstd = import_module(name)
        except ImportError:
            continue
        engine: Decompressor = _Translated(zstd.ZstdDecompressor(), zstd.ZstdError)
        return engine
    what = f"packed with zstd: needs Python 3.14, or backports.zstd (pip install '{_EXTRA}')"
    raise UnsupportedObjectError(what, where=where) from None


def _lz4_engine(where: str | None) -> Decompressor:
    try:
        library = import_module("lz4.frame")
    except ImportError:
        what = f"packed with lz4: needs lz4 (pip install '{_EXTRA}')"
        raise UnsupportedObjectError(what, where=where) from None
    engine: Decompressor = _Translated(library.LZ4FrameDecompressor(), RuntimeError)
    return engine


class _Translated:
    """A library's decompressor whose own exception becomes a ``ValueError``."""

    def __init__(self, engine: Decompressor, error: type[Exception]) -> None:
        self._engine = engine
        self._error = error

    @property
    def eof(self) -> bool:
        return self._engine.eof

    @property
    def needs_input(self) -> bool:
        return self._engine.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._engine.unused_data or b""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        try:
            return self._engine.decompress(data, max_length)
        except self._error as error:
            raise ValueError(str(error)) from None


def _iter_lz4_legacy(data: Stream, where: str | None) -> Iterator[bytes]:
    """Yield the blocks of the legacy frame, the only lz4 form kernels use."""
    block = _lz4_block()
    blocks = 0
    data.skip(len(_LZ4_LEGACY))
    while len(head := data.read(4)) == 4:
        if head == _LZ4_LEGACY:
            continue
        (size,) = struct.unpack("<I", head)
        # The kernel build appends the unpacked size: not a block. No block grows beyond its data.
        packed = data.read(size) if size <= 2 * _LZ4_BLOCK_BYTES else b""
        if not size or len(packed) < size:
            break
        yield block(packed, uncompressed_size=_LZ4_BLOCK_BYTES)
        blocks += 1
    if not blocks:
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
