"""What ``ebpfapi.dll`` exports, release by release, read from package data on first use.

The table is made by ``scripts/make_windows_api.py``; its head names the sources.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from ebpf_static.errors import LoaderError
from ebpf_static.target import Version


class Export(NamedTuple):
    """One function of the DLL.

    Attributes:
        name: as exported.
        since: first release that has it.
        absent: later releases that lack it all the same.
        returns: code of the type returned: ``i32``, ``u32``, ``u64``, ``i64``, ``u16``, ``bool``,
            ``str``, ``ptr`` or ``void``.
        arguments: name and code of each argument; ``str`` is text the DLL only reads.
    """

    name: str
    since: Version
    absent: frozenset[Version]
    returns: str
    arguments: tuple[tuple[str, str], ...]

    def is_in(self, release: Version) -> bool:
        """Tell whether a release has it."""
        return self.since <= release and release not in self.absent


class Field(NamedTuple):
    """Where a member of a structure lies: bytes from its start, and how many."""

    offset: int
    size: int


class Layout(NamedTuple):
    """A structure of the DLL in memory, the same on x64 and ARM64."""

    name: str
    size: int
    fields: Mapping[str, Field]


class Command(NamedTuple):
    """One command of ``bpf()``: its number and the attribute it takes."""

    name: str
    number: int
    layout: Layout
    returns_fd: bool


ID_LAYOUT = Layout("id", 4, MappingProxyType({"id": Field(0, 4)}))
"""The attribute of commands that take nothing but an id."""


@cache
def read_table() -> Mapping[str, Any]:
    """Return the table as it stands in the file."""
    from importlib import resources

    path = resources.files("ebpf_static_loaders.windows").joinpath("data", "ebpfapi.json")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return MappingProxyType(document)


@cache
def exports() -> Mapping[str, Export]:
    """Return every function newest efW exports, by name."""
    rows = read_table()["exports"]
    return {
        row["name"]: Export(
            row["name"],
            Version.parse(row["since"]),
            frozenset(map(Version.parse, row.get("absent_in", ()))),
            row["returns"],
            tuple((name, kind) for name, kind in row["arguments"]),
        )
        for row in rows
    }


@cache
def releases() -> tuple[Version, ...]:
    """Return every release the table knows, oldest first."""
    return tuple(map(Version.parse, read_table()["releases"]))


@cache
def layouts() -> Mapping[str, Layout]:
    """Return every structure by name."""
    rows = read_table()["layouts"]
    return {
        row["name"]: Layout(
            row["name"],
            row["size"],
            {name: Field(offset, size) for name, offset, size in row["fields"]},
        )
        for row in rows
    }


@cache
def commands() -> Mapping[str, Command]:
    """Return the commands ``bpf()`` has, by name without ``BPF_``."""
    return {
        row["name"]: Command(
            row["name"],
            row["number"],
            ID_LAYOUT if row["layout"] is None else layouts()[row["layout"]],
            row["returns_fd"],
        )
        for row in read_table()["commands"]
    }


def command(name: str) -> Command:
    """Return a command.

    Raises:
        LoaderError: eBPF for Windows has no such command.
    """
    found = commands().get(name)
    if found is None:
        raise LoaderError(f"eBPF for Windows has no BPF_{name}", result="EINVAL")
    return found


@cache
def result_names() -> Mapping[int, str]:
    """Return the names of ``ebpf_result_t`` by number."""
    return {row["number"]: row["name"] for row in read_table()["results"]}


@cache
def errno_names() -> Mapping[int, str]:
    """Return the names of the error numbers of the Windows C runtime."""
    return {row["number"]: row["name"] for row in read_table()["errnos"]}
