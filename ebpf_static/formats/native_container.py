"""The PE file around a native image: headers, sections, and reads that cannot leave them.

Everything is checked here before anything else looks at the bytes: header positions, the ranges
of all sections in file and memory, and each pointer. A pointer on disk is the image base plus an
RVA and is mapped through the section table.

Source: Microsoft PE format specification, "PE32+ optional header" and "Section Table".
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, Literal

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError
from ebpf_static.formats.pe_header import (
    MAX_PE_SECTIONS,
    SECTION_HEADER,
    read_headers,
    section_name,
)
from ebpf_static.specs.base import ByName
from ebpf_static.specs.native import PeSection

Machine = Literal["x64", "arm64"]

MACHINES: Final[dict[int, Machine]] = {0x8664: "x64", 0xAA64: "arm64"}
DIRECTORY_EXPORT, DIRECTORY_IMPORT, DIRECTORY_SECURITY, DIRECTORY_RELOC, DIRECTORY_DEBUG = (
    0,
    1,
    4,
    5,
    6,
)
SUBSYSTEM_NATIVE: Final = 1
FILE_DLL: Final = 0x2000
_OPTIONAL_MIN: Final = 112
_PE32_PLUS: Final = 0x20B
_ADDRESS_SPACE: Final = 1 << 32


class PeFile:
    """A PE32+ file whose headers hold, and bounded reads of what it maps.

    Attributes:
        data: the whole file.
        machine: processor.
        headers: positions of the headers.
        image_base: address that pointers are relative to.
        image_size: bytes of address space the image takes.
        subsystem: ``IMAGE_SUBSYSTEM_*``.
        checksum_offset: byte offset of the CheckSum field.
        sections: sections in order.
        strings: every string read so far, ``{rva: bytes it takes}``.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > limits.MAX_OBJECT_BYTES:
            raise LimitError(f"file is larger than {limits.MAX_OBJECT_BYTES >> 20} MiB")
        headers = read_headers(data)
        if headers is None:
            raise UnsupportedObjectError("not a PE file")
        machine = MACHINES.get(headers.machine)
        if machine is None:
            raise UnsupportedObjectError(
                f"PE file for machine {headers.machine:#06x}; native images are x64 or ARM64"
            )
        self.data = data
        self.headers = headers
        self.machine: Machine = machine
        self._read_optional()
        self.sections: ByName[PeSection] = ByName(self._read_sections())
        self._addresses = [section.address for section in self.sections]
        self.strings: dict[int, int] = {}
        self._texts: dict[int, str] = {}

    def _read_optional(self) -> None:
        start, size = self.headers.optional, self.headers.optional_size
        where = "optional header"
        if start + size > len(self.data):
            raise FormatError("ends behind the file", where=where, offset=start)
        if size < _OPTIONAL_MIN:
            raise FormatError(f"{size} bytes are too few for PE32+", where=where, offset=start)
        if int.from_bytes(self.data[start : start + 2], "little") != _PE32_PLUS:
            raise FormatError("not PE32+; native images are 64-bit", where=where, offset=start)
        self.image_base = self._number(start + 24, 8)
        self.image_size = self._number(start + 56, 4)
        self.checksum_offset = start + 64
        self.subsystem = self._number(start + 68, 2)
        room = (size - _OPTIONAL_MIN) // 8
        self._directory_count = min(self._number(start + 108, 4), room, 16)
        if self.image_base + self.image_size >= 1 << 64:
            raise FormatError("image ends behind the address space", where=where, offset=start + 24)

    def _read_sections(self) -> list[PeSection]:
        count, table = self.headers.section_count, self.headers.sections
        if count > MAX_PE_SECTIONS:
            raise LimitError(f"{count} sections, Windows takes {MAX_PE_SECTIONS}", offset=table)
        if table + count * SECTION_HEADER.size > len(self.data):
            raise FormatError("ends behind the file", where="section table", offset=table)
        sections: list[PeSection] = []
        end = 0
        for index in range(count):
            start = table + index * SECTION_HEADER.size
            section = self._read_section(start)
            if section.address < end:
                raise FormatError(
                    "overlaps the section before it in memory", where=section.name, offset=start
                )
            end = section.address + max(section.virtual_size, 1)
            sections.append(section)
        return sections

    def _read_section(self, start: int) -> PeSection:
        fields = SECTION_HEADER.unpack_from(self.data, start)
        raw_name, virtual_size, address, raw_size, offset = fields[:5]
        name = section_name(self.data, self.headers, raw_name)
        if raw_size and offset + raw_size > len(self.data):
            raise FormatError("contents end behind the file", where=name, offset=start)
        # Old linkers leave VirtualSize 0; the loader then takes the raw size.
        size = virtual_size or raw_size
        if address + size > min(max(self.image_size, 1), _ADDRESS_SPACE):
            raise FormatError("ends behind the image in memory", where=name, offset=start)
        return PeSection(name, address, size, offset if raw_size else 0, raw_size, fields[9])

    def _number(self, start: int, size: int) -> int:
        return int.from_bytes(self.data[start : start + size], "little")

    def directory(self, index: int) -> tuple[int, int]:
        """Return address and size of a data directory, zeros when there is none."""
        if index >= self._directory_count:
            return 0, 0
        start = self.headers.optional + _OPTIONAL_MIN + index * 8
        return self._number(start, 4), self._number(start + 4, 4)

    def find_section_at(self, rva: int) -> PeSection | None:
        """Return the section that maps ``rva``."""
        index = bisect_right(self._addresses, rva) - 1
        if index < 0:
            return None
        section = self.sections[index]
        return section if rva < section.address + section.virtual_size else None

    def file_offset(self, rva: int) -> int | None:
        """Return where ``rva`` lies in the file, None for what only memory has."""
        section = self.find_section_at(rva)
        if section is None or rva - section.address >= section.raw_size:
            return None
        return section.offset + rva - section.address

    def read(self, rva: int, size: int, where: str) -> bytes:
        """Return ``size`` bytes at ``rva``, zeros where the section outgrows its file contents.

        Raises:
            FormatError: no section maps all of them.
        """
        section = self.find_section_at(rva)
        if section is None:
            raise FormatError(f"address {rva:#x} lies in no section", where=where)
        inside = rva - section.address
        room = min(section.virtual_size - inside, limits.MAX_INITIAL_DATA_BYTES)
        if not 0 <= size <= room:
            raise FormatError(f"{size} bytes at {rva:#x} leave section {section.name}", where=where)
        backed = self.data[
            section.offset + min(inside, section.raw_size) : section.offset
            + min(inside + size, section.raw_size)
        ]
        return backed + bytes(size - len(backed))

    def resolve(self, pointer: int, where: str) -> int:
        """Return the RVA of a pointer as it stands in the file.

        Raises:
            FormatError: it does not point into a section.
        """
        rva = pointer - self.image_base
        if not 0 <= rva < _ADDRESS_SPACE or self.find_section_at(rva) is None:
            raise FormatError(f"pointer {pointer:#x} leads out of the image", where=where)
        return rva

    def read_text(self, pointer: int, where: str) -> str:
        r"""Return the NUL-terminated text ``pointer`` leads to.

        Bytes that are no UTF-8 come out as ``\xNN``.

        Raises:
            FormatError: it leads out of the image, or the text does not end in time.
        """
        rva = self.resolve(pointer, where)
        known = self._texts.get(rva)
        if known is not None:
            return known
        section = self.find_section_at(rva)
        if section is None:
            raise FormatError(f"pointer {pointer:#x} leads out of the image", where=where)
        room = section.address + section.virtual_size - rva
        raw = self.read(rva, min(room, limits.MAX_NAME_BYTES + 1), where)
        end = raw.find(b"\0")
        if end < 0:
            raise FormatError(f"text at {rva:#x} has no terminating NUL", where=where)
        self.strings[rva] = end + 1
        text = raw[:end].decode("utf-8", "backslashreplace")
        self._texts[rva] = text
        return text

    def contents(self, section: PeSection) -> bytes:
        """Return what the file holds of ``section``, without the padding behind it."""
        size = min(section.raw_size, section.virtual_size)
        return self.data[section.offset : section.offset + size]
