"""Finding a section in an ELF file of any class, byte order and machine.

A vmlinux can be hundreds of megabytes for an x86, an Arm or a 32-bit target: only headers and the
sections asked for are read. Objects to be judged go through the object reader instead.
Source: System V gABI chapter 4.
"""

import struct
from typing import NamedTuple

from ebpf_static.errors import FormatError
from ebpf_static.limits import MAX_SECTIONS
from ebpf_static.packing.parts import Sliceable

ELF_MAGIC = b"\x7fELF"
_SHT_NOBITS = 8
_SHN_XINDEX = 0xFFFF


class ElfSection(NamedTuple):
    """A section: its contents' offset and size in bytes in the file."""

    name: str
    offset: int
    size: int


class _Form(NamedTuple):
    """Where one ELF class keeps the fields needed."""

    header: str
    """e_shoff, e_shentsize, e_shnum, e_shstrndx, from byte ``header_at``."""
    header_at: int
    section: str
    """sh_name, sh_type, sh_offset, sh_size, sh_link."""
    section_bytes: int


_FORMS = {
    1: _Form("I10xHHH", 32, "II8xIII12x", 40),
    2: _Form("Q10xHHH", 40, "II16xQQI20x", 64),
}
_PREFIXES = {1: "<", 2: ">"}


def find_sections(data: Sliceable, names: tuple[str, ...], where: str) -> dict[str, ElfSection]:
    """Return the first section of each of ``names`` an ELF file has.

    Raises:
        FormatError: the file is not ELF, or its section table is out of bounds.
    """
    ident = data[0:6]
    form = _FORMS.get(ident[4]) if ident[:4] == ELF_MAGIC and len(ident) == 6 else None
    if form is None or ident[5] not in _PREFIXES:
        raise FormatError("not an ELF file of class 32 or 64", where=where, offset=0)
    prefix = _PREFIXES[ident[5]]
    offset, entry_bytes, count, strings = _unpack(data, prefix + form.header, form.header_at, where)
    if not offset:
        return {}
    if entry_bytes != form.section_bytes:
        raise FormatError(f"section headers of {entry_bytes} bytes", where=where, offset=offset)
    first = _unpack(data, prefix + form.section, offset, where)
    count = count or first[3]
    strings = first[4] if strings == _SHN_XINDEX else strings
    if count > MAX_SECTIONS or strings >= count:
        raise FormatError(f"{count} sections, names in {strings}", where=where, offset=offset)
    rows = data[offset : offset + count * entry_bytes]
    if len(rows) < count * entry_bytes:
        raise FormatError("section headers cut off", where=where, offset=offset)
    table = list(struct.iter_unpack(prefix + form.section, rows))
    name_bytes = max(map(len, names)) + 1
    found: dict[str, ElfSection] = {}
    for name_at, kind, start, size, _ in table:
        at = table[strings][2] + name_at
        name = data[at : at + name_bytes].split(b"\0", 1)[0].decode("latin-1")
        if name in names and name not in found and kind != _SHT_NOBITS:
            if start + size > len(data):
                raise FormatError(f"section {name} is cut off", where=where, offset=start)
            found[name] = ElfSection(name, start, size)
    return found


def _unpack(data: Sliceable, form: str, at: int, where: str) -> tuple[int, ...]:
    size = struct.calcsize(form)
    chunk = data[at : at + size]
    if len(chunk) < size:
        raise FormatError("ELF header cut off", where=where, offset=at)
    return struct.unpack(form, chunk)
