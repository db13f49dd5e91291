"""What is written is what is read: maps, globals, programs and references of any shape."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf_static.specs import ReferenceKind
from tests.build.asm import R0, R1
from tests.build.elf_writer import R_BPF_64_64, STB_GLOBAL, STT_FUNC, STT_OBJECT, ByteOrder
from tests.formats.writing import CODE, DATA, ORDERS, ObjectWriter

_u32 = st.integers(0, 0xFFFFFFFF)
_orders = st.sampled_from(ORDERS)
_names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40
)
_FIELDS = {"type": "type", "key_size": "key_size", "value_size": "value_size",
           "max_entries": "max_entries", "map_flags": "flags", "pinning": "pinning",
           "numa_node": "numa_node", "map_extra": "map_extra"}  # fmt: skip
_maps = st.lists(
    st.tuples(_names, st.dictionaries(st.sampled_from(sorted(_FIELDS)), _u32)), max_size=6
)


@settings(max_examples=150, derandomize=True)
@given(order=_orders, maps=_maps)
def test_btf_maps(order: ByteOrder, maps: list[tuple[str, dict[str, int]]]) -> None:
    writer = ObjectWriter(order)
    for name, members in maps:
        writer.define(name, **members)
    spec = writer.read(platform="linux")
    assert spec.maps.keys() == tuple(name for name, _ in maps)
    for item, (_, members) in zip(spec.maps.values(), maps, strict=True):
        assert item.declared == tuple(members)
        for member, field in _FIELDS.items():
            found = item.type.number if field == "type" else getattr(item, field)
            assert found == members.get(member, 0)
    assert not spec.problems


@settings(max_examples=150, derandomize=True)
@given(
    order=_orders,
    sections=st.lists(
        st.tuples(
            st.sampled_from((".data", ".data.x", ".rodata", ".rodata.str1.1")),
            st.lists(st.tuples(_names, st.binary(min_size=1, max_size=9)), min_size=1, max_size=4),
        ),
        max_size=4,
    ),
)
def test_globals(order: ByteOrder, sections: list[tuple[str, list[tuple[str, bytes]]]]) -> None:
    writer = ObjectWriter(order)
    for section, variables in sections:
        place = writer.section(section, b"".join(value for _, value in variables), DATA)
        at = 0
        for name, value in variables:
            writer.symbol(name, place, at, len(value), type=STT_OBJECT, bind=STB_GLOBAL)
            at += len(value)
    spec = writer.read()
    assert [(m.name, m.data) for m in spec.maps.values()] == [
        (section, b"".join(value for _, value in variables)) for section, variables in sections
    ]
    assert [(v.section, v.name, v.value) for v in spec.variables.values()] == [
        (section, name, value) for section, variables in sections for name, value in variables
    ]


@settings(max_examples=150, derandomize=True)
@given(
    order=_orders,
    sections=st.lists(
        st.tuples(_names, st.lists(st.tuples(_names, st.integers(1, 9)), min_size=1, max_size=4)),
        min_size=1,
        max_size=4,
    ),
    data=st.data(),
)
def test_functions_and_what_they_refer_to(
    order: ByteOrder, sections: list[tuple[str, list[tuple[str, int]]]], data: st.DataObject
) -> None:
    writer = ObjectWriter(order)
    asm = writer.asm
    globals_ = writer.section(".data", bytes(64), DATA)
    target = writer.symbol("v", globals_, 8, 8, type=STT_OBJECT)
    expected = []
    for name, functions in sections:
        text, at = writer.section(f"s/{name}", b"", CODE, align=8), 0
        for function, insns in functions:
            offset = data.draw(st.integers(-8, 40))
            code = asm.lddw(R1, offset) + asm.mov(R0, 0) * insns + asm.exit()
            text.data += code
            writer.symbol(function, text, at, len(code), type=STT_FUNC, bind=STB_GLOBAL)
            writer.relocation(text, at, target, R_BPF_64_64)
            expected.append((f"s/{name}", function, at, code, offset + 8))
            at += len(code)
    spec = writer.read(platform="windows")
    found = [(f.section, f.name, f.section_offset, f.code) for f in spec.functions.values()]
    assert found == [row[:4] for row in expected]
    references = [f.references for f in spec.functions.values()]
    assert [[tuple(r)[:5] for r in rows] for rows in references] == [
        [(0, ReferenceKind.MAP_VALUE, "v", 0, row[4])] for row in expected
    ]
    assert spec.programs.keys() == tuple(row[1] for row in expected)
    assert not spec.problems
