"""BTF-defined maps: every member libbpf knows, inner maps, initial values, and broken shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.specs import MapOrigin, MapSpec
from ebpf_static.specs.map import MapValue
from tests.build.asm import R0
from tests.build.elf_writer import (
    R_BPF_64_64,
    R_BPF_64_ABS64,
    STB_GLOBAL,
    STT_FUNC,
    STT_OBJECT,
    ByteOrder,
)
from tests.formats.writing import ORDERS, ObjectWriter

both_orders = pytest.mark.parametrize("order", ORDERS)


def _read(order: ByteOrder = "little", **members: Any) -> MapSpec:
    writer = ObjectWriter(order)
    writer.define("m", **members)
    return writer.read().maps["m"]


@both_orders
def test_every_number(order: ByteOrder) -> None:
    item = _read(
        order, type=9, key_size=4, value_size=8, max_entries=100, map_flags=4, pinning=1,
        numa_node=3, map_extra=7,
    )  # fmt: skip
    assert (item.type.name, item.key_size, item.value_size, item.max_entries) == (
        "LRU_HASH",
        4,
        8,
        100,
    )
    assert (item.flags, item.pinning, item.numa_node, item.map_extra) == (4, 1, 3, 7)
    assert (item.origin, item.section, item.linkage) == (MapOrigin.BTF, ".maps", "global")
    assert item.declared == (
        "type", "key_size", "value_size", "max_entries", "map_flags", "pinning", "numa_node",
        "map_extra",
    )  # fmt: skip
    assert (item.layout, item.record, item.data, item.inner) == (None, None, None, None)


@both_orders
def test_types_give_sizes_and_ids(order: ByteOrder) -> None:
    writer = ObjectWriter(order)
    value = writer.btf.struct("value", 24, [("a", writer.int_id, 0)])
    writer.define("m", type=1, key=("type", writer.int_id), value=("type", value))
    item = writer.read().maps["m"]
    assert (item.key_size, item.value_size) == (4, 24)
    assert (item.key_type_id, item.value_type_id) == (writer.int_id, value)


def test_modifiers_and_typedefs_are_seen_through() -> None:
    writer = ObjectWriter()
    btf = writer.btf
    number = btf.const(btf.typedef("count_t", btf.volatile(writer.number(5))))
    definition = btf.struct("", 8, [("max_entries", number, 0)])
    writer.declare("m", btf.typedef("map_t", btf.const(definition)))
    assert writer.read().maps["m"].max_entries == 5


@both_orders
@pytest.mark.parametrize("wide", [False, True])
def test_number_as_an_enum(order: ByteOrder, *, wide: bool) -> None:
    """Libbpf's ``__ulong``: the value of a one-member enum."""
    writer = ObjectWriter(order)
    value = 1 << 44 if wide else 1 << 20
    make = writer.btf.enum64 if wide else writer.btf.enum
    writer.define("m", type=33, map_extra=("raw", make("", [("__unique", value)])))
    assert writer.read().maps["m"].map_extra == value


def test_number_beyond_32_bits_is_only_for_map_extra() -> None:
    writer = ObjectWriter()
    wide = writer.btf.enum64("", [("v", 1 << 32)])
    writer.define("m", type=("raw", wide))
    with pytest.raises(FormatError, match="`type` is 4294967296, beyond 32 bits") as caught:
        writer.read()
    assert caught.value.where == 'map "m"'


def test_members_libbpf_does_not_know_are_declared_and_skipped() -> None:
    item = _read(type=2, inner_map_idx=1, id=7)
    assert item.declared == ("type", "inner_map_idx", "id")
    assert (item.type.number, item.legacy_id) == (2, None)


