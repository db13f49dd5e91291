r"""Build PE32+ images in memory, well-formed or broken on purpose, and native images on top.

A driver of efW 0.21 with a map and a program that uses it::

    image = NativeWriter("0.21")
    image.map("events", type=13, max_entries=65536)
    image.program("drop", section="bind", type=BIND, attach=BIND_ATTACH, maps=[0], helpers=[11])
    image.metadata(version=(0, 21, 0))
    data = image.build()

Sections come in the order they are first named. To break an image, name the field and its value::

    image.sections["maps"].header["VirtualSize"] = 1 << 31
    image.sections["maps"].data[40:44] = b"\xff" * 4
    image.fields["ImageBase"] = 0
    image.pointers[Place("programs", 32)] = 0x1234     # an absolute address instead of a place
    image.patch(0, b"ZM")

Struct layouts come from the reader's own table; the images of ``corpus/native``, made by compilers
from C of their own, are what that table is tested against.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from ebpf_static.formats.native_layouts import Generation, Struct, guid_bytes, layouts

CODE, DATA, CONST, BSS = 0x60000020, 0xC0000040, 0x40000040, 0xC0000080
ALIGNMENT, FILE_ALIGNMENT = 0x1000, 0x200
X64, ARM64 = 0x8664, 0xAA64
RET = b"\xc3"

BIND = "608c517c-6c52-4a26-b677-bb1c34425adf"
BIND_ATTACH = "b9707e04-8127-4c72-833e-05b1fb439496"
NO_GUID = "00000000-0000-0000-0000-000000000000"


class Place(NamedTuple):
    """A byte of a section."""

    section: str
    offset: int


@dataclass
class Section:
    """Contents and header of one section; ``header`` overrides fields of the header."""

    name: str
    flags: int
    data: bytearray = field(default_factory=bytearray)
    virtual_size: int | None = None
    header: dict[str, int] = field(default_factory=dict)
    address: int = 0
    offset: int = 0

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.data) if self.virtual_size is None else self.virtual_size


class PeWriter:
    """Sections, pointers between them, and the headers around.

    Attributes:
        sections: by name, in file order.
        fields: overrides of header fields.
        pointers: where each 64-bit address lies, and the place or absolute address it holds.
        directories: data directories by index: place and size.
        relocations: whether ``build`` adds base relocations for all pointers.
        tail: bytes behind the last section.
    """

    def __init__(self, machine: int = X64, *, dll: bool = False) -> None:
        self.machine = machine
        self.dll = dll
        self.sections: dict[str, Section] = {}
        self.fields: dict[str, int] = {"ImageBase": 0x180000000 if dll else 0x140000000}
        self.pointers: dict[Place, Place | int] = {}
        self.directories: dict[int, tuple[Place, int]] = {}
        self.relocations = True
        self.tail = b""
        self._patches: list[tuple[int, bytes]] = []

    def section(self, name: str, flags: int = DATA) -> Section:
        """Return the section called ``name``, made with ``flags`` when it is new."""
        return self.sections.setdefault(name, Section(name, flags))

    def put(self, section: str, data: bytes, *, flags: int = DATA, align: int = 8) -> Place:
        """Append ``data`` to a section."""
        target = self.section(section, flags)
        target.data += bytes(-len(target.data) % align)
        place = Place(section, len(target.data))
        target.data += data
        return place

    def text(self, text: str, section: str = ".rdata") -> Place:
        """Append NUL-terminated text."""
        flags = CONST if section == ".rdata" else DATA
        return self.put(section, text.encode() + b"\0", flags=flags, align=1)

    def point(self, at: Place, to: Place | int) -> None:
        """Make the word at a place the address of another."""
        self.pointers[at] = to

    def patch(self, offset: int, data: bytes) -> None:
        """Overwrite bytes of the finished file."""
        self._patches.append((offset, data))

    def rva(self, place: Place) -> int:
        """Return the address of a place; final only while ``build`` runs and after."""
        return self.sections[place.section].address + place.offset

    def build(self) -> bytes:
        """Return the image."""
        if self.relocations and self.pointers:
            self._lay_out()
            self._add_relocations()
        end = self._lay_out()
        base = self.fields["ImageBase"]
        contents = {name: bytearray(section.data) for name, section in self.sections.items()}
        for at, to in self.pointers.items():
            address = base + self.rva(to) if isinstance(to, Place) else to
            struct.pack_into("<Q", contents[at.section], at.offset, address & (1 << 64) - 1)
        out = bytearray(self._headers())
        for name, section in self.sections.items():
            if section.data:
                out += bytes(section.offset - len(out)) + contents[name]
        out += bytes(-len(out) % FILE_ALIGNMENT if end else 0) + self.tail
        for offset, data in self._patches:
            out[offset : offset + len(data)] = data
        return bytes(out)

    def _lay_out(self) -> int:
        address, offset = ALIGNMENT, _round(self._header_size(), FILE_ALIGNMENT)
        for section in self.sections.values():
            section.address, section.offset = address, offset if section.data else 0
            address += max(_round(section.size, ALIGNMENT), ALIGNMENT)
            offset += _round(len(section.data), FILE_ALIGNMENT)
        self._image_size = address
        return offset

    def _add_relocations(self) -> None:
        self.sections.pop(".reloc", None)
        pages: dict[int, list[int]] = {}
        for rva in sorted(self.rva(at) for at in self.pointers):
            pages.setdefault(rva & ~0xFFF, []).append(0xA000 | rva & 0xFFF)
        blocks = b""
        for page, entries in pages.items():
            padded = [*entries, 0] if len(entries) % 2 else entries
            blocks += struct.pack(f"<II{len(padded)}H", page, 8 + 2 * len(padded), *padded)
        self.directories[5] = (self.put(".reloc", blocks, flags=0x42000040), len(blocks))

    def _header_size(self) -> int:
        return 0x80 + 24 + 240 + 40 * (len(self.sections) + 1)

    def _headers(self) -> bytes:
        get = self.fields.get
        dos = b"MZ" + bytes(58) + struct.pack("<I", get("e_lfanew", 0x80)) + bytes(64)
        flags = get("Characteristics", 0x2022 if self.dll else 0x22)
        count = get("NumberOfSections", len(self.sections))
        optional_size = get("SizeOfOptionalHeader", 240)
        machine = get("Machine", self.machine)
        coff = struct.pack("<4sHHIIIHH", b"PE\0\0", machine, count, 0, 0, 0, optional_size, flags)
        return dos + coff + self._optional() + b"".join(map(self._header, self.sections.values()))

    def _optional(self) -> bytes:
        get = self.fields.get
        sizes = struct.pack("<HBBIIIII", get("Magic", 0x20B), 14, 0, 0, 0, 0, 0, 0)
        layout = struct.pack("<QII", get("ImageBase", 0), ALIGNMENT, FILE_ALIGNMENT)
        size = get("SizeOfImage", self._image_size)
        rest = struct.pack("<6HIIII", 10, 0, 0, 0, 10, 0, 0, size, 0x400, get("CheckSum", 0))
        subsystem = get("Subsystem", 2 if self.dll else 1)
        tail = struct.pack(
            "<HH4QII", subsystem, 0x160, 0, 0, 0, 0, 0, get("NumberOfRvaAndSizes", 16)
        )
        directories = b""
        for index in range(16):
            place, length = self.directories.get(index, (None, 0))
            address = self.rva(place) if place else 0
            directories += struct.pack(
                "<II", get(f"rva{index}", address), get(f"size{index}", length)
            )
        return sizes + layout + rest + tail + directories

    def _header(self, section: Section) -> bytes:
        values = {
            "VirtualSize": section.size,
            "VirtualAddress": section.address,
            "SizeOfRawData": _round(len(section.data), FILE_ALIGNMENT),
            "PointerToRawData": section.offset,
        } | section.header
        name = section.name.encode()[:8].ljust(8, b"\0")
        return name + struct.pack("<4I12xI", *values.values(), section.flags)


class NativeWriter(PeWriter):
    """A native image of one generation.

    Attributes:
        generation: struct layouts.
        strings: section that texts go to; ``maps`` and ``programs`` imitate debug DLLs.
    """

    def __init__(self, generation: str, machine: int = X64, *, dll: bool = False) -> None:
        super().__init__(machine, dll=dll)
        self.generation: Generation = layouts().get(generation)
        self.strings = ".rdata"
        self.put(".text", RET, flags=CODE)

    def element(self, section: str, layout: Struct, fields: dict[str, object]) -> Place:
        """Append one struct; values are numbers, bytes, places, or None for a null pointer."""
        raw = bytearray(layout.size)
        if layout.header is not None:
            header = fields.pop("header", (1, layout.used, layout.size))
            assert isinstance(header, tuple)
            struct.pack_into("<H6xQQ", raw, layout.header, *header)
        place = self.put(section, bytes(raw))
        data = self.sections[section].data
        for name, value in fields.items():
            start = layout.offsets.get(name)
            if start is None or value is None:
                continue
            if isinstance(value, Place):
                self.point(Place(section, place.offset + start), value)
            elif isinstance(value, bytes):
                data[place.offset + start : place.offset + start + len(value)] = value
            else:
                assert isinstance(value, int)
                size = layout.sizes[name]
                data[place.offset + start : place.offset + start + size] = value.to_bytes(
                    size, "little"
                )
        return place

    def map(self, name: str, **definition: int) -> Place:
        """Append a map entry; ``definition`` takes the fields of the 32-byte record."""
        record = bytearray(32)
        for key, value in definition.items():
            struct.pack_into("<I", record, layouts().definition.offsets[key], value)
        text = self.text(name, "maps" if self.strings == "tables" else ".rdata")
        return self.element(
            "maps", self.generation.map, {"definition": bytes(record), "name": text}
        )

    def helpers(self, ids: list[int]) -> Place:
        """Append a helper table; id 0 is a placeholder with an empty name."""
        places = [
            self.element(
                ".data",
                self.generation.helper,
                {"helper_id": number, "name": self.text(f"helper_id_{number}" if number else "")},
            )
            for number in ids
        ]
        return places[0]

    def program(
        self,
        name: str,
        *,
        section: str = "bind",
        type: str = BIND,
        attach: str = BIND_ATTACH,
        maps: list[int] | None = None,
        helpers: list[int] | None = None,
        insns: int = 2,
        info_hash: bytes | None = bytes(range(1, 33)),
        hash_type: str | None = "SHA256",
        **fields: object,
    ) -> Place:
        """Append a program entry; ``fields`` override those of the struct."""
        strings = "programs" if self.strings == "tables" else ".rdata"
        code = self.put(section[:8], RET, flags=CODE, align=1)
        values: dict[str, object] = {
            "function": code,
            "pe_section_name": self.text(section[:8], strings),
            "section_name": self.text(section, strings),
            "program_name": self.text(name, strings),
            "bpf_instruction_count": insns,
            "program_type": self.put(".data", guid_bytes(type)),
            "expected_attach_type": self.put(".data", guid_bytes(attach)),
        }
        if maps:
            values["referenced_map_indices"] = self.put(
                ".data", struct.pack(f"<{len(maps)}H", *maps)
            )
            values["referenced_map_count"] = len(maps)
        if helpers:
            values["helpers"] = self.helpers(helpers)
            values["helper_count"] = len(helpers)
        if info_hash is not None:
            values["program_info_hash"] = self.put(".rdata", info_hash, flags=CONST)
            values["program_info_hash_length"] = len(info_hash)
            if hash_type is not None:
                values["program_info_hash_type"] = self.text(hash_type, strings)
        return self.element("programs", self.generation.program, values | fields)

    def initial_values(self, name: str, values: list[str | None]) -> Place:
        """Append a list of names, and the element that describes it, to one section."""
        layout = self.generation.initial_values
        assert layout is not None
        start = self.put("map_init", bytes(8 * len(values)))
        for index, value in enumerate(values):
            if value is not None:
                self.point(Place("map_init", start.offset + 8 * index), self.text(value))
        fields = {"name": self.text(name), "count": len(values), "values": start}
        return self.element("map_init", layout, dict(fields))

    def global_section(self, name: str, data: bytes) -> Place:
        """Append the initial contents of a section of global variables."""
        layout = self.generation.global_section
        assert layout is not None
        contents = self.put(".rdata", data, flags=CONST)
        fields = {"name": self.text(name), "size": len(data), "initial_data": contents}
        return self.element("global_v", layout, dict(fields))

    def metadata(
        self, *, version: tuple[int, int, int] = (0, 0, 0), counts: dict[str, int] | None = None
    ) -> Place:
        """Append the metadata table and its getters, in x64 code as an optimiser writes it.

        Args:
            version: what the version getter stores.
            counts: elements the getters claim; by default those there are.
        """
        layout = self.generation.metadata
        found = {
            "programs": self._count("programs", self.generation.program),
            "maps": self._count("maps", self.generation.map),
        } | (counts or {})
        fields: dict[str, object] = {"size": layout.size}
        for name in layout.pointers:
            if name == "version":
                fields[name] = self._version_getter(version)
            else:
                fields[name] = self._getter(
                    name if name in self.sections else None, found.get(name, 0)
                )
        return self.element(".data", layout, fields)

    def _count(self, section: str, layout: Struct) -> int:
        return len(self.sections[section].data) // layout.size if section in self.sections else 0

    def _version_getter(self, version: tuple[int, int, int]) -> Place:
        major, minor, revision = version
        code = b"\xc7\x01" + struct.pack("<I", major)
        code += b"\xc7\x41\x04" + struct.pack("<I", minor)
        code += b"\xc7\x41\x08" + struct.pack("<I", revision) + RET
        return self.put(".text", code, flags=CODE, align=16)

    def _getter(self, section: str | None, count: int) -> Place:
        """MOV RAX, address; MOV [RCX], RAX; MOV QWORD [RDX], count; RET."""
        code = b"\x48\xb8" + bytes(8) + b"\x48\x89\x01\x48\xc7\x02" + struct.pack("<I", count) + RET
        place = self.put(".text", code, flags=CODE, align=16)
        if section is not None:
            self.point(Place(".text", place.offset + 2), Place(section, 0))
        return place


def _round(size: int, to: int) -> int:
    return -(-size // to) * to
