"""The members of each kind of container, in one form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ebpf_static.containers.budget import Budget
from ebpf_static.containers.kinds import HEAD_BYTES, Kind, kind_of, packing_at
from ebpf_static.containers.zip import iter_zip, open_member
from ebpf_static.errors import LimitError, ObjectError, UnsupportedObjectError
from ebpf_static.packing.ar import iter_ar
from ebpf_static.packing.compression import iter_unpacked
from ebpf_static.packing.cpio import iter_cpio, skip_zeros
from ebpf_static.packing.parts import IN_MEMORY_BYTES, Part, Region, Stream
from ebpf_static.packing.rpm import STRIPPED_MAGIC, iter_stripped, read_header


class Member(NamedTuple):
    """What a container holds.

    Attributes:
        name: as stored; None for a container around one file, which goes by the outer name.
        content: to be read before the next member is asked for; None when it cannot be.
        reason: why it cannot be.
        root: what the names of its own members begin with.
        apart: its being damaged says nothing about the other members.
    """

    name: str | None
    content: Part | None
    reason: str = ""
    root: str = ""
    apart: bool = False


Opener = Callable[[Part, Budget], Iterator[Member]]


def ar_members(part: Part, _budget: Budget) -> Iterator[Member]:
    """Yield the members of an ``ar`` archive."""
    return (Member(name, content) for name, content in iter_ar(part))


def thin_ar_members(_part: Part, _budget: Budget) -> Iterator[Member]:
    """Say that the members are elsewhere."""
    yield Member(None, None, "a thin archive: its members are files of their own")


def zip_members(part: Part, budget: Budget) -> Iterator[Member]:
    """Yield the members of a zip archive, which has its directory at the end."""
    archive = part if isinstance(part, Region) else _hold(part, "a zip archive")
    for name, info in iter_zip(archive):
        try:
            content = open_member(archive, info)
        except ObjectError as error:
            yield Member(name, None, error.detail)
            continue
        if isinstance(content, Stream):
            content = Stream(budget.charged(content.chunks()))
        yield Member(name, content, apart=True)


def cpio_members(part: Part, _budget: Budget) -> Iterator[Member]:
    """Yield the members of cpio archives one after the other, and what is packed behind them.

    So is an initramfs made: microcode first, as it is, then the packed files.
    """
    while kind_of(part.head(HEAD_BYTES)) == "cpio":
        for name, content in iter_cpio(part):
            yield Member(name, content)
        skip_zeros(part)
    if part.head(1):
        yield Member(None, _rest(part))


def rpm_members(part: Part, budget: Budget) -> Iterator[Member]:
    """Yield the payload of an RPM package, or its files; they are named from the root."""
    header = read_header(part)
    payload = _rest(part)
    if kind_of(payload.head(HEAD_BYTES)) == "packed":
        payload = _unpacked(payload, budget)
    if payload.head(len(STRIPPED_MAGIC)) != STRIPPED_MAGIC:
        yield Member(None, payload, root="/")
        return
    for name, content in iter_stripped(payload, header):
        yield Member(name, content)


def packed_members(part: Part, budget: Budget) -> Iterator[Member]:
    """Yield what a compressed file unpacks to."""
    yield Member(None, _unpacked(part, budget))


OPENERS: Final[dict[Kind, Opener]] = {
    "ar": ar_members,
    "thin-ar": thin_ar_members,
    "zip": zip_members,
    "cpio": cpio_members,
    "rpm": rpm_members,
    "packed": packed_members,
}


def _unpacked(part: Part, budget: Budget) -> Stream:
    packing = packing_at(part.head(HEAD_BYTES))
    if packing is None or packing == "lzo":
        raise UnsupportedObjectError("packed with lzo, which no maintained Python library unpacks")

    def unpacked() -> Stream:
        pieces = iter_unpacked(part.chunks(), packing, None)
        return Stream(budget.charged(pieces), unpacked if isinstance(part, Region) else None)

    return unpacked()


def _rest(part: Part) -> Part:
    if isinstance(part, Region):
        return part.take(len(part) - part.position)
    return Stream(part.chunks())


def _hold(part: Stream, what: str) -> Region:
    """Return what is left of a stream as a region: some formats cannot be read forwards."""
    data = part.read(IN_MEMORY_BYTES + 1)
    if len(data) > IN_MEMORY_BYTES:
        limit = IN_MEMORY_BYTES >> 20
        raise LimitError(f"{what} larger than {limit} MiB inside packed data: unpack it first")
    return Region(data)
