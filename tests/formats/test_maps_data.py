"""Sections that are maps: globals, struct_ops, arena globals, jump tables; and their variables."""

from __future__ import annotations

import pytest

from ebpf_static.errors import LimitError
from ebpf_static.specs import MapOrigin, ReferenceKind
from ebpf_static.specs.map import MapValue
from tests.build.asm import R1
from tests.build.elf_writer import (
    R_BPF_64_64,
    R_BPF_64_ABS64,
    SHT_NOBITS,
    STB_GLOBAL,
    STB_LOCAL,
    STB_WEAK,
    STT_FUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_SECTION,
    STV_DEFAULT,
    STV_HIDDEN,
    STV_INTERNAL,
    ByteOrder,
)
from tests.formats.writing import DATA, ORDERS, ObjectWriter

RDONLY_PROG, MMAPABLE, LINK = 1 << 7, 1 << 10, 1 << 13


@pytest.mark.parametrize(
    ("name", "flags"),
    [(".data", 0), (".data.x", 0), (".rodata", RDONLY_PROG), (".rodata.str1.1", RDONLY_PROG)],
)
def test_section_with_contents(name: str, flags: int) -> None:
    writer = ObjectWriter()
    writer.section(name, b"\1\2\3", DATA)
    (item,) = writer.read().maps
    assert (item.name, item.origin, item.section) == (name, MapOrigin.DATA, name)
    assert (item.type.name, item.key_size, item.value_size, item.max_entries) == ("ARRAY", 4, 3, 1)
    assert (item.flags, item.data) == (flags, b"\1\2\3")


@pytest.mark.parametrize("name", [".bss", ".bss.x"])
@pytest.mark.parametrize("size", [1, 1 << 20, 0xFFFFFFFF])
def test_bss_has_a_size_and_no_contents(name: str, size: int) -> None:
    writer = ObjectWriter()
    writer.section(name, b"", DATA, SHT_NOBITS).header = {"sh_size": size}
    (item,) = writer.read().maps
    assert (item.value_size, item.data, item.flags) == (size, None, 0)


@pytest.mark.parametrize("size", [1 << 32, 1 << 63, (1 << 64) - 1])
def test_bss_beyond_32_bits(size: int) -> None:
    writer = ObjectWriter()
    writer.section(".bss", b"", DATA, SHT_NOBITS).header = {"sh_size": size}
    with pytest.raises(LimitError, match="bytes of globals") as caught:
        writer.read()
    assert caught.value.where == "section .bss"


def test_initial_contents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebpf_static.limits.MAX_INITIAL_DATA_BYTES", 7)
    writer = ObjectWriter()
    writer.section(".data", bytes(8), DATA)
    with pytest.raises(LimitError, match="8 bytes of initial data"):
        writer.read()


def test_sections_that_are_no_maps() -> None:
    writer = ObjectWriter()
    for name in (".data1", ".comment", ".debug_info", ".eh_frame", "license"):
        writer.section(name, b"\1", DATA)
    writer.section(".data", b"", DATA)  # empty: libbpf makes no map of it
    writer.section(".data", b"\1", DATA, 7)  # a note
    writer.section(".data", b"\1", DATA, SHT_NOBITS)
    writer.section(".bss", b"\1", DATA)
    assert not writer.read().maps


@pytest.mark.parametrize(("linkage", "flags"), [(0, 0), (1, MMAPABLE)])
def test_globals_user_space_can_see_make_the_map_mmapable(linkage: int, flags: int) -> None:
    writer = ObjectWriter()
    variable = writer.btf.var("v", writer.int_id, linkage)
    writer.btf.datasec(".data", 4, [(variable, 0, 4)])
    writer.section(".data", bytes(4), DATA)
    assert writer.read().maps[".data"].flags == flags


@pytest.mark.parametrize(
    ("visibility", "flags"), [(STV_DEFAULT, MMAPABLE), (STV_HIDDEN, 0), (STV_INTERNAL, 0)]
)
def test_hidden_globals_are_static_to_libbpf(visibility: int, flags: int) -> None:
    writer = ObjectWriter()
    writer.btf.datasec(".data", 4, [(writer.btf.var("v", writer.int_id), 0, 4)])
    data = writer.section(".data", bytes(4), DATA)
    writer.symbol("v", data, 0, 4, type=STT_OBJECT, bind=STB_GLOBAL, other=visibility)
    assert writer.read().maps[".data"].flags == flags


