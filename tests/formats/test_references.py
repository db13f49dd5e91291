"""What relocated instructions refer to: every kind, every relocation type, both byte orders."""

from __future__ import annotations

import pytest

from ebpf_static.specs import CollectionSpec, Reference, ReferenceKind
from tests.build.asm import R0, R1
from tests.build.elf_writer import (
    R_BPF_64_32,
    R_BPF_64_64,
    R_BPF_64_ABS32,
    R_BPF_64_ABS64,
    R_BPF_64_NODYLD32,
    R_BPF_NONE,
    SHN_ABS,
    SHT_NOBITS,
    STB_GLOBAL,
    STB_LOCAL,
    STB_WEAK,
    STT_FUNC,
    STT_OBJECT,
    STT_SECTION,
    ByteOrder,
)
from tests.formats.writing import CODE, DATA, ORDERS, ObjectWriter

both_orders = pytest.mark.parametrize("order", ORDERS)


def _only(spec: CollectionSpec) -> Reference:
    (reference,) = spec.functions[0].references
    return reference


def _kinds(spec: CollectionSpec) -> list[str]:
    return [problem.kind for problem in spec.problems]


@both_orders
@pytest.mark.parametrize("relocation", [R_BPF_64_64, R_BPF_64_ABS64, R_BPF_64_ABS32])
def test_map(order: ByteOrder, relocation: int) -> None:
    writer = ObjectWriter(order)
    xdp = writer.program(code=writer.asm.mov(R0, 0) + writer.asm.lddw(R1, 0) + writer.asm.exit())
    writer.define("first", type=2)
    second = writer.define("second", type=1)
    assert second is not None
    writer.relocation(xdp, 8, second, relocation)
    spec = writer.read()
    assert _only(spec) == Reference(1, ReferenceKind.MAP, "second", 1, 0, relocation)
    assert spec.maps[1].name == "second"
    assert not spec.problems


