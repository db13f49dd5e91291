"""The generation is chosen by version header, confirmed by arithmetic, and never guessed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.formats.native_layouts import guid_bytes, guid_text, layouts
from ebpf_static.formats.native_pe import read_native
from ebpf_static.limits import MAX_FUNCTIONS
from ebpf_static.specs.native import NativeImageSpec
from ebpf_static.target import Version
from tests.build.pe_writer import BIND, NativeWriter, Place

NAMES = [it.name for it in layouts().generations]


def image(generation: str, *, dll: bool = False) -> NativeWriter:
    writer = NativeWriter(generation, dll=dll)
    writer.map("first", type=1, key_size=4, value_size=8, max_entries=3)
    writer.map("second", type=13, max_entries=4096)
    writer.program("one", maps=[1], helpers=[11, 0, 2], insns=9)
    writer.program("two", section="cgroup/connect4", maps=[0, 1])
    return writer


def read(writer: NativeWriter) -> NativeImageSpec:
    return read_native(writer.build())


def test_the_table_is_what_the_snapshot_gives(repository: Path) -> None:
    script = repository / "scripts" / "make_native_layouts.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_each_generation_is_recognised(name: str) -> None:
    writer = image(name)
    writer.metadata(version=(1, 2, 3))
    spec = read(writer)
    layout = spec.layout
    expected = layouts().get(name)
    assert layout.name == name
    assert layout.program_stride == expected.program.size
    assert layout.map_stride == expected.map.size
    assert layout.helper_stride == expected.helper.size
    assert layout.metadata_size == expected.metadata.size
    assert layout.is_versioned is (name in {"0.21", "1.5"})
    assert spec.bpf2c_version == (
        Version(1, 2, 3) if "version" in expected.metadata.offsets else None
    )
    assert spec.maps.keys() == ("first", "second")
    assert [p.name for p in spec.programs] == ["one", "two"]
    assert [h.id.number for h in spec.programs["one"].helpers] == [11, 0, 2]
    assert spec.find_referenced_maps(spec.programs["two"]) == ("first", "second")
    assert spec.problems == ()


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("0.2", "0.2"),
        ("0.5", "0.5|0.6"),
        ("0.9", "0.9|0.11|main-2025-02-12"),
        ("main-2025-02-21", "main-2025-02-21"),
        ("0.21", "0.21"),
        ("1.5", "1.5"),
    ],
)
def test_without_a_metadata_table_the_strides_alone_speak(name: str, left: str) -> None:
    spec = read(image(name))
    assert spec.layout.name == left
    assert len(spec.layout.releases) == left.count("|") + 1
    assert spec.layout.metadata_size is None


@pytest.mark.parametrize("name", ["0.2", "0.5", "0.9", "0.11", "0.21", "1.5"])
def test_text_around_the_entries_as_in_a_debug_dll(name: str) -> None:
    writer = NativeWriter(name, dll=True)
    writer.put("programs", b"assertion failed\0")
    writer.strings = "tables"
    for table in ("first_map", "second_map"):
        writer.text(table, "maps")
    writer.strings = ".rdata"
    writer.map("first", type=1, key_size=4, value_size=8, max_entries=3)
    writer.map("second", type=2)
    writer.program("one")
    writer.program("two", maps=[0], helpers=[1])
    writer.put("maps", b"trailing text\0", align=1)
    writer.metadata(counts={"programs": 2, "maps": 2})
    spec = read(writer)
    assert spec.maps.keys() == ("first", "second")
    assert [p.name for p in spec.programs] == ["one", "two"]
    assert "programs: 2 × " in " ".join(spec.layout.established)
    assert "in a row among text" in " ".join(spec.layout.established)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("padding", [8, 16, 48])
def test_zeros_behind_the_entries_are_padding(name: str, padding: int) -> None:
    writer = image(name)
    writer.put("programs", bytes(padding))
    writer.put("maps", bytes(padding))
    writer.metadata(counts={"programs": 2, "maps": 2})
    spec = read(writer)
    assert spec.layout.name == name
    assert len(spec.programs) == len(spec.maps) == 2


def test_a_lone_entry_without_hash_is_told_apart_by_the_size_of_the_section() -> None:
    for name, size in (("0.2", 96), ("0.5", 112), ("0.9", 120)):
        writer = NativeWriter(name)
        writer.program("lone", info_hash=None)
        assert read(writer).layout.program_stride == size


def test_entries_that_fit_twice_are_refused() -> None:
    writer = NativeWriter("0.2")
    writer.program("lone", info_hash=None)
    writer.put("programs", bytes(32))  # 128 bytes: no entry size divides them, all leave zeros
    with pytest.raises(FormatError, match=r"entries of 96, 112, 120 bytes all fit"):
        read(writer)


def test_a_metadata_table_settles_what_arithmetic_cannot() -> None:
    writer = NativeWriter("0.2")
    writer.program("lone", info_hash=None)
    writer.put("programs", bytes(32))
    writer.metadata(counts={"programs": 1})
    with pytest.raises(FormatError, match="96, 112 bytes all fit"):
        read(writer)  # 24 bytes mean 0.2 or 0.5
    writer = NativeWriter("0.11")
    writer.program("lone", info_hash=None)
    writer.put("programs", bytes(24))
    writer.metadata(counts={"programs": 1})
    assert read(writer).layout.name == "0.11"


def test_one_table_with_headers_and_one_without() -> None:
    old, new = NativeWriter("0.11"), NativeWriter("0.21")
    new.generation, old.generation = old.generation, new.generation
    new.map("plain", type=1)
    new.generation = layouts().get("0.21")
    new.program("headed")
    with pytest.raises(FormatError, match="no version header, those of the other table do"):
        read(new)


@pytest.mark.parametrize(
    ("header", "name", "stride"),
    [
        ((1, 144, 144), "0.21", 144),
        ((1, 154, 160), "1.5", 160),
        ((2, 154, 160), "1.5", 160),
        ((2, 168, 168), "newer", 168),
        ((1, 150, 152), "0.21", 152),
    ],
)
def test_the_stride_is_the_header_s(header: tuple[int, int, int], name: str, stride: int) -> None:
    writer = NativeWriter("1.5")
    for program in ("one", "two"):
        writer.program(program, header=header)
        data = writer.sections["programs"].data
        if stride >= 160:
            data += bytes(stride - 160)
        else:
            del data[stride - 160 :]
    spec = read(writer)
    assert spec.layout.name == name
    assert spec.layout.program_stride == stride
    assert [p.name for p in spec.programs] == ["one", "two"]
    assert spec.programs[0].entry_header == header


@pytest.mark.parametrize(
    "header", [(1, 136, 144), (1, 144, 136), (1, 144, 145), (1, 144, 8192), (0, 144, 144)]
)
def test_impossible_headers(header: tuple[int, int, int]) -> None:
    writer = NativeWriter("0.21")
    writer.map("fine", type=1)
    writer.program("one", header=header)
    with pytest.raises(FormatError) as caught:
        read(writer)
    assert caught.value.where == "programs"
    assert caught.value.offset is not None


def test_all_entries_have_one_stride() -> None:
    writer = NativeWriter("1.5")
    writer.program("one")
    writer.program("two", header=(1, 154, 168))
    writer.sections["programs"].data += bytes(8)
    with pytest.raises(FormatError):
        read(writer)


def test_a_damaged_entry_is_not_skipped() -> None:
    for name in NAMES:
        writer = image(name)
        writer.program("three")
        stride = layouts().get(name).program.size
        writer.sections["programs"].data[stride : stride + 8] = b"\xff" * 8
        with pytest.raises(FormatError, match="programs"):
            read(writer)


def test_a_zeroed_entry_in_the_middle_is_not_skipped() -> None:
    for name in NAMES:
        writer = image(name)
        writer.program("three")
        stride = layouts().get(name).program.size
        writer.sections["programs"].data[stride : 2 * stride] = bytes(stride)
        for at in [at for at in writer.pointers if at.section == "programs"]:
            if stride <= at.offset < 2 * stride:
                del writer.pointers[at]
        with pytest.raises(FormatError):
            read(writer)


def test_getters_that_contradict_the_sections_are_a_problem() -> None:
    writer = image("0.21")
    writer.metadata(counts={"programs": 3, "maps": 2})
    (problem,) = read(writer).problems
    assert problem.kind == "native-count"
    assert "2 entries" in problem.what
    assert "3" in problem.what


def test_an_empty_table_is_an_error() -> None:
    writer = NativeWriter("0.21")
    writer.put("programs", bytes(64))
    with pytest.raises(FormatError, match="programs: holds no entry"):
        read(writer)


def test_two_sections_of_one_name_are_ambiguous() -> None:
    writer = image("0.21")
    writer.sections["again"] = writer.section("again")
    writer.put("again", bytes(16))
    writer.sections["again"].name = "maps"
    with pytest.raises(FormatError, match="2 data sections have this name"):
        read(writer)


def test_a_code_section_called_like_a_table_is_no_table() -> None:
    writer = image("0.21")
    writer.put("code", b"\xc3", flags=0x60000020)
    writer.sections["code"].name = "maps"
    assert read(writer).maps.keys() == ("first", "second")


def test_too_large_a_table_is_not_searched() -> None:
    writer = image("0.21")
    writer.sections["programs"].data += bytes(2 << 20)
    with pytest.raises(LimitError):
        read(writer)


def test_too_many_entries_are_refused_not_cut_off() -> None:
    writer = NativeWriter("0.11")
    name = writer.text("many")
    entries = layouts().generations[0].map.size * b"\0" * (MAX_FUNCTIONS + 1)
    writer.put("maps", entries)
    data = writer.sections["maps"].data
    for start in range(0, len(data), 48):
        data[start + 8] = 1
        writer.point(Place("maps", start + 40), name)
    writer.relocations = False
    with pytest.raises(FormatError, match=f"{MAX_FUNCTIONS + 1} entries"):
        read(writer)


def test_inner_maps_by_index_and_by_id() -> None:
    writer = NativeWriter("1.5")
    writer.map("by_index", type=7, inner_map_idx=2, id=1)
    writer.map("by_id", type=6, inner_id=9, id=2)
    writer.map("inner", type=1, id=9)
    writer.map("lost", type=7, inner_map_idx=7)
    writer.map("stray", type=7, inner_id=77)
    spec = read(writer)
    assert [it.inner_name for it in spec.maps] == ["inner", "inner", None, None, None]
    assert [(p.kind, p.where) for p in spec.problems] == [
        ("native-inner-map", "lost"),
        ("native-inner-map", "stray"),
    ]


def test_names_may_repeat_and_be_empty() -> None:
    writer = NativeWriter("0.21")
    for name in ("twice", "twice", ""):
        writer.map(name, type=1)
        writer.program(name)
    spec = read(writer)
    assert spec.maps.keys() == ("twice", "twice", "")
    assert [p.name for p in spec.programs] == ["twice", "twice", ""]


def test_unknown_types_keep_their_guids_and_numbers() -> None:
    unknown = "01234567-89ab-cdef-0123-456789abcdef"
    writer = NativeWriter("0.21")
    writer.map("odd", type=4711)
    writer.program("odd", type=unknown, attach=unknown, helpers=[65536, 4711])
    spec = read(writer)
    (program,) = spec.programs
    assert spec.maps[0].type.known is False
    assert program.program_type_guid == program.attach_type_guid == unknown
    assert program.type.name == "UNSPEC"
    assert program.attach_type is None
    assert [helper.number for helper in program.helper_ids] == [65536, 4711]


def test_a_helper_of_one_program_type_has_its_scope() -> None:
    sock_addr = "92ec8e39-aeec-11ec-9a30-18602489beee"
    writer = NativeWriter("0.21")
    writer.program("a", type=sock_addr, helpers=[65537])
    writer.program("b", type=BIND, helpers=[65537])
    spec = read(writer)
    assert spec.programs["a"].helper_ids[0].name == "sock_addr_set_redirect_context"
    assert spec.programs["b"].helper_ids[0].known is False


def test_initial_values_without_getters_are_found_behind_their_lists() -> None:
    for name in ("0.11", "main-2025-02-21", "0.21", "1.5"):
        writer = NativeWriter(name)
        writer.map("chain", type=3, key_size=4, value_size=4, max_entries=4)
        writer.map("outer", type=7, key_size=4, value_size=4, max_entries=2)
        writer.program("one")
        writer.initial_values("chain", [None, "one", None, "one"])
        writer.initial_values("outer", ["inner", "inner"])
        spec = read(writer)
        assert [(it.map, it.values) for it in spec.initial_values] == [
            ("chain", (None, "one", None, "one")),
            ("outer", ("inner", "inner")),
        ]
        assert [value.index for value in spec.maps["chain"].values] == [1, 3]


def test_initial_values_of_no_map_are_a_problem() -> None:
    writer = NativeWriter("0.21")
    writer.map("chain", type=3)
    writer.initial_values("other", ["x"])
    (problem,) = read(writer).problems
    assert problem.kind == "native-values"


def test_global_variables() -> None:
    writer = NativeWriter("0.21")
    writer.map("app.bss", type=2, key_size=4, value_size=16, max_entries=1)
    writer.global_section("app.bss", bytes(range(16)))
    spec = read(writer)
    assert spec.global_sections[0].data == bytes(range(16))
    assert spec.maps["app.bss"].data == bytes(range(16))


def test_guids_are_mixed_endian() -> None:
    text = "608c517c-6c52-4a26-b677-bb1c34425adf"
    assert guid_bytes(text).hex() == "7c518c60526c264ab677bb1c34425adf"
    assert guid_text(guid_bytes(text)) == text


def test_lists_of_zeros_live_only_in_memory() -> None:
    """A list that is all zero gets no bytes in the file: map index 0, the unspecified GUID."""
    writer = NativeWriter("0.21")
    writer.map("only", type=1)
    program = writer.program("one", maps=[0])
    bss = writer.section(".bss", 0xC0000080)
    bss.virtual_size = 32
    for field in ("referenced_map_indices", "expected_attach_type"):
        start = writer.generation.program.offsets[field]
        writer.point(Place("programs", program.offset + start), Place(".bss", 8))
    (one,) = read(writer).programs
    assert one.referenced_maps == (0,)
    assert one.attach_type is None