def test_libbpf_names() -> None:
    writer = ObjectWriter()
    for name in (".data", ".rodata", ".data.custom", ".rodata.str1.1"):
        writer.section(name, b"\1", DATA)
    maps = writer.read().maps
    names = [m.libbpf_name("dir/execsnoop-tool.bpf.o") for m in maps]
    assert names == ["execsnoo.data", "execsnoo.rodata", ".data.custom", ".rodata.str1.1"]


# -- variables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_variables_by_btf_and_by_symbol(order: ByteOrder) -> None:
    writer = ObjectWriter(order)
    data = writer.section(".data", bytes(range(16)), DATA)
    btf = writer.btf
    rows = [
        (btf.var("typed", writer.int_id), 0, 4),
        (btf.var("weak", writer.int_id), 0, 4),
        (btf.var("nameless", writer.int_id, 0), 8, 4),
    ]
    btf.datasec(".data", 16, rows)
    writer.symbol("typed", data, 4, 4, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.symbol("weak", data, 0, 4, type=STT_OBJECT, bind=STB_WEAK)
    writer.symbol("untyped", data, 12, 2, type=STT_NOTYPE, bind=STB_LOCAL)
    writer.symbol("label", data, 14, 0, type=STT_NOTYPE, bind=STB_LOCAL)
    variables = writer.read().variables
    assert [(v.name, v.offset, v.size, v.linkage, v.value) for v in variables] == [
        ("typed", 4, 4, "global", bytes(range(4, 8))),
        ("weak", 0, 4, "weak", bytes(range(4))),
        ("nameless", 8, 4, "static", bytes(range(8, 12))),
        ("untyped", 12, 2, "static", bytes((12, 13))),
    ]
    assert [v.btf_id is None for v in variables] == [False, False, False, True]
    assert {v.section for v in variables} == {".data"}


def test_variables_of_bss_have_no_value() -> None:
    writer = ObjectWriter()
    bss = writer.section(".bss", bytes(8), DATA, SHT_NOBITS)
    writer.symbol("v", bss, 0, 8, type=STT_OBJECT)
    (variable,) = writer.read().variables
    assert (variable.size, variable.value) == (8, None)


@pytest.mark.parametrize(("value", "size"), [(4, 8), (8, 8), (1 << 63, 1), (0, 1 << 63)])
def test_variable_outside_its_section_has_what_is_there(value: int, size: int) -> None:
    writer = ObjectWriter()
    data = writer.section(".data", bytes(8), DATA)
    writer.symbol("v", data, value, size, type=STT_OBJECT)
    (variable,) = writer.read().variables
    assert (variable.offset, variable.size) == (value, size)
    assert len(variable.value or b"") == max(0, min(8 - value, size))


def test_variable_without_a_size_is_a_problem() -> None:
    writer = ObjectWriter()
    writer.section(".data", bytes(8), DATA)
    writer.btf.datasec(".data", 8, [(writer.btf.var("v", 0), 0, 4)])
    spec = writer.read()
    assert not spec.variables
    assert [(p.kind, p.where) for p in spec.problems] == [("variables", "section .data")]


# -- struct_ops ------------------------------------------------------------------------------------


def _struct_ops(order: ByteOrder, section: str) -> ObjectWriter:
    writer = ObjectWriter(order)
    btf, asm = writer.btf, writer.asm
    writer.program("struct_ops/init", asm.exit(), "on_init")
    pointer = btf.ptr(btf.func_proto(0))
    ops = btf.struct("tcp_ops", 24, [("flags", writer.int_id, 0), ("init", pointer, 64),
                                     ("exit", pointer, 128)])  # fmt: skip
    place = writer.section(section, bytes(8) + bytes(range(24)), DATA, align=8)
    btf.datasec(section, 32, [(btf.var("ops", ops), 8, 24)])
    writer.symbol("ops", place, 8, 24, type=STT_OBJECT, bind=STB_GLOBAL)
    return writer


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("section", "flags", "autocreate"),
    [
        (".struct_ops", 0, True),
        (".struct_ops.link", LINK, True),
        ("?.struct_ops", 0, False),
        ("?.struct_ops.link", LINK, False),
    ],
)
def test_struct_ops(order: ByteOrder, section: str, flags: int, *, autocreate: bool) -> None:
    writer = _struct_ops(order, section)
    ops = writer.read().maps["ops"]
    assert (ops.origin, ops.type.name, ops.section) == (
        MapOrigin.STRUCT_OPS,
        "STRUCT_OPS",
        section,
    )
    assert (ops.key_size, ops.value_size, ops.max_entries) == (4, 24, 1)
    assert (ops.flags, ops.autocreate, ops.section_offset) == (flags, autocreate, 8)
    assert ops.data == bytes(range(24))
    assert ops.value_type_id > 0


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("by_section", [True, False])
def test_struct_ops_members_name_their_programs(order: ByteOrder, *, by_section: bool) -> None:
    writer = _struct_ops(order, ".struct_ops")
    code, place = writer._sections[0], writer._sections[1]
    place.data = bytes(len(place.data))
    if by_section:
        symbol = writer.symbol("", code, type=STT_SECTION)
    else:
        symbol = writer.symbol("alias", code, 0, 8, type=STT_FUNC, bind=STB_GLOBAL)
    writer.relocation(place, 8 + 16, symbol, R_BPF_64_ABS64)
    values = writer.read().maps["ops"].values
    assert values == (MapValue(16, "program", values[0].name),)
    assert values[0].name in ("on_init", "alias")


