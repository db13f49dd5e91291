"""Every pointer is mapped through the section table; one that leads elsewhere is an error."""

from __future__ import annotations

import pytest

from ebpf_static.errors import EbpfStaticError, FormatError, LimitError
from ebpf_static.formats.native_container import PeFile
from ebpf_static.formats.native_pe import read_native
from tests.build.pe_writer import CONST, NativeWriter, Place

BASE = 0x140000000
TARGETS = {
    "null": 0,
    "below the image": BASE - 8,
    "the headers": BASE + 0x10,
    "an RVA without its base": 0x2000,
    "between sections": BASE + 0x1FF8,
    "behind the image": BASE + 0x100000,
    "the last address": (1 << 64) - 1,
}


def image(name: str = "1.5") -> NativeWriter:
    writer = NativeWriter(name)
    writer.map("events", type=13, max_entries=4096)
    writer.program("one", maps=[0], helpers=[1, 2])
    return writer


def pointer_fields(name: str) -> list[str]:
    layout = NativeWriter(name).generation.program
    return [field for field in layout.pointers if not field.startswith("btf")]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
@pytest.mark.parametrize("name", ["0.2", "0.5", "0.9", "0.21", "1.5"])
def test_program_pointers(name: str, target: int) -> None:
    for field in pointer_fields(name):
        if target == 0 and field.startswith("program_info_hash"):
            continue  # a null hash is no hash
        writer = image(name)
        writer.point(Place("programs", writer.generation.program.offsets[field]), target)
        with pytest.raises(FormatError) as caught:
            read_native(writer.build())
        assert caught.value.where == "programs", field
        assert caught.value.offset is not None, field


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
@pytest.mark.parametrize("name", ["0.2", "0.21"])
def test_map_names(name: str, target: int) -> None:
    writer = image(name)
    writer.point(Place("maps", writer.generation.map.offsets["name"]), target)
    with pytest.raises(FormatError) as caught:
        read_native(writer.build())
    assert caught.value.where == "maps"


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
@pytest.mark.parametrize("name", ["0.2", "main-2025-02-21", "0.21"])
def test_helper_names(name: str, target: int) -> None:
    writer = image(name)
    writer.program("two", helpers=[5])
    layout = writer.generation.helper
    start = min(
        at.offset for at in writer.pointers if at.section == ".data"
    )  # the name of the first helper of all
    assert start % 8 == layout.offsets["name"] % 8
    writer.point(Place(".data", start), target)
    with pytest.raises(FormatError) as caught:
        read_native(writer.build())
    assert caught.value.where == "helpers"


@pytest.mark.parametrize("field", ["name", "values"])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_initial_values(field: str, target: int) -> None:
    writer = image()
    writer.map("chain", type=3)
    place = writer.initial_values("chain", ["one"])
    layout = writer.generation.initial_values
    assert layout is not None
    writer.point(Place("map_init", place.offset + layout.offsets[field]), target)
    with pytest.raises(FormatError):
        read_native(writer.build())


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_global_variables(target: int) -> None:
    writer = image()
    writer.map("app.data", type=2)
    place = writer.global_section("app.data", bytes(8))
    layout = writer.generation.global_section
    assert layout is not None
    writer.point(Place("global_v", place.offset + layout.offsets["initial_data"]), target)
    with pytest.raises(FormatError):
        read_native(writer.build())


def test_an_entry_point_has_to_be_code() -> None:
    writer = image()
    data = writer.put(".data", bytes(16))
    writer.point(Place("programs", writer.generation.program.offsets["function"]), data)
    with pytest.raises(FormatError, match="no executable section"):
        read_native(writer.build())


def test_arrays_may_not_run_out_of_their_section() -> None:
    offsets = NativeWriter("1.5").generation.program.offsets
    for field, count in (("referenced_map_count", 2000), ("helper_count", 300)):
        writer = image()
        data = writer.sections["programs"].data
        data[offsets[field] : offsets[field] + 2] = count.to_bytes(2, "little")
        with pytest.raises(FormatError):
            read_native(writer.build())


def test_a_name_ends_in_its_section() -> None:
    writer = image()
    last = writer.put("zz", b"endless", flags=CONST, align=1)
    writer.point(Place("maps", writer.generation.map.offsets["name"]), last)
    with pytest.raises(FormatError, match="no terminating NUL"):
        read_native(writer.build())


def test_a_name_ends_in_time() -> None:
    writer = image()
    long = writer.put(".rdata", b"x" * 5000 + b"\0", flags=CONST, align=1)
    writer.point(Place("maps", writer.generation.map.offsets["name"]), long)
    with pytest.raises(FormatError, match="no terminating NUL"):
        read_native(writer.build())


def test_a_name_of_any_bytes_is_text() -> None:
    writer = image()
    odd = writer.put(".rdata", b"\xff\x1b[2J\0", flags=CONST, align=1)
    writer.point(Place("maps", writer.generation.map.offsets["name"]), odd)
    spec = read_native(writer.build())
    assert spec.maps[0].name == "\\xff\x1b[2J"
    spec.model_dump_json()


