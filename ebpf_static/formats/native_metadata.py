"""The metadata table of a native image: functions that hand out its tables.

The table is ordinary data without a section of its own: an optional size and then two to six
function pointers. It is found by its shape, and believed when following the code of its functions
leads to the tables already found. It then confirms their lengths and tells bpf2c's version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import unpack_from
from typing import Final

from ebpf_static.formats.native_arm64 import Arm64
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_layouts import Struct, layouts
from ebpf_static.formats.native_machine import Outcome
from ebpf_static.formats.native_x64 import X64
from ebpf_static.target import Version

_SEARCHED: Final = 1 << 20
"""Bytes of data searched; the data of a native image with 1 000 programs is a tenth of that."""

_MAX_CANDIDATES: Final = 64
_TABLES: Final = ("programs", "maps", "map_initial_values", "global_variable_sections")


@dataclass(slots=True)
class Metadata:
    """What the metadata table's functions say.

    Attributes:
        size: bytes of the table.
        rva: where it lies.
        tables: RVA and length of each array a getter hands out, by the getter's name.
        version: version of bpf2c, None before 0.6 and when the code cannot be followed.
        hash: RVA and length of the ELF object's hash; zeros for none, None when unknown.
    """

    size: int
    rva: int
    tables: dict[str, tuple[int, int]] = field(default_factory=dict)
    version: Version | None = None
    hash: tuple[int, int] | None = None


def find_metadata(pe: PeFile) -> Metadata | None:
    """Return the metadata table, None when nothing has its shape or nothing confirms it."""
    for count, (rva, layout) in enumerate(_candidates(pe)):
        if count >= _MAX_CANDIDATES:
            break
        metadata = _read(pe, rva, layout)
        if _is_confirmed(pe, metadata):
            return metadata
    return None


def _is_confirmed(pe: PeFile, metadata: Metadata) -> bool:
    """Tell whether a getter hands out the contents of the section named after it."""
    for name in ("programs", "maps"):
        rva, count = metadata.tables.get(name, (0, 0))
        section = pe.find_section_at(rva) if count else None
        if section is not None and section.name == name:
            return True
    return False


def _candidates(pe: PeFile) -> Iterator[tuple[int, Struct]]:
    known = {it.metadata.size: it.metadata for it in layouts().generations}
    unsized = next(it for it in known.values() if "size" not in it.offsets)
    budget = _SEARCHED
    for section in pe.sections:
        if not section.is_data:
            continue
        raw = pe.contents(section)[:budget]
        budget -= len(raw)
        words = unpack_from(f"<{len(raw) // 8}Q", raw)
        code = [_is_code(pe, word) for word in words]
        for index, word in enumerate(words):
            layout = known.get(word)
            if layout is not None and _all_code(code, index + 1, layout):
                yield section.address + index * 8, layout
            elif _all_code(code, index, unsized) and words[max(index - 1, 0)] not in known:
                yield section.address + index * 8, unsized


def _all_code(code: list[bool], start: int, layout: Struct) -> bool:
    wanted = len(layout.pointers)
    return len(code[start : start + wanted]) == wanted and all(code[start : start + wanted])


def _is_code(pe: PeFile, word: int) -> bool:
    rva = word - pe.image_base
    if not 0 < rva < pe.image_size:
        return False
    section = pe.find_section_at(rva)
    return section is not None and section.is_executable


def _read(pe: PeFile, rva: int, layout: Struct) -> Metadata:
    metadata = Metadata(layout.size, rva)
    raw = pe.read(rva, layout.size, "metadata table")
    for name in layout.pointers:
        outcome = follow(pe, layout.get(raw, name) - pe.image_base)
        if outcome is None:
            continue
        if name == "version":
            metadata.version = _version(outcome)
            continue
        address, count = outcome.address(0), outcome.number(1, 0, 8)
        if address is None or count is None:
            continue
        if name == "hash":
            metadata.hash = (address, count)
        elif name in _TABLES:
            metadata.tables[name] = (address, count)
    return metadata


def follow(pe: PeFile, rva: int) -> Outcome | None:
    """Return what the function at ``rva`` leaves behind, None when it cannot be followed."""
    processor = X64(pe, rva) if pe.machine == "x64" else Arm64(pe, rva)
    return processor.run()


MAX_JUMPS: Final = 4
_JUMP: Final = 0xE9


def skip_jumps(pe: PeFile, rva: int, limit: int) -> int:
    """Return where ``rva`` leads when it is a jump of an incrementally linked x64 image."""
    for _ in range(limit if pe.machine == "x64" else 0):
        offset = pe.file_offset(rva)
        raw = b"" if offset is None else pe.data[offset : offset + 5]
        if len(raw) < 5 or raw[0] != _JUMP:
            break
        target = rva + 5 + int.from_bytes(raw[1:], "little", signed=True)
        section = pe.find_section_at(target) if target > 0 else None
        if section is None or not section.is_executable:
            break
        rva = target
    return rva


def _version(outcome: Outcome) -> Version | None:
    parts = [outcome.number(0, offset, 4) for offset in (0, 4, 8)]
    if None in parts:
        return None
    major, minor, revision = (part or 0 for part in parts)
    return Version(major, minor, revision)
