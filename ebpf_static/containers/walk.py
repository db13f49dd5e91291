"""The way through containers in containers to the objects inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from ebpf_static.containers.budget import Budget, SpentError
from ebpf_static.containers.embedded import has_bpf_section, iter_embedded
from ebpf_static.containers.kinds import HEAD_BYTES, Kind, kind_of, packing_at
from ebpf_static.containers.model import Contained, Unopened
from ebpf_static.containers.zip import iter_zip, open_member
from ebpf_static.errors import LimitError, ObjectError, UnsupportedObjectError
from ebpf_static.limits import MAX_NAME_BYTES, MAX_OBJECT_BYTES
from ebpf_static.packing.ar import iter_ar
from ebpf_static.packing.compression import iter_unpacked
from ebpf_static.packing.parts import IN_MEMORY_BYTES, Part, Region, Stream
from ebpf_static.packing.tar import iter_tar

Found: TypeAlias = Iterator[Contained | Unopened]


class Walk:
    """One search, and what is left of its bounds."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._openers: Final[Mapping[Kind, Callable[[Part, str, int], Found]]] = {
            "ar": self._open_ar,
            "thin-ar": self._open_thin_ar,
            "tar": self._open_tar,
            "zip": self._open_zip,
            "packed": self._unpack,
        }

    def look(self, part: Part, path: str, depth: int = 0) -> Found:
        """Yield the objects in a part, and what of it could not be looked at.

        Raises:
            SpentError: the bounds of the search are reached.
            FormatError: the stream the part is cut from is damaged.
        """
        head = part.head(HEAD_BYTES)
        kind = kind_of(head)
        if kind in {"object", "maybe-object"}:
            yield from self._look_at_object(part, path, certain=kind == "object")
        elif (opener := self._openers.get(kind)) is None:
            yield from self._search(part, path)
        elif depth >= self._budget.depth:
            yield Unopened(path, f"nested in more than {depth} containers")
        else:
            yield from _reporting(path, opener(part, path, depth + 1))

    def _look_at_object(self, part: Part, path: str, *, certain: bool) -> Found:
        data = part.read(MAX_OBJECT_BYTES + 1)
        self._budget.charge(len(data))
        if len(data) > MAX_OBJECT_BYTES:
            yield Unopened(path, f"larger than {MAX_OBJECT_BYTES >> 20} MiB")
        elif certain or has_bpf_section(data):
            self._budget.charge_member()
            yield Contained(path, data)
        else:
            yield from self._search(Region(data), path)

    def _search(self, part: Part, path: str) -> Found:
        pieces = self._budget.charged(part.chunks())
        for offset, data in iter_embedded(pieces, self._budget.charge):
            self._budget.charge_member()
            yield Contained(f"{path}!obj@{offset:#x}", data)

    def _look_at_member(self, part: Part, path: str, name: str, depth: int) -> Found:
        yield from self.look(part, _join(path, name), depth)

    def _open_ar(self, part: Part, path: str, depth: int) -> Found:
        for name, content in iter_ar(part):
            self._budget.charge_member()
            yield from self.look(content, _join(path, name), depth)

    def _open_thin_ar(self, _part: Part, path: str, _depth: int) -> Found:
        yield Unopened(path, "a thin archive: its members are files of their own")

    def _open_tar(self, part: Part, path: str, depth: int) -> Found:
        for member in iter_tar(part):
            self._budget.charge_member()
            if member.sparse:
                yield Unopened(_join(path, member.name), "stored with its holes left out")
            elif member.content is not None:
                yield from self.look(member.content, _join(path, member.name), depth)

    def _open_zip(self, part: Part, path: str, depth: int) -> Found:
        archive = part if isinstance(part, Region) else self._hold(part)
        for name, info in iter_zip(archive):
            self._budget.charge_member()
            inner = _join(path, name)
            try:
                content = open_member(archive, info)
            except ObjectError as error:
                yield Unopened(inner, error.detail)
                continue
            if isinstance(content, Stream):
                content = Stream(self._budget.charged(content.chunks()))
            # A damaged member leaves the others as they are.
            yield from _reporting(inner, self.look(content, inner, depth))

    def _unpack(self, part: Part, path: str, depth: int) -> Found:
        packing = packing_at(part.head(HEAD_BYTES))
        if packing is None or packing == "lzo":
            raise UnsupportedObjectError(f"packed with {packing}, which cannot be unpacked")
        pieces = iter_unpacked(part.chunks(), packing, None)
        yield from self.look(Stream(self._budget.charged(pieces)), path, depth)

    @staticmethod
    def _hold(part: Stream) -> Region:
        """Return what is left of a stream as a region: some formats cannot be read forwards."""
        data = part.read(IN_MEMORY_BYTES + 1)
        if len(data) > IN_MEMORY_BYTES:
            what = f"a zip archive larger than {IN_MEMORY_BYTES >> 20} MiB inside packed data"
            raise LimitError(f"{what}: unpack it first")
        return Region(data)


def _reporting(path: str, found: Found) -> Found:
    """Yield what is found until the container proves damaged, then that."""
    try:
        yield from found
    except SpentError:
        raise
    except ObjectError as error:
        yield Unopened(path, error.detail)


def _join(path: str, name: str) -> str:
    return f"{path}!{name.removeprefix('./')[:MAX_NAME_BYTES]}"
