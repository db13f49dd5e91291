"""Record layouts: who wrote a legacy map is its size, its bytes and the platform."""

from __future__ import annotations

import pytest

from ebpf_static.interpret.legacy_maps import find_layout
from ebpf_static.specs import CollectionSpec, MapSpec
from ebpf_static.target import Platform
from tests.build.elf_writer import STB_GLOBAL, STT_OBJECT, ByteOrder
from tests.formats.writing import DATA, ORDERS, ObjectWriter


def _spec(
    *records: tuple[int, ...], order: ByteOrder = "little", platform: str = "linux"
) -> CollectionSpec:
    writer = ObjectWriter(order)
    packed = [b"".join(word.to_bytes(4, order) for word in record) for record in records]
    maps = writer.section("maps", b"".join(packed), DATA)
    at = 0
    for number, record in enumerate(packed):
        writer.symbol(f"m{number}", maps, at, len(record), type=STT_OBJECT, bind=STB_GLOBAL)
        at += len(record)
    return writer.read(platform=platform)


def _one(*words: int, order: ByteOrder = "little", platform: str = "linux") -> MapSpec:
    return _spec(words, order=order, platform=platform).maps[0]


def _facts(item: MapSpec) -> tuple[object, ...]:
    return (item.layout, item.type.number, item.key_size, item.value_size, item.max_entries)


both_orders = pytest.mark.parametrize("order", ORDERS)


@both_orders
@pytest.mark.parametrize(
    ("words", "layout", "flags"),
    [
        ((1, 4, 8, 16), "libbpf", 0),
        ((1, 4, 8, 16, 3), "libbpf", 3),
        ((1, 4, 8, 16, 3, 0), "libbpf", 3),
        ((1, 4, 8, 16, 3, 0, 0, 0), "libbpf", 3),
        ((1, 4, 8, 16, 3, *[0] * 20), "libbpf", 3),
        ((1, 4, 8, 16, 3, 1), "unknown", 3),
        ((1, 4, 8, 16, 3, 0, 2), "samples", 3),
        ((1, 4, 8, 16, 3, 0, 0, 9), "unknown", 3),
        ((1, 4, 8, 16, 3, 0, 0, 0, 0), "iproute2", 3),
        ((1, 4, 8, 16, 3, *[1] * 20), "unknown", 3),
    ],
)
def test_linux(order: ByteOrder, words: tuple[int, ...], layout: str, flags: int) -> None:
    item = _one(*words, order=order)
    assert _facts(item) == (layout, 1, 4, 8, 16)
    assert (item.flags, item.legacy_id if layout == "libbpf" else None) == (flags, None)


def test_fields_of_iproute2() -> None:
    item = _one(1, 4, 8, 16, 3, 7, 2, 0, 0)
    assert (item.flags, item.legacy_id, item.pinning) == (3, 7, 2)


def test_fields_of_the_samples() -> None:
    assert _one(1, 4, 8, 16, 3, 0, 5).numa_node == 5


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        ((1,), (1, 0, 0, 0)),
        ((1, 4), (1, 4, 0, 0)),
        ((1, 4, 8), (1, 4, 8, 0)),
    ],
)
def test_what_a_short_record_lacks_is_zero(words: tuple[int, ...], facts: tuple[int, ...]) -> None:
    assert _facts(_one(*words))[1:] == facts


@both_orders
def test_efw(order: ByteOrder) -> None:
    item = _one(1, 4, 8, 16, 0, 1, 7, 0, order=order, platform="windows")
    assert _facts(item) == ("efw", 1, 4, 8, 16)
    assert (item.pinning, item.legacy_id, item.flags) == (1, 7, 0)
    assert str(item.type.platform) == "windows"


@both_orders
def test_efw_before_v0_2_begins_with_its_size(order: ByteOrder) -> None:
    item = _one(36, 1, 4, 8, 16, 0, 1, 7, 0, order=order, platform="windows")
    assert _facts(item) == ("efw-0.1", 1, 4, 8, 16)
    assert (item.pinning, item.legacy_id) == (1, 7)


def test_36_bytes_that_are_no_size_are_efws_newer_layout() -> None:
    assert _facts(_one(1, 4, 8, 16, 0, 1, 7, 0, 5, platform="windows"))[:2] == ("efw", 1)


def test_layout_depends_on_the_platform_not_the_bytes() -> None:
    record = bytes(32)
    assert find_layout(record, Platform.LINUX, "little").name == "libbpf"
    assert find_layout(record, Platform.WINDOWS, "little").name == "efw"


# -- inner maps ------------------------------------------------------------------------------------


def _iproute2(
    kind: int, map_id: int = 0, inner_id: int = 0, inner_index: int = 0
) -> tuple[int, ...]:
    return (kind, 4, 4, 1, 0, map_id, 0, inner_id, inner_index)


def test_inner_map_by_id_and_by_index() -> None:
    maps = _spec(
        _iproute2(2, map_id=5),
        _iproute2(12, inner_id=5),
        _iproute2(12, inner_index=1),
        _iproute2(12, inner_id=99),
        _iproute2(12, inner_index=99),
        _iproute2(12, inner_id=5, inner_index=3),
    ).maps
    assert [m.inner_name for m in maps] == [None, "m0", "m1", None, None, "m0"]
    assert maps[1].inner == maps[0]


def test_efw_inner_map_by_index_and_id() -> None:
    maps = _spec(
        (12, 4, 4, 1, 2, 0, 0, 0),
        (13, 4, 4, 1, 0, 0, 0, 9),
        (1, 4, 4, 8, 0, 0, 9, 0),
        platform="windows",
    ).maps
    assert [m.inner_name for m in maps] == ["m2", "m2", None]


def test_a_map_is_not_its_own_inner_map() -> None:
    maps = _spec(_iproute2(12, map_id=5, inner_id=5), _iproute2(12, inner_index=1)).maps
    assert [m.inner for m in maps] == [None, None]


def test_maps_that_name_each_other_end() -> None:
    maps = _spec(_iproute2(12, map_id=1, inner_id=2), _iproute2(12, map_id=2, inner_id=1)).maps
    assert [m.inner_name for m in maps] == ["m1", "m0"]
    assert all(m.inner is not None and m.inner.inner is None for m in maps)


def test_index_counts_the_records_of_the_own_section() -> None:
    writer = ObjectWriter()
    record = b"".join(word.to_bytes(4, "little") for word in _iproute2(12, inner_index=1))
    for name in ("maps/a", "maps/b"):
        section = writer.section(name, record * 2, DATA)
        for at in range(2):
            writer.symbol(f"{name[-1]}{at}", section, 36 * at, 36, type=STT_OBJECT, bind=1)
    maps = writer.read().maps
    assert [(m.name, m.inner_name) for m in maps] == [
        ("a0", "a1"), ("a1", None), ("b0", "b1"), ("b1", None)
    ]  # fmt: skip
