"""The libraries that load objects into Linux: what each takes, and what it puts in place.

``loaders`` says what they do, release by release, where they differ; ``libbpf`` what is put in
place of what a kernel lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from ebpf_static.errors import UnknownTargetError
from ebpf_static.support import lookups
from ebpf_static.support.judge import key_of, version_key
from ebpf_static.support.tables import read_table
from ebpf_static.support.targets import release_of
from ebpf_static.target import ObjectLoader, Platform, Target, Version

if TYPE_CHECKING:
    from ebpf_static.support.targets import Release

NEWEST_LIBBPF = Version(1, 7)
"""The release the substitutions were compared with."""


Answer = Literal["takes", "refuses", "unknown"]
"""What a library does with something; ``unknown`` where nobody read that release of it."""


def resolve_loader(loader: ObjectLoader | str) -> ObjectLoader:
    """Return a loader the tables know, its release named unless the newest is meant.

    Raises:
        UnknownTargetError: the library is unknown, or its release older or newer than the tables.
    """
    wanted = ObjectLoader.parse(loader) if isinstance(loader, str) else loader
    if wanted.version is None:
        return wanted
    known = read_table(Platform.LINUX, "loaders").header["releases"][wanted.library]
    key = key_of(wanted.version)[:2]
    if key < version_key(known["oldest"])[:2]:
        raise UnknownTargetError(
            f"{wanted.label} is older than {known['oldest']}, where the tables of loaders begin"
        )
    if key > version_key(known["newest"])[:2]:
        raise UnknownTargetError(
            f"{wanted.label} is newer than {known['newest']}, where the tables of loaders end: "
            f"use '{wanted.library}' for that"
        )
    return wanted


def loader_version(loader: ObjectLoader) -> Version:
    """Return the release of a loader, the newest the tables know when none is named."""
    if loader.version is not None:
        return loader.version
    known = read_table(Platform.LINUX, "loaders").header["releases"][loader.library]
    return Version.parse(known["newest"])


@lru_cache(maxsize=512)
def loader_answer(fact: str, loader: ObjectLoader) -> Answer:
    """Return whether a loader takes something: a row of the table of loaders."""
    key = key_of(loader_version(loader))
    for span in read_table(Platform.LINUX, "loaders").by_name[fact]["answers"]:
        if span["loader"] != loader.library or version_key(span["since"]) > key:
            continue
        if "until" not in span or key < version_key(span["until"]):
            answer: Answer = span["answer"]
            return answer
    return "unknown"


def loader_fact(fact: str) -> str:
    """Return in words what a row of the table of loaders is about."""
    return str(read_table(Platform.LINUX, "loaders").by_name[fact]["what"])


def loader_map_members(loader: ObjectLoader) -> frozenset[str]:
    """Return the members of a map definition that a loader reads."""
    return frozenset(read_table(Platform.LINUX, "loaders").header["map_members"][loader.library])


def loader_map_types(loader: ObjectLoader) -> frozenset[str] | None:
    """Return the map types a loader has, by name; None for all."""
    types = read_table(Platform.LINUX, "loaders").header["map_types"].get(loader.library)
    return None if types is None else frozenset(types)


def loader_btf_kinds(loader: ObjectLoader) -> frozenset[str] | None:
    """Return the kinds of BTF a loader puts others in place of; None for libbpf's own table."""
    kinds = read_table(Platform.LINUX, "loaders").header["btf_kinds_replaced"].get(loader.library)
    return None if kinds is None else frozenset(kinds)


@dataclass(frozen=True, slots=True)
class Substitution:
    """One thing libbpf does to an object so that a kernel takes it.

    Attributes:
        name: its name (``probe_read_kernel``).
        since: first libbpf release that does it.
        when: what the kernel must lack: ``helper NAME``, ``feature NAME``, ``btf_kind NAME``; or
            ``always``.
        replaces: what the object asks for.
        by: what the kernel gets instead; None when it is left out.
        what: what happens, in words.
        source: function of libbpf that does it.
    """

    name: str
    since: str
    when: str
    replaces: tuple[str, ...]
    by: str | None
    what: str
    source: str


def substitutions(
    where: Target | Release, libbpf: Version = NEWEST_LIBBPF
) -> tuple[Substitution, ...]:
    """Return what ``libbpf`` does to objects it loads on ``where``.

    Args:
        where: the target; on Windows nothing is substituted.
        libbpf: the release of libbpf.
    """
    release = release_of(where)
    return () if release.platform is Platform.WINDOWS else _substitutions(release, libbpf)


@lru_cache(maxsize=256)
def _substitutions(release: Release, libbpf: Version) -> tuple[Substitution, ...]:
    rows = read_table(Platform.LINUX, "libbpf").rows
    found = [
        Substitution(
            name=row["name"],
            since=row["since"],
            when=row["when"],
            replaces=tuple(row["replaces"]),
            by=row["by"],
            what=row["what"],
            source=row["source"],
        )
        for row in rows
        if version_key(row["since"]) <= key_of(libbpf)
    ]
    return tuple(it for it in found if _applies(it.when, release))


def _applies(when: str, release: Release) -> bool:
    kind, _, name = when.partition(" ")
    if kind == "always":
        return True
    if kind == "feature":
        return not lookups.feature(name, release).available
    if kind == "btf_kind":
        return not lookups.btf_kind(name, release).available
    from ebpf_static.uapi.constants import HelperId

    helper = HelperId.named(Platform.LINUX, name)
    return not lookups.helper(helper, None, None, release).available
