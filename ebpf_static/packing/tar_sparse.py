"""Members of tar archives that are stored with their holes left out, filled in again.

Source: "Storing Sparse Files" of the GNU tar manual: the header type ``S``, and the versions 0.0,
0.1 and 1.0 in pax headers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeAlias

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.packing.parts import CHUNK_BYTES, IN_MEMORY_BYTES, Part, Stream, read_exactly
from ebpf_static.packing.tar_numbers import parse_decimal, parse_field

Runs: TypeAlias = list[tuple[int, int]]
"""Offset and length of each stored range, in bytes."""

MAP_KEY: Final = "GNU.sparse.map"
SPARSE_KEYS: Final = (
    b"GNU.sparse.name", b"GNU.sparse.map", b"GNU.sparse.size", b"GNU.sparse.realsize",
    b"GNU.sparse.major",
)  # fmt: skip
_OFFSET, _LENGTH = b"GNU.sparse.offset", b"GNU.sparse.numbytes"
_BLOCK_BYTES = 512
_MAX_RUNS = 1 << 16
_MAX_HOLES_BYTES = IN_MEMORY_BYTES


class RunList:
    """The ranges of version 0.0, which come as records of their own."""

    def __init__(self) -> None:
        self._numbers: list[str] = []

    def take(self, key: bytes, value: str) -> bool:
        """Take a record that is part of the list, and tell whether it was."""
        if key in {_OFFSET, _LENGTH}:
            self._numbers.append(value)
            return True
        return False

    def records(self) -> Iterator[tuple[str, str]]:
        """Yield the list as version 0.1 has it."""
        if self._numbers:
            yield MAP_KEY, ",".join(self._numbers)


def is_sparse(said: Mapping[str, str]) -> bool:
    """Tell whether a pax header says that its member has holes."""
    return "GNU.sparse.major" in said or MAP_KEY in said


def read_old_runs(archive: Part, block: bytes) -> tuple[Runs, int]:
    """Return the ranges of a header of type ``S`` and the blocks behind it, and the real size.

    Raises:
        FormatError: a number is damaged, or there are too many.
    """
    table = block[386:482]
    more = block[482]
    while more:
        extension = read_exactly(archive, _BLOCK_BYTES)
        table += extension[:504]
        more = extension[504]
        _check_count(len(table) // 24)
    numbers = [parse_field(table[at : at + 12]) for at in range(0, len(table), 12)]
    return _pairs(numbers), parse_field(block[483:495])


def read_runs(content: Part, said: Mapping[str, str]) -> tuple[Runs, int]:
    """Return the ranges that a pax header or the start of the content names, and the real size.

    Raises:
        FormatError: a number is damaged, or there are too many.
    """
    if "GNU.sparse.major" in said:
        numbers = _read_map(content)
    else:
        numbers = [parse_decimal(text) for text in said.get(MAP_KEY, "").split(",") if text]
    size = said.get("GNU.sparse.realsize") or said.get("GNU.sparse.size") or ""
    return _pairs(numbers), parse_decimal(size)


def fill(content: Part, stored: int, runs: Runs, size: int) -> Stream:
    """Return a member of ``size`` bytes, of which ``runs`` are what is left of its content.

    Args:
        content: what is stored, from the cursor on.
        stored: size of all of it.
        runs: where it belongs.
        size: real size of the member.

    Raises:
        FormatError: the ranges overlap, or are not all there.
        LimitError: the holes are larger than what is worth filling.
    """
    at = 0
    for start, length in runs:
        if start < at:
            raise FormatError("damaged list of the pieces of a sparse file")
        at = start + length
    data = sum(length for _, length in runs)
    if at > size or content.position + data > stored:
        raise FormatError("damaged list of the pieces of a sparse file")
    if size - data > _MAX_HOLES_BYTES:
        raise LimitError(f"a sparse file with {size - data} bytes of holes")
    return Stream(_iter_filled(content, runs, size))


def _iter_filled(content: Part, runs: Runs, size: int) -> Iterator[bytes]:
    at = 0
    for start, length in [*runs, (size, 0)]:
        yield from _in_pieces(bytes, start - at)
        yield from _in_pieces(partial(read_exactly, content), length)
        at = start + length


def _pairs(numbers: list[int]) -> Runs:
    if len(numbers) % 2:
        raise FormatError("damaged list of the pieces of a sparse file")
    _check_count(len(numbers) // 2)
    return [run for run in zip(numbers[::2], numbers[1::2], strict=True) if run[1]]


def _check_count(count: int) -> None:
    if count > _MAX_RUNS:
        raise LimitError(f"a sparse file in {count} pieces")


def _in_pieces(make: Callable[[int], bytes], count: int) -> Iterator[bytes]:
    for at in range(0, count, CHUNK_BYTES):
        yield make(min(CHUNK_BYTES, count - at))


def _read_map(content: Part) -> list[int]:
    """Return the numbers in front of the data of version 1.0: how many pairs, then the pairs."""
    text = read_exactly(content, _BLOCK_BYTES)
    pairs = parse_decimal(text.split(b"\n", 1)[0].decode("ascii", "replace"))
    _check_count(pairs)
    blocks, lines = [text], text.count(b"\n")
    while lines <= 2 * pairs:
        block = read_exactly(content, _BLOCK_BYTES)
        blocks.append(block)
        lines += block.count(b"\n")
        _check_count(len(blocks))
    numbers = b"".join(blocks).split(b"\n")[1 : 2 * pairs + 1]
    return [parse_decimal(number.decode("ascii", "replace")) for number in numbers]
