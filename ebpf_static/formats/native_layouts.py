"""The generations of ``bpf2c.h``: which structs an image of which release holds.

The table is made by ``scripts/make_native_layouts.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from ebpf_static.package_data import read_data

HEADER_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Struct:
    """One C struct as it lies in the file.

    Attributes:
        size: bytes from one array element to the next.
        offsets: field name to byte offset.
        pointers: names of the pointer fields.
        header: byte offset of the version header, None in structs without.
        sizes: field name to bytes.
    """

    size: int
    offsets: dict[str, int]
    sizes: dict[str, int]
    pointers: tuple[str, ...]
    header: int | None

    def get(self, raw: bytes, field: str) -> int:
        """Return a scalar field of one element, 0 when this generation lacks the field."""
        start = self.offsets.get(field)
        if start is None:
            return 0
        return int.from_bytes(raw[start : start + self.sizes[field]], "little")

    @property
    def used(self) -> int:
        """Bytes up to and including the last field, what ``header.size`` has to cover."""
        return max(self.offsets[name] + self.sizes[name] for name in self.offsets)


@dataclass(frozen=True, slots=True)
class Generation:
    """The structs of one range of releases, None where the generation lacks a table."""

    name: str
    first: str | None
    last: str | None
    metadata: Struct
    program: Struct
    map: Struct
    helper: Struct
    initial_values: Struct | None
    global_section: Struct | None
    resolved_function: Struct | None

    @property
    def is_versioned(self) -> bool:
        """Entries carry version headers."""
        return self.program.header is not None


@dataclass(frozen=True, slots=True)
class Layouts:
    """The whole table.

    Attributes:
        npi_guid: bytes of the bpf2c network programming interface's GUID, as in memory.
        definition: the 32-byte map definition, the same in all generations.
        generations: releases in order, then development snapshots.
    """

    npi_guid: bytes
    definition: Struct
    generations: tuple[Generation, ...]

    def get(self, name: str) -> Generation:
        """Return the generation called ``name``."""
        return next(it for it in self.generations if it.name == name)

    def with_metadata(self, size: int) -> list[Generation]:
        """Return the generations whose metadata table has ``size`` bytes."""
        return [it for it in self.generations if it.metadata.size == size]


@cache
def layouts() -> Layouts:
    """Return the table of generations."""
    text = read_data("ebpf_static.formats", "data", "native_layouts.json")
    table = json.loads(text)
    return Layouts(
        guid_bytes(table["npi_guid"]),
        _struct(table["definition"]),
        tuple(_generation(row) for row in table["generations"]),
    )


def _generation(row: dict[str, Any]) -> Generation:
    parts: dict[str, Any] = {
        key: _struct(value) if isinstance(value, dict) else value for key, value in row.items()
    }
    return Generation(**parts)


def _struct(row: dict[str, Any]) -> Struct:
    fields: dict[str, list[Any]] = row["fields"]
    header = fields["header"][0] if "header" in fields else None
    return Struct(
        row["size"],
        {name: field[0] for name, field in fields.items()},
        {name: field[1] for name, field in fields.items()},
        tuple(name for name, field in fields.items() if field[2] == "pointer"),
        header,
    )


def guid_bytes(text: str) -> bytes:
    """Return a GUID as it lies in memory: three little-endian numbers, then eight bytes."""
    a, b, c, d, e = text.split("-")
    first = b"".join(bytes.fromhex(part)[::-1] for part in (a, b, c))
    return first + bytes.fromhex(d + e)


def guid_text(raw: bytes) -> str:
    """Return 16 bytes of memory as a GUID in lower case."""
    a, b, c = raw[3::-1].hex(), raw[5:3:-1].hex(), raw[7:5:-1].hex()
    return f"{a}-{b}-{c}-{raw[8:10].hex()}-{raw[10:16].hex()}"