def test_struct_ops_without_btf_is_no_map() -> None:
    writer = ObjectWriter()
    place = writer.section(".struct_ops", bytes(8), DATA)
    writer.symbol("ops", place, 0, 8, type=STT_OBJECT, bind=STB_GLOBAL)
    assert not writer.read().maps


# -- arena and jump tables -------------------------------------------------------------------------


def test_arena_globals_belong_to_the_arena() -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 0) + writer.asm.exit())
    writer.define("other", type=2)
    writer.define("arena", type=33, max_entries=10)
    place = writer.section(".addr_space.1", bytes(range(8)), DATA)
    variable = writer.symbol("v", place, 4, 4, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.relocation(xdp, 0, variable, R_BPF_64_64)
    spec = writer.read()
    assert spec.maps.keys() == ("other", "arena")
    assert spec.maps["arena"].data == bytes(range(8))
    assert [(v.name, v.section, v.value) for v in spec.variables] == [
        ("v", ".addr_space.1", bytes(range(4, 8)))
    ]
    (reference,) = spec.functions[0].references
    assert (reference.kind, reference.name, reference.target, reference.offset) == (
        ReferenceKind.MAP_VALUE, "v", 1, 4
    )  # fmt: skip


def test_arena_globals_without_an_arena_are_unresolved() -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 0) + writer.asm.exit())
    place = writer.section(".addr_space.1", bytes(8), DATA)
    writer.relocation(xdp, 0, writer.symbol("v", place, 4, 4, type=STT_OBJECT), R_BPF_64_64)
    spec = writer.read()
    assert not spec.maps
    assert spec.functions[0].references[0].kind is ReferenceKind.UNRESOLVED
    assert len(spec.problems) == 1


def test_jump_tables_are_no_map() -> None:
    writer = ObjectWriter()
    writer.section(".jumptables", bytes(16))
    assert not writer.read().maps


def test_static_variables_of_one_name_each_have_their_place() -> None:
    """As in an object linked from several: the name tells nothing, the BTF's offset does."""
    writer = ObjectWriter()
    data = writer.section(".data", bytes(range(8)), DATA)
    variable = writer.btf.var("v", writer.int_id, 0)
    again = writer.btf.var("v", writer.int_id, 0)
    writer.btf.datasec(".data", 8, [(variable, 0, 4), (again, 4, 4)])
    for at in (4, 0):
        writer.symbol("v", data, at, 4, type=STT_OBJECT)
    assert [v.value for v in writer.read().variables] == [bytes(range(4)), bytes(range(4, 8))]