def test_maps_come_in_section_order_whatever_the_btf_says() -> None:
    writer = ObjectWriter()
    section = writer.section(".maps", bytes(96), 3)
    definition = writer.definition(type=2)
    rows = []
    for name, at in (("late", 64), ("early", 0), ("middle", 32)):
        rows.append((writer.btf.var(name, definition), 0, 32))
        writer.symbol(name, section, at, 32, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.btf.datasec(".maps", 96, rows)
    maps = writer.read().maps
    assert maps.keys() == ("early", "middle", "late")
    assert [m.section_offset for m in maps] == [0, 32, 64]


def test_static_maps_and_maps_without_symbols() -> None:
    writer = ObjectWriter()
    writer.map_symbols = False
    writer.declare("m", writer.definition(type=2), linkage=0)
    item = writer.read().maps["m"]
    assert item.linkage == "static"


def test_same_named_maps_are_both_there() -> None:
    writer = ObjectWriter()
    writer.define("same", type=1)
    writer.define("same", type=2)
    maps = writer.read().maps
    assert [m.type.number for m in maps] == [1, 2]
    assert maps["same"].type.number == 1
    assert [m.type.number for m in maps.get_all("same")] == [1, 2]


def test_name_that_is_no_utf8() -> None:
    writer = ObjectWriter()
    writer.define("caf\udce9", type=1)
    writer._symbols.clear()
    assert writer.read().maps[0].name == "caf\udce9"


@both_orders
def test_inner_map_in_place(order: ByteOrder) -> None:
    writer = ObjectWriter(order)
    inner = writer.definition(type=2, key_size=4, value_size=16, max_entries=5, map_flags=1)
    values = writer.btf.array(writer.btf.ptr(inner), writer.int_id, 0)
    writer.define("outer", type=13, key_size=4, max_entries=8, values=("raw", values))
    item = writer.read().maps["outer"]
    assert (item.type.name, item.value_size, item.values) == ("HASH_OF_MAPS", 4, ())
    assert item.inner is not None
    assert (item.inner.name, item.inner.type.name, item.inner.value_size) == (
        "outer.inner",
        "ARRAY",
        16,
    )
    assert (item.inner.max_entries, item.inner.flags, item.inner_name) == (5, 1, None)


@both_orders
@pytest.mark.parametrize("rela", [False, True])
def test_initial_inner_maps(order: ByteOrder, *, rela: bool) -> None:
    writer = ObjectWriter(order)
    inner = writer.definition(type=2, max_entries=1)
    first = writer.declare("first", inner)
    values = writer.btf.array(writer.btf.ptr(inner), writer.int_id, 0)
    writer.define("outer", type=12, values=("raw", values))
    assert first is not None
    section = writer.map_section()
    # The array starts 8 bytes into the map, behind `type`; its third element is 16 bytes further.
    place = 32 + 8 + 16
    writer.relocation(section, place, first, R_BPF_64_ABS64, addend=0 if rela else None)
    assert writer.read().maps["outer"].values == (MapValue(2, "map", "first"),)


def test_initial_programs_by_symbol_and_by_section() -> None:
    writer = ObjectWriter()
    asm = writer.asm
    proto = writer.btf.func_proto(writer.int_id)
    values = writer.btf.array(writer.btf.ptr(proto), writer.int_id, 0)
    writer.define("jumps", type=3, key_size=4, max_entries=3, values=("raw", values))
    text = writer.section("socket", (asm.mov(R0, 0) + asm.exit()) * 2, 6)
    one = writer.symbol("one", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("two", text, 16, 16, type=STT_FUNC, bind=STB_GLOBAL)
    of_section = writer.symbol("", text, type=3)
    section = writer.map_section()
    at = 24  # behind three other members
    section.data = section.data[: at + 8] + (16).to_bytes(8, "little") + section.data[at + 16 :]
    writer.relocation(section, at + 8, of_section, R_BPF_64_64)
    writer.relocation(section, at, one, R_BPF_64_64)
    spec = writer.read()
    assert spec.maps["jumps"].value_size == 4
    assert spec.maps["jumps"].values == (
        MapValue(0, "program", "one"),
        MapValue(1, "program", "two"),
    )
    assert not spec.problems


@pytest.mark.parametrize("place", [0, 4, 12])
def test_relocation_outside_values_is_a_problem(place: int) -> None:
    writer = ObjectWriter()
    inner = writer.definition(type=2)
    first = writer.declare("first", inner)
    values = writer.btf.array(writer.btf.ptr(inner), writer.int_id, 0)
    writer.define("outer", type=12, values=("raw", values))
    assert first is not None
    writer.relocation(writer.map_section(), 32 + place, first, R_BPF_64_64)
    spec = writer.read()
    assert spec.maps["outer"].values == ()
    assert [p.kind for p in spec.problems] == ["map-values"]


def test_maps_section_without_btf_is_read_as_records_and_a_problem() -> None:
    writer = ObjectWriter()
    maps = writer.section(".maps", bytes(32), 3)
    writer.symbol("m", maps, 0, 32, type=STT_OBJECT, bind=STB_GLOBAL)
    spec = writer.read()
    assert spec.maps.keys() == ("m",)
    assert spec.maps["m"].record == bytes(32)
    assert [p.kind for p in spec.problems] == ["maps"]
    assert spec.platform.value == "unknown"


def test_maps_section_the_btf_does_not_know_has_no_maps() -> None:
    writer = ObjectWriter()
    writer.section(".maps", bytes(32), 3)
    assert writer.int_id
    assert not writer.read().maps


def test_efw_maps_with_a_suffix() -> None:
    writer = ObjectWriter()
    writer.declare("m", writer.definition(type=2), section=".maps/m")
    assert writer.read().maps["m"].section == ".maps/m"


Definition = Callable[[ObjectWriter], int]


def _struct(name: str, member: Callable[[ObjectWriter], int]) -> Definition:
    return lambda writer: writer.btf.struct("", 8, [(name, member(writer), 0)])


def _values(element: Callable[[ObjectWriter], int]) -> Definition:
    return _struct("values", lambda w: w.btf.array(element(w), w.int_id, 0))


def _nested(depth: int) -> Definition:
    def build(writer: ObjectWriter) -> int:
        definition = writer.definition(type=2)
        for _ in range(depth):
            array = writer.btf.array(writer.btf.ptr(definition), writer.int_id, 0)
            definition = writer.definition(type=12, values=("raw", array))
        return definition

    return build


def _values_twice(writer: ObjectWriter) -> int:
    proto = writer.btf.func_proto(0, [])
    array = writer.btf.array(writer.btf.ptr(proto), writer.int_id, 0)
    return writer.btf.struct("", 16, [("values", array, 0), ("values", array, 0)])


BROKEN: dict[str, tuple[Definition, str]] = {
    "no struct": (lambda w: w.int_id, "declared by a BTF type that is no struct"),
    "union": (lambda w: w.btf.struct("u", 8, union=True), "no struct"),
    "no type at all": (lambda _: 0, "no struct"),
    "number is an int": (_struct("type", lambda w: w.int_id), "`type` is no number"),
    "number is a pointer": (_struct("type", lambda w: w.btf.ptr(w.int_id)), "`type` is no number"),
    "enum of two": (
        _struct("type", lambda w: w.btf.enum("", [("a", 1), ("b", 2)])),
        "`type` is no number",
    ),
    "key is no pointer": (_struct("key", lambda w: w.int_id), "`key` is no pointer to a type"),
    "values is no array": (_struct("values", lambda w: w.int_id), "`values` is no array"),
    "values of numbers": (_values(lambda w: w.int_id), "elements of `values` are no pointers"),
    "values of int pointers": (_values(lambda w: w.btf.ptr(w.int_id)), "no struct"),
    "values twice": (_values_twice, "`values` stands there twice"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_definition(name: str) -> None:
    build, message = BROKEN[name]
    writer = ObjectWriter()
    writer.declare("m\n", build(writer))
    with pytest.raises(FormatError, match=message) as caught:
        writer.read()
    assert (caught.value.where or "").startswith('map "m\n')
    assert str(caught.value).isprintable()


def test_sizes_that_disagree() -> None:
    writer = ObjectWriter()
    writer.define("m", type=1, key_size=8, key=("type", writer.int_id))
    with pytest.raises(FormatError, match="`key_size` is 8 but the type of `key` has 4 bytes"):
        writer.read()


def test_key_of_a_type_without_size() -> None:
    writer = ObjectWriter()
    writer.define("m", type=1, key=("type", 0))
    with pytest.raises(FormatError, match="has no size") as caught:
        writer.read()
    assert caught.value.where == 'map "m": .BTF: type 0'


def test_section_entry_that_is_no_variable() -> None:
    writer = ObjectWriter()
    writer.section(".maps", bytes(8), 3)
    writer.btf.datasec(".maps", 8, [(writer.int_id, 0, 8)])
    with pytest.raises(FormatError, match="is no variable") as caught:
        writer.read()
    assert caught.value.where == "section .maps"


@pytest.mark.parametrize("depth", [4, 5])
def test_nesting_is_bounded(depth: int) -> None:
    writer = ObjectWriter()
    writer.declare("m", _nested(depth)(writer))
    if depth == 4:
        item: MapSpec | None = writer.read().maps["m"]
        for _ in range(depth):
            assert item is not None
            item = item.inner
        assert item is not None
        assert item.type.number == 2
        return
    with pytest.raises(LimitError, match="nested too deeply"):
        writer.read()


def test_definition_that_contains_itself_is_bounded() -> None:
    writer = ObjectWriter()
    btf = writer.btf
    own = btf.next_id + 2
    array = btf.array(btf.next_id + 1, 1, 0)
    assert btf.ptr(own) == own - 1
    assert btf.struct("", 8, [("values", array, 0)]) == own
    writer.declare("m", own)
    with pytest.raises(LimitError, match="nested too deeply"):
        writer.read()


def test_endless_typedef_is_told() -> None:
    writer = ObjectWriter()
    loop = writer.btf.next_id
    writer.btf.typedef("loop", loop)
    writer.declare("m", loop)
    with pytest.raises(FormatError, match="a cycle"):
        writer.read()


def test_array_key_of_more_than_4_gib() -> None:
    writer = ObjectWriter()
    big = writer.btf.array(writer.btf.array(writer.int_id, 1, 1 << 31), 1, 1 << 31)
    writer.define("m", type=1, key=("type", big))
    with pytest.raises(FormatError, match="4 GiB or larger"):
        writer.read()


def test_ring_buffers_keep_the_size_they_declare() -> None:
    """Libbpf rounds it up to pages of the host it runs on; a spec is the same on every host."""
    writer = ObjectWriter()
    writer.define("events", type=27, max_entries=12345)
    assert writer.read().maps["events"].max_entries == 12345
