"""LZ4 blocks without a library: Debian packs its cloud kernels with lz4, so these must open.

A few seconds for a kernel; the ``lz4`` package, used when it is there, takes a tenth of one.
Source: the LZ4 block format description (lz4_Block_format.md of the lz4 project).
"""

from __future__ import annotations

_MIN_MATCH = 4
_MORE = 15


def decompress(data: bytes, *, uncompressed_size: int) -> bytes:
    """Return one block unpacked, of ``uncompressed_size`` bytes at most.

    Raises:
        ValueError: the block is damaged or unpacks to more.
    """
    try:
        return _decompress(data, uncompressed_size)
    except IndexError:
        raise ValueError("block ends early") from None


def _decompress(data: bytes, limit: int) -> bytes:
    out = bytearray()
    at, end = 0, len(data)
    while at < end:
        token = data[at]
        at += 1
        length = token >> 4
        if length == _MORE:
            length, at = _extended(data, at, length)
        out += data[at : at + length]
        at += length
        if at >= end:
            break
        distance = data[at] | data[at + 1] << 8
        at += 2
        length = token & _MORE
        if length == _MORE:
            length, at = _extended(data, at, length)
        length += _MIN_MATCH
        start = len(out) - distance
        if start < 0 or not distance or len(out) + length > limit:
            raise ValueError("match outside the block")
        if distance >= length:
            out += out[start : start + length]
        else:
            out += (out[start:] * (length // distance + 1))[:length]
    return bytes(out)


def _extended(data: bytes, at: int, length: int) -> tuple[int, int]:
    """Return a length that continues in further bytes, and the position after them."""
    while data[at] == 0xFF:
        length += 0xFF
        at += 1
    return length + data[at], at + 1
