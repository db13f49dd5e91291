"""The ELF header and the section headers, bounded and checked.

pyelftools judges the header; the table behind it is unpacked in one go.
Source: System V gABI chapter 4.
"""

import io
import struct
from functools import cache
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.construct import ConstructError
from elftools.elf.structs import ELFStructs

from ebpf_static import limits
from ebpf_static.errors import FormatError, LimitError, UnsupportedObjectError
from ebpf_static.formats.elf_constants import (
    SHN_XINDEX,
    SHT_NOBITS,
    SHT_NULL,
)
from ebpf_static.formats.elf_names import Names
from ebpf_static.formats.sniff import EM_BPF, EM_NONE, sniff
from ebpf_static.specs.section import ByteOrder, ElfSpec, SectionSpec

_SECTION_BYTES = 64
MAX_OVERLAP = 2  # honest sections and variables do not overlap at all


class _Header(NamedTuple):
    """The ELF64 header's fields behind ``e_ident``."""

    type: int
    machine: int
    version: int
    entry: int
    program_table: int
    section_table: int
    flags: int
    header_size: int
    program_entry_size: int
    program_count: int
    section_entry_size: int
    section_count: int
    names_index: int


def read_header(data: bytes) -> ElfSpec:
    """Return what the header and the section headers say.

    Raises:
        UnsupportedObjectError: the bytes are no 64-bit BPF ELF.
        FormatError: they are, but malformed; the message has the byte offset.
    """
    order = _identify(data)
    endian = "<" if order == "little" else ">"
    header = _Header._make(struct.unpack_from(f"{endian}HHIQQQIHHHHHH", data, 16))
    if header.machine not in (EM_BPF, EM_NONE):
        raise UnsupportedObjectError(
            f"an ELF file for machine {header.machine}, not BPF ({EM_BPF})"
        )
    sections, table_end = _read_sections(data, header, endian)
    return ElfSpec.model_construct(
        byte_order=order,
        machine=header.machine,
        type=header.type,
        flags=header.flags,
        os_abi=data[7],
        file_size=len(data),
        section_table_offset=header.section_table,
        section_table_end=table_end,
        program_header_count=header.program_count,
        program_header_offset=header.program_table,
        program_header_size=header.program_entry_size,
        header_size=header.header_size,
        version=header.version,
        ident_tail=data[8:16],
        sections=sections,
    )


def _identify(data: bytes) -> ByteOrder:
    """Let pyelftools judge the header, and say what kind of no it is.

    Its ``ELFFile`` would do, but imports a DWARF reader: a third of a cold check.
    """
    if len(data) > limits.MAX_OBJECT_BYTES:
        raise LimitError(f"file is larger than {limits.MAX_OBJECT_BYTES >> 20} MiB")
    if data[:4] != b"\x7fELF":
        raise UnsupportedObjectError("not an ELF file")
    if data[4:5] != b"\2":
        raise UnsupportedObjectError("no 64-bit ELF file; BPF objects are 64-bit")
    structs = _structs(little_endian=data[5:6] == b"\1")
    try:
        header = struct_parse(structs.Elf_Ehdr, io.BytesIO(data[:64]), stream_pos=0)
    except (ELFError, ConstructError) as error:
        if sniff(data[:64]) == "bpf-elf":
            raise FormatError("the ELF header is cut off or malformed", offset=0) from error
        raise UnsupportedObjectError("an ELF file with a malformed header") from error
    orders: dict[str, ByteOrder] = {"ELFDATA2LSB": "little", "ELFDATA2MSB": "big"}
    order = orders.get(header["e_ident"]["EI_DATA"])
    if order is None:
        raise UnsupportedObjectError("an ELF file of no known byte order")
    return order


@cache
def _structs(*, little_endian: bool) -> ELFStructs:
    structs = ELFStructs(little_endian=little_endian, elfclass=64)
    structs.create_basic_structs()
    return structs


def _read_sections(
    data: bytes, header: _Header, endian: str
) -> tuple[tuple[SectionSpec, ...], int]:
    """Return every section header with its name, and the byte behind the table."""
    start = header.section_table
    if start == 0:
        return (), 0
    if header.section_entry_size != _SECTION_BYTES:
        raise FormatError(
            f"section headers of {header.section_entry_size} bytes, not 64",
            where="ELF header",
            offset=58,
        )
    count, names_index = header.section_count, header.names_index
    if start + _SECTION_BYTES <= len(data):
        # Extended numbering (gABI): section 0 holds what does not fit 16 bits.
        first = struct.unpack_from(f"{endian}IIQQQQIIQQ", data, start)
        count = count or first[5]
        names_index = first[6] if names_index == SHN_XINDEX else names_index
    if count > limits.MAX_SECTIONS:
        raise LimitError(
            f"{count} sections, more than {limits.MAX_SECTIONS}", where="ELF header", offset=60
        )
    end = start + count * _SECTION_BYTES
    if end > len(data):
        raise FormatError(
            f"section header table of {count} entries at {start:#x} reaches beyond the end of "
            f"the file ({len(data)} bytes)",
            where="ELF header",
            offset=40,
        )
    rows = list(struct.iter_unpack(f"{endian}IIQQQQIIQQ", data[start:end]))
    _check_overlap(data, rows, start)
    names = Names(_section_names(data, rows, names_index), "section names")
    return tuple(
        SectionSpec(i, names.read(row[0], start + i * _SECTION_BYTES), *row[1:])
        for i, row in enumerate(rows)
    ), end


def _check_overlap(data: bytes, rows: list[tuple[int, ...]], start: int) -> None:
    """Refuse sections that share bytes: thousands of them could each be the whole file.

    Sections beyond the end of the file do not count; reading those fails by itself.
    """
    inside = (
        size
        for _, kind, _, _, offset, size, *_ in rows
        if kind not in (SHT_NULL, SHT_NOBITS) and offset + size <= len(data)
    )
    if sum(inside) > MAX_OVERLAP * len(data):
        raise LimitError(
            "sections overlap beyond any honest object", where="section headers", offset=start
        )


def _section_names(data: bytes, rows: list[tuple[int, ...]], names_index: int) -> bytes:
    if names_index == 0:
        return b""
    if names_index >= len(rows):
        raise FormatError(
            f"section name table index {names_index} is out of range", where="ELF header", offset=62
        )
    offset, size = rows[names_index][4:6]
    if offset + size > len(data):
        raise FormatError(
            "section name table reaches beyond the end of the file",
            where=f"section {names_index}",
            offset=offset,
        )
    return data[offset : offset + size]