@both_orders
def test_legacy_map_by_section_symbol(order: ByteOrder) -> None:
    """LLVM may name the section and keep the offset in the instruction."""
    writer = ObjectWriter(order)
    xdp = writer.program(code=writer.asm.lddw(R1, 20) + writer.asm.exit())
    maps = writer.section("maps", bytes(40), DATA)
    section = writer.symbol("", maps, type=STT_SECTION)
    for at in range(2):
        writer.symbol(f"m{at}", maps, 20 * at, 20, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.relocation(xdp, 0, section, R_BPF_64_64)
    assert _only(writer.read())[1:4] == (ReferenceKind.MAP, "m1", 1)


@both_orders
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("section", [".data", ".rodata.str1.1", ".bss"])
def test_map_value(order: ByteOrder, section: str, *, named: bool) -> None:
    writer = ObjectWriter(order)
    xdp = writer.program(code=writer.asm.lddw(R1, 4) + writer.asm.exit())
    kind = SHT_NOBITS if section == ".bss" else 1
    data = writer.section(section, bytes(16), DATA, kind)
    if named:
        symbol = writer.symbol("v", data, 8, 8, type=STT_OBJECT, bind=STB_GLOBAL)
    else:
        symbol = writer.symbol("", data, type=STT_SECTION)
    writer.relocation(xdp, 0, symbol, R_BPF_64_64)
    reference = _only(writer.read())
    assert reference.kind is ReferenceKind.MAP_VALUE
    assert (reference.name, reference.target) == ("v" if named else section, 0)
    assert reference.offset == (12 if named else 4)


@both_orders
@pytest.mark.parametrize("rela", [False, True])
def test_addends_add(order: ByteOrder, *, rela: bool) -> None:
    writer = ObjectWriter(order)
    xdp = writer.program(code=writer.asm.lddw(R1, 4) + writer.asm.exit())
    data = writer.section(".data", bytes(64), DATA)
    symbol = writer.symbol("v", data, 8, 8, type=STT_OBJECT)
    writer.relocation(xdp, 0, symbol, R_BPF_64_64, addend=16 if rela else None)
    assert _only(writer.read()).offset == (28 if rela else 12)


@both_orders
def test_call_by_symbol(order: ByteOrder) -> None:
    writer = ObjectWriter(order)
    asm = writer.asm
    xdp = writer.program(code=asm.call_local(-1) + asm.exit())
    text = writer.program(".text", name="sub", bind=STB_LOCAL)
    symbol = writer.symbol("alias", text, 0, 16, type=STT_FUNC)
    writer.relocation(xdp, 0, symbol, R_BPF_64_32)
    spec = writer.read()
    # The first symbol of a place names the function; the relocation says which one was meant.
    assert _only(spec) == Reference(0, ReferenceKind.CALL, "sub", 1, 0, R_BPF_64_32)


@both_orders
def test_call_by_section_symbol_and_immediate(order: ByteOrder) -> None:
    """A static callee: the section's symbol, and its insn minus one in the immediate."""
    writer = ObjectWriter(order)
    asm = writer.asm
    xdp = writer.program(code=asm.mov(R0, 0) + asm.call_local(1) + asm.exit())
    text = writer.section(".text", (asm.mov(R0, 0) + asm.exit()) * 2, CODE)
    writer.symbol("one", text, 0, 16, type=STT_FUNC)
    writer.symbol("two", text, 16, 16, type=STT_FUNC)
    writer.relocation(xdp, 8, writer.symbol("", text, type=STT_SECTION), R_BPF_64_32)
    spec = writer.read()
    assert _only(spec) == Reference(1, ReferenceKind.CALL, "two", 2, 0, R_BPF_64_32)


@both_orders
def test_call_the_assembler_resolved(order: ByteOrder) -> None:
    writer = ObjectWriter(order)
    asm = writer.asm
    code = asm.call_local(1) + asm.exit() + asm.mov(R0, 0) + asm.exit()
    text = writer.section("xdp", code, CODE)
    writer.symbol("main", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("sub", text, 16, 16, type=STT_FUNC)
    assert _only(writer.read()) == Reference(0, ReferenceKind.CALL, "sub", 1, 0, -1)


def test_call_into_the_middle_of_a_function_keeps_the_insn() -> None:
    writer = ObjectWriter()
    asm = writer.asm
    code = asm.call_local(2) + asm.exit() + asm.mov(R0, 0) + asm.exit()
    text = writer.section("xdp", code, CODE)
    writer.symbol("main", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("sub", text, 16, 16, type=STT_FUNC)
    assert _only(writer.read())[1:5] == (ReferenceKind.CALL, "sub", 1, 1)


@pytest.mark.parametrize("distance", [40, -10, (1 << 31) - 1, -(1 << 31)])
def test_call_to_nowhere_is_unresolved_and_a_problem(distance: int) -> None:
    writer = ObjectWriter()
    writer.program(code=writer.asm.call_local(distance) + writer.asm.exit())
    spec = writer.read()
    assert _only(spec)[1:4] == (ReferenceKind.UNRESOLVED, "", -1)
    assert _kinds(spec) == ["relocation"]
    assert spec.get_linked(spec.functions[0]) == (spec.functions[0],)


@both_orders
def test_callback(order: ByteOrder) -> None:
    writer = ObjectWriter(order)
    asm = writer.asm
    xdp = writer.program(code=asm.lddw(R1, 16) + asm.exit())
    text = writer.section(".text", (asm.mov(R0, 0) + asm.exit()) * 2, CODE)
    writer.symbol("one", text, 0, 16, type=STT_FUNC)
    writer.symbol("two", text, 16, 16, type=STT_FUNC)
    writer.relocation(xdp, 0, writer.symbol("", text, type=STT_SECTION), R_BPF_64_64)
    spec = writer.read()
    assert _only(spec) == Reference(0, ReferenceKind.FUNCTION, "two", 2, 0, R_BPF_64_64)
    assert [f.name for f in spec.get_linked(spec.programs[0])] == ["p", "two"]


def test_jump_table() -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 8) + writer.asm.exit())
    table = writer.section(".jumptables", bytes(32), 0)
    symbol = writer.symbol("BPF.JT.0.0", table, 8, 24, type=STT_OBJECT)
    writer.relocation(xdp, 0, symbol, R_BPF_64_64)
    assert _only(writer.read())[1:5] == (ReferenceKind.JUMP_TABLE, "BPF.JT.0.0", -1, 16)


@pytest.mark.parametrize("bind", [STB_GLOBAL, STB_WEAK])
def test_undefined_symbol_without_btf(bind: int) -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 0) + writer.asm.exit())
    writer.relocation(xdp, 0, writer.symbol("gone", bind=bind), R_BPF_64_64)
    spec = writer.read()
    assert _only(spec)[1:] == (
        ReferenceKind.UNRESOLVED, "gone", 0, 0, R_BPF_64_64, bind == STB_WEAK
    )  # fmt: skip
    assert spec.externs[0].kind.value == "unknown"


