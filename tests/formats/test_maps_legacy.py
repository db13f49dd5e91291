"""Legacy map records: where they stand, how far they reach; layouts are tested with interpret."""

from __future__ import annotations

import pytest

from ebpf_static.errors import FormatError, LimitError
from ebpf_static.specs import MapOrigin
from tests.build.elf_writer import (
    SHT_NOBITS,
    STB_GLOBAL,
    STB_LOCAL,
    STT_FUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_SECTION,
)
from tests.formats.writing import CODE, DATA, ObjectWriter


def _record(*words: int) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)


def test_records_are_cut_by_symbol_in_section_order() -> None:
    writer = ObjectWriter()
    maps = writer.section("maps", _record(1, 4, 8, 16, 1) + _record(2, 4, 4, 1, 0), DATA)
    writer.symbol("second", maps, 20, 20, type=STT_OBJECT, bind=STB_LOCAL)
    writer.symbol("first", maps, 0, 20, type=STT_OBJECT, bind=STB_GLOBAL)
    first, second = writer.read().maps
    assert (first.name, first.origin, first.section_offset) == ("first", MapOrigin.LEGACY, 0)
    assert (first.type.name, first.key_size, first.value_size, first.max_entries, first.flags) == (
        "HASH",
        4,
        8,
        16,
        1,
    )
    assert (first.layout, first.record) == ("libbpf", _record(1, 4, 8, 16, 1))
    assert (second.name, second.section_offset, second.linkage) == ("second", 20, "static")


@pytest.mark.parametrize("name", ["maps", "maps/events", "prog/maps"])
def test_section_names(name: str) -> None:
    writer = ObjectWriter()
    maps = writer.section(name, _record(1, 4, 8, 16, 0), DATA)
    writer.symbol("m", maps, 0, 20, type=STT_OBJECT, bind=STB_GLOBAL)
    assert writer.read().maps["m"].section == name


@pytest.mark.parametrize("name", ["mapss", ".maps2", "maps.x", "xmaps"])
def test_names_that_promise_no_records(name: str) -> None:
    writer = ObjectWriter()
    maps = writer.section(name, _record(1, 4, 8, 16, 0), DATA)
    writer.symbol("m", maps, 0, 20, type=STT_OBJECT, bind=STB_GLOBAL)
    assert not writer.read().maps


def test_code_and_nobits_are_no_records() -> None:
    writer = ObjectWriter()
    code = writer.section("maps", bytes(24), CODE)
    writer.symbol("f", code, 0, 24, type=STT_FUNC, bind=STB_GLOBAL)
    empty = writer.section("maps", bytes(24), DATA, SHT_NOBITS)
    writer.symbol("m", empty, 0, 20, type=STT_OBJECT, bind=STB_GLOBAL)
    assert not writer.read().maps


def test_untyped_symbols_without_size_reach_to_the_next() -> None:
    """As LLVM before 7 left them."""
    writer = ObjectWriter()
    maps = writer.section("maps", _record(1, 4, 8, 16, 0) * 2 + bytes(8), DATA)
    writer.symbol("", maps, type=STT_SECTION)
    writer.symbol("one", maps, 0, type=STT_NOTYPE, bind=STB_GLOBAL)
    writer.symbol("two", maps, 20, type=STT_NOTYPE, bind=STB_GLOBAL)
    one, two = writer.read().maps
    assert (len(one.record or b""), len(two.record or b"")) == (20, 28)


def test_section_without_symbols_declares_nothing() -> None:
    writer = ObjectWriter()
    writer.section("maps", bytes(20), DATA)
    assert not writer.read().maps


@pytest.mark.parametrize(
    ("value", "size"),
    [(0, 24), (20, 0), (20, 4), (24, 0), (1 << 63, 20), (0, 1 << 63), (4, (1 << 64) - 4)],
)
def test_record_outside_its_section(value: int, size: int) -> None:
    writer = ObjectWriter()
    maps = writer.section("maps", bytes(20), DATA)
    writer.symbol("m\x1b", maps, value, size, type=STT_OBJECT, bind=STB_GLOBAL)
    with pytest.raises(FormatError, match="reaches outside the section") as caught:
        writer.read()
    assert caught.value.where == 'section maps: map "m\x1b"'
    assert caught.value.offset == 64
    assert str(caught.value).isprintable()


def test_too_many_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebpf_static.limits.MAX_MAPS", 2)
    writer = ObjectWriter()
    for at in range(3):
        section = writer.section(f"maps/{at}", bytes(20), DATA)
        writer.symbol(f"m{at}", section, 0, 20, type=STT_OBJECT, bind=STB_GLOBAL)
    with pytest.raises(LimitError, match="more than 2 maps"):
        writer.read()
