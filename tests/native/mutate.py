"""Damage an image in ways that reach deep: headers, tables, pointers, cuts and copies."""

from __future__ import annotations

import random
import struct

_WORDS = (0, 1, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 64) - 1)


def mutate(data: bytes, seed: int) -> bytes:
    """Return a damaged copy of ``data``, the same for the same seed."""
    rng = random.Random(seed)
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8, 24))):
        _damage(out, rng)
    return bytes(out)


def _damage(out: bytearray, rng: random.Random) -> None:
    if not out:
        return
    at = _place(out, rng)
    kind = rng.random()
    if kind < 0.35:
        out[at] = rng.randrange(256)
    elif kind < 0.5:
        out[at] ^= 1 << rng.randrange(8)
    elif kind < 0.7:
        size = rng.choice((2, 4, 8))
        at &= ~(size - 1)
        word = rng.choice(_WORDS) & ((1 << 8 * size) - 1)
        out[at : at + size] = word.to_bytes(size, "little")
    elif kind < 0.8:
        out[at : at + 8] = struct.pack("<Q", 0x140000000 + rng.randrange(0x12000))
    elif kind < 0.9:
        size = rng.choice((8, 24, 40, 48, 80, 144))
        source = rng.randrange(len(out))
        piece = out[source : source + size]
        out[at : at + len(piece)] = piece
    elif kind < 0.97:
        out[at : at + 32] = bytes(len(out[at : at + 32]))
    else:
        del out[at:]


def _place(out: bytearray, rng: random.Random) -> int:
    """Prefer the headers, then anything that is not padding."""
    if rng.random() < 0.25:
        return rng.randrange(min(len(out), 0x400))
    for _ in range(16):
        at = rng.randrange(len(out))
        if any(out[at & ~7 : (at & ~7) + 8]):
            return at
    return rng.randrange(len(out))