def test_none_relocation_is_nothing() -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 0) + writer.asm.exit())
    writer.relocation(xdp, 0, writer.symbol("gone", bind=STB_GLOBAL), R_BPF_NONE)
    spec = writer.read()
    assert spec.functions[0].references == ()
    assert not spec.problems


@pytest.mark.parametrize(
    ("relocation", "name"),
    [(R_BPF_64_NODYLD32, "R_BPF_64_NODYLD32"), (77, "type 77"), (0xFFFFFFFF, "type 4294967295")],
)
def test_relocation_that_belongs_on_no_instruction(relocation: int, name: str) -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 0) + writer.asm.exit())
    data = writer.section(".data", bytes(8), DATA)
    writer.relocation(xdp, 0, writer.symbol("v", data, 0, 8, type=STT_OBJECT), relocation)
    spec = writer.read()
    assert _only(spec).relocation == relocation
    (problem,) = spec.problems
    assert problem.what == f"relocation {name} does not belong on an instruction"
    assert problem.where == "section xdp"
    assert problem.offset is not None


@pytest.mark.parametrize("offset", [4, 24, 1 << 40, (1 << 64) - 8])
def test_relocation_on_no_instruction(offset: int) -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 0) + writer.asm.exit())
    data = writer.section(".data", bytes(8), DATA)
    writer.relocation(xdp, offset, writer.symbol("v", data, type=STT_OBJECT), R_BPF_64_64)
    spec = writer.read()
    assert spec.functions[0].references == ()
    assert f"{offset:#x} is on no instruction" in spec.problems[0].what


def test_relocation_on_an_instruction_that_takes_none() -> None:
    writer = ObjectWriter()
    xdp = writer.program()
    data = writer.section(".data", bytes(8), DATA)
    writer.relocation(xdp, 0, writer.symbol("v", data, type=STT_OBJECT), R_BPF_64_64)
    spec = writer.read()
    assert _only(spec).kind is ReferenceKind.UNRESOLVED
    assert "opcode 0xb7, which takes none" in spec.problems[0].what


@pytest.mark.parametrize("section", [None, SHN_ABS])
def test_relocation_against_neither_map_nor_data_nor_code(section: int | None) -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 0) + writer.asm.exit())
    home = writer.section(".comment", bytes(8)) if section is None else section
    writer.relocation(xdp, 0, writer.symbol("v", home, type=STT_OBJECT), R_BPF_64_64)
    spec = writer.read()
    assert _only(spec)[1:4] == (ReferenceKind.UNRESOLVED, "v", -1)
    assert "holds no map, data or code" in spec.problems[0].what


def test_call_relocated_against_data_is_unresolved() -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.call_local(-1) + writer.asm.exit())
    data = writer.section(".data", bytes(8), DATA)
    writer.relocation(xdp, 0, writer.symbol("v", data, type=STT_OBJECT), R_BPF_64_32)
    assert _only(writer.read()).kind is ReferenceKind.UNRESOLVED


def test_each_function_of_a_section_gets_its_own_references() -> None:
    writer = ObjectWriter()
    asm = writer.asm
    text = writer.section("xdp", (asm.lddw(R1, 0) + asm.exit()) * 2, CODE)
    for at, name in enumerate(("one", "two")):
        writer.symbol(name, text, 24 * at, 24, type=STT_FUNC, bind=STB_GLOBAL)
    data = writer.section(".data", bytes(16), DATA)
    for at in (1, 0):
        symbol = writer.symbol(f"v{at}", data, 8 * at, 8, type=STT_OBJECT)
        writer.relocation(text, 24 * at, symbol, R_BPF_64_64)
    references = [f.references for f in writer.read().functions]
    assert [[(r.index, r.name) for r in rows] for rows in references] == [[(0, "v0")], [(0, "v1")]]


def test_the_last_of_several_relocations_of_an_instruction_counts() -> None:
    writer = ObjectWriter()
    xdp = writer.program(code=writer.asm.lddw(R1, 0) + writer.asm.exit())
    data = writer.section(".data", bytes(16), DATA)
    for name in ("first", "second"):
        writer.relocation(xdp, 0, writer.symbol(name, data, type=STT_OBJECT), R_BPF_64_64)
    assert _only(writer.read()).name == "second"
