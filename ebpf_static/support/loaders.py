"""The libraries that load objects into Linux: what each takes, release by release."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from ebpf_static.errors import UnknownTargetError
from ebpf_static.support.tables import read_table
from ebpf_static.support.versions import key_of, version_key
from ebpf_static.target import ObjectLoader, Platform, Version

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
