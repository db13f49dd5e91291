"""Members of tar archives, and layers of the container images some of them are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ebpf_static.containers.budget import Budget
from ebpf_static.containers.images import MAX_JSON_BYTES, MAX_MEMBERS, find_layers, may_be_image
from ebpf_static.containers.members import Member
from ebpf_static.errors import ObjectError
from ebpf_static.packing.parts import Part, Region, Stream
from ebpf_static.packing.tar import TarMember, first_name, iter_tar

_MAX_DOCUMENTS_BYTES = 64 << 20
"""Of all manifests held from a stream."""


def tar_members(part: Part, budget: Budget) -> Iterator[Member]:
    """Yield the files of an archive; of a container image the layers first, lowest first.

    Raises:
        FormatError: the archive is damaged; what was readable before has been yielded.
    """
    if isinstance(part, Region):
        yield from _members_of_region(part, budget)
        return
    layers: dict[str, str] = {}
    if part.again is not None and may_be_image(first_name(part)):
        layers = _layers_of_stream(part.again(), budget)
    missing = dict(layers)
    for member in iter_tar(part, budget.charge):
        name = _plain(member.name)
        missing.pop(name, None)
        yield from _as_member(member, layers.get(name))
    yield from _missing(missing)


def _members_of_region(part: Region, budget: Budget) -> Iterator[Member]:
    """Yield the members of an archive that can be read anywhere, layers in their own order."""
    rest = iter_tar(part, budget.charge)
    damage: Exception | None = None
    first: list[TarMember] = []
    try:
        first.extend(islice(rest, MAX_MEMBERS))
    except (ObjectError, OSError) as error:
        damage = error
    by_name = {_plain(member.name): member for member in first}
    layers = _layers_of_members(by_name) if damage is None and len(first) < MAX_MEMBERS else {}
    for name, label in layers.items():
        if name in by_name:
            yield from _as_member(by_name[name], label)
    yield from _missing({name: label for name, label in layers.items() if name not in by_name})
    for member in first:
        if _plain(member.name) not in layers:
            yield from _as_member(member, None)
    if damage is not None:
        raise damage
    for member in rest:
        yield from _as_member(member, None)


def _as_member(member: TarMember, layer: str | None) -> Iterator[Member]:
    if member.problem:
        yield Member(member.name, None, member.problem)
    elif member.content is not None:
        name = member.name if layer is None else layer
        yield Member(name, member.content, root="" if layer is None else "/")


def _missing(layers: dict[str, str]) -> Iterator[Member]:
    for name, label in layers.items():
        yield Member(label, None, f"the image's layer {name} is not in the archive")


def _layers_of_members(members: dict[str, TarMember]) -> dict[str, str]:
    if "manifest.json" not in members and "index.json" not in members:
        return {}

    def read(name: str) -> bytes | None:
        member = members.get(name)
        small = member is not None and member.size <= MAX_JSON_BYTES
        content = member.content if member is not None and small else None
        return content[0:MAX_JSON_BYTES] if isinstance(content, Region) else None

    return find_layers(read, _links(members.values()))


def _layers_of_stream(archive: Stream, budget: Budget) -> dict[str, str]:
    """Return the layers of an image read once for its manifests, and the layers not looked at."""
    documents: dict[str, bytes] = {}
    links: list[TarMember] = []
    left = _MAX_DOCUMENTS_BYTES
    try:
        for member in islice(iter_tar(archive, budget.charge), MAX_MEMBERS):
            budget.charge_member()
            if member.content is None:
                links.append(member)
            elif member.size <= min(MAX_JSON_BYTES, left) and member.content.head(1) in b"[{":
                left -= member.size
                documents[_plain(member.name)] = member.content.read(member.size)
    except ObjectError:
        # The second reading meets the damage again and reports it.
        pass
    return find_layers(documents.get, _links(links))


def _links(members: Iterable[TarMember]) -> dict[str, str]:
    return {_plain(it.name): it.link for it in members if it.link is not None}


def _plain(name: str) -> str:
    return name.removeprefix("./")