def test_the_image_base_is_not_assumed() -> None:
    for base in (0, 0x10000, 0x1C0000000, 0x7FF600000000, 0xFFFFF80000000000):
        writer = image()
        writer.fields["ImageBase"] = base
        spec = read_native(writer.build())
        assert spec.image_base == base
        assert spec.programs[0].name == "one"


def test_pointers_that_are_not_relocated_are_a_problem() -> None:
    writer = image()
    data = writer.build()
    writer.sections[".reloc"].data[8:10] = bytes(2)  # the first entry no longer says DIR64
    writer.relocations = False
    spec = read_native(writer.build())
    assert spec.relocatable is False
    (problem,) = spec.problems
    assert problem.kind == "relocations"
    assert problem.what.startswith("1 of ")
    assert read_native(data).relocatable is True


def test_an_image_without_relocations_is_not_judged() -> None:
    writer = image()
    writer.relocations = False
    assert read_native(writer.build()).relocatable is None


def test_lists_are_bounded_over_the_whole_image() -> None:
    """Many programs that share one long list must not multiply the work without end."""
    writer = NativeWriter("0.21")
    helpers = writer.helpers([1] * 9000)
    for index in range(40):
        writer.program(f"p{index}")
        at = writer.sections["programs"].data
        start = index * 144
        at[start + 88 : start + 90] = (9000).to_bytes(2, "little")
        writer.point(Place("programs", start + 80), helpers)
    with pytest.raises(LimitError):
        read_native(writer.build())


def test_global_data_is_bounded_over_the_whole_image() -> None:
    writer = NativeWriter("0.21")
    writer.map("a", type=2)
    bss = writer.section(".bss", 0xC0000080)
    bss.virtual_size = 24 << 20
    layout = writer.generation.global_section
    assert layout is not None
    for _ in range(2):
        place = writer.global_section("a", b"x")
        at = place.offset + layout.offsets["size"]
        writer.sections["global_v"].data[at : at + 8] = (20 << 20).to_bytes(8, "little")
        writer.point(
            Place("global_v", place.offset + layout.offsets["initial_data"]), Place(".bss", 0)
        )
    with pytest.raises(FormatError, match="bytes of global variables"):
        read_native(writer.build())


HEADER_DAMAGE = {
    "no MZ": (0, b"ZM"),
    "header before the file": (60, b"\0\0\0\0"),
    "header behind the file": (60, b"\xff\xff\xff\x7f"),
    "no PE": (0x80, b"PF"),
    "another machine": (0x84, b"\x4c\x01"),
    "97 sections": (0x86, b"\x61\0"),
    "a huge optional header": (0x94, b"\xff\xff"),
    "no optional header": (0x94, b"\0\0"),
    "PE32": (0x98, b"\x0b\x01"),
    "image behind the address space": (0x98 + 24, b"\xff" * 8),
    "an image without size": (0x98 + 56, bytes(4)),
}


@pytest.mark.parametrize(("offset", "new"), HEADER_DAMAGE.values(), ids=HEADER_DAMAGE.keys())
def test_headers(offset: int, new: bytes) -> None:
    writer = image()
    writer.patch(offset, new)
    with pytest.raises(EbpfStaticError):
        read_native(writer.build())


SECTION_DAMAGE = [
    {"VirtualSize": 0xFFFFFFFF},
    {"VirtualAddress": 0xFFFFF000},
    {"VirtualAddress": 0},
    {"SizeOfRawData": 0x7FFFFFFF},
    {"PointerToRawData": 0xFFFFFE00},
    {"PointerToRawData": 0x100000},
    {"VirtualSize": 0x100000},
]


@pytest.mark.parametrize("fields", SECTION_DAMAGE)
@pytest.mark.parametrize("section", ["maps", "programs", ".rdata"])
def test_sections(section: str, fields: dict[str, int]) -> None:
    writer = image()
    writer.build()
    header = writer.sections[section].header
    header.update(fields)
    with pytest.raises(FormatError) as caught:
        read_native(writer.build())
    assert caught.value.where == section or "overlaps" in caught.value.what


def test_reads_stay_in_one_section() -> None:
    pe = PeFile(image().build())
    section = pe.sections["maps"]
    assert len(pe.read(section.address, section.virtual_size, "x")) == section.virtual_size
    for rva, size in (
        (section.address, section.virtual_size + 1),
        (section.address - 1, 1),
        (section.address, -1),
        (0, 1),
        (1 << 40, 1),
    ):
        with pytest.raises(FormatError):
            pe.read(rva, size, "x")


def test_memory_behind_the_file_contents_reads_as_zero() -> None:
    writer = image()
    writer.put("tail", b"abc")
    writer.sections["tail"].virtual_size = 0x800
    pe = PeFile(writer.build())
    section = pe.sections["tail"]
    assert pe.read(section.address + 1, 0x700, "x") == b"bc" + bytes(0x6FE)
    assert pe.file_offset(section.address + 0x300) is None


def test_a_truncated_image_never_reads() -> None:
    data = image().build()
    for end in range(0, len(data), 97):
        with pytest.raises(EbpfStaticError):
            read_native(data[:end])
