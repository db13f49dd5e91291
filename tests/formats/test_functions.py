"""Functions: which symbols make them, where they end, and what they are linked with."""

from __future__ import annotations

import pytest

from ebpf_static.specs import FunctionSpec, ProgramSpec
from tests.build.asm import LE, R0
from tests.build.elf_writer import (
    SHN_ABS,
    SHN_COMMON,
    STB_GLOBAL,
    STB_LOCAL,
    STB_WEAK,
    STT_FUNC,
    STT_NOTYPE,
    STT_OBJECT,
    STT_SECTION,
    STV_HIDDEN,
    STV_INTERNAL,
    STV_PROTECTED,
    ByteOrder,
)
from tests.formats.writing import CODE, EMPTY, ORDERS, ObjectWriter


@pytest.mark.parametrize("order", ORDERS)
def test_several_functions_of_a_section(order: ByteOrder) -> None:
    writer = ObjectWriter(order)
    code = writer.asm.mov(R0, 1) + writer.asm.exit()
    text = writer.section("xdp", code * 3, CODE)
    writer.symbol("third", text, 32, 16, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("first", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("second", text, 16, 16, type=STT_FUNC, bind=STB_GLOBAL)
    spec = writer.read()
    assert spec.programs.keys() == ("first", "second", "third")
    assert [f.section_offset for f in spec.functions] == [0, 16, 32]
    assert {f.code for f in spec.functions} == {code}
    assert {f.byte_order for f in spec.functions} == {order}
    assert [i.imm for i in spec.functions[0].instructions] == [1, 0]


def test_linkage_and_visibility() -> None:
    writer = ObjectWriter()
    text = writer.section("xdp", EMPTY * 6, CODE)
    rows = [
        ("static", STB_LOCAL, 0),
        ("global", STB_GLOBAL, 0),
        ("weak", STB_WEAK, 0),
        ("hidden", STB_GLOBAL, STV_HIDDEN),
        ("internal", STB_WEAK, STV_INTERNAL),
        ("protected", STB_GLOBAL, STV_PROTECTED),
    ]
    for at, (name, bind, other) in enumerate(rows):
        writer.symbol(name, text, 16 * at, 16, type=STT_FUNC, bind=bind, other=other)
    spec = writer.read()
    assert [(f.name, f.linkage, f.hidden) for f in spec.functions] == [
        ("static", "static", False),
        ("global", "global", False),
        ("weak", "weak", False),
        ("hidden", "global", True),
        ("internal", "weak", True),
        ("protected", "global", False),
    ]
    # libbpf's prog_is_subprog does not ask for visibility: hidden ones are entry programs too.
    assert spec.programs.keys() == ("global", "weak", "hidden", "internal", "protected")


@pytest.mark.parametrize(
    ("sections", "programs"),
    [
        ({".text": 1}, ()),
        ({".text": 2}, ()),
        ({".text": 1, "xdp": 1}, ("f1",)),
    ],
)
def test_text_is_never_an_entry(sections: dict[str, int], programs: tuple[str, ...]) -> None:
    """Libbpf took a single function in `.text` for a program; since 1.0 it does not."""
    writer = ObjectWriter()
    number = 0
    for name, count in sections.items():
        text = writer.section(name, EMPTY * count, CODE)
        for at in range(count):
            writer.symbol(f"f{number}", text, 16 * at, 16, type=STT_FUNC, bind=STB_GLOBAL)
            number += 1
    spec = writer.read()
    assert spec.programs.keys() == programs
    assert [type(f) for f in spec.functions] == [
        ProgramSpec if f.name in programs else FunctionSpec for f in spec.functions
    ]


def test_old_llvm_leaves_functions_untyped() -> None:
    writer = ObjectWriter(machine=0)
    text = writer.section("xdp", EMPTY * 2, CODE)
    writer.symbol("LBB0_1", text, 8, type=STT_NOTYPE, bind=STB_LOCAL)
    writer.symbol("first", text, 0, type=STT_NOTYPE, bind=STB_GLOBAL)
    writer.symbol("second", text, 16, type=STT_NOTYPE, bind=STB_GLOBAL)
    writer.section("license", b"GPL\0")
    functions = writer.read().functions
    assert [(f.name, len(f.code)) for f in functions] == [("first", 16), ("second", 16)]


def test_typed_functions_make_untyped_symbols_labels() -> None:
    writer = ObjectWriter()
    text = writer.section("xdp", EMPTY * 2, CODE)
    writer.symbol("f", text, 0, 32, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("label", text, 16, type=STT_NOTYPE, bind=STB_GLOBAL)
    assert writer.read().functions.keys() == ("f",)


def test_symbols_that_name_no_function() -> None:
    writer = ObjectWriter()
    text = writer.section("xdp", EMPTY, CODE)
    writer.symbol("", text, type=STT_SECTION)
    writer.symbol("object", text, 0, 8, type=STT_OBJECT, bind=STB_GLOBAL)
    writer.symbol("absolute", SHN_ABS, 0, 8, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("common", SHN_COMMON, 0, 8, type=STT_FUNC, bind=STB_GLOBAL)
    (function,) = writer.read().functions
    assert (function.name, function.linkage, function.code) == ("", "none", EMPTY)


def test_code_without_symbols_is_one_nameless_function_and_no_program() -> None:
    writer = ObjectWriter()
    writer.section("xdp", EMPTY, CODE)
    spec = writer.read()
    assert [f.name for f in spec.functions] == [""]
    assert not spec.programs
    assert spec.numbering == "linux"


def test_efw_takes_nameless_code_for_a_program() -> None:
    writer = ObjectWriter()
    writer.section("xdp", EMPTY, CODE)
    assert writer.read(platform="windows").programs.keys() == ("",)


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_program_whose_name_is_empty_is_one(platform: str) -> None:
    writer = ObjectWriter()
    writer.program(name="")
    assert [p.linkage for p in writer.read(platform=platform).programs] == ["global"]


def test_two_names_of_one_place_are_two_functions() -> None:
    writer = ObjectWriter()
    text = writer.section("xdp", EMPTY, CODE)
    writer.symbol("one", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("two", text, 0, 16, type=STT_FUNC, bind=STB_GLOBAL)
    spec = writer.read()
    assert spec.functions.keys() == ("one", "two")
    assert spec.functions[0].code == spec.functions[1].code == EMPTY


def test_function_without_size_reaches_to_the_next() -> None:
    writer = ObjectWriter()
    text = writer.section("xdp", EMPTY * 3, CODE)
    writer.symbol("one", text, 0, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("alias", text, 0, type=STT_FUNC, bind=STB_GLOBAL)
    writer.symbol("two", text, 16, type=STT_FUNC, bind=STB_GLOBAL)
    assert [len(f.code) for f in writer.read().functions] == [16, 16, 32]


def test_empty_and_data_sections_have_no_functions() -> None:
    writer = ObjectWriter()
    writer.section(".text", b"", CODE)
    writer.section("xdp", EMPTY)  # not executable
    writer.section("tc", EMPTY, CODE, 8)  # executable, but NOBITS
    assert not writer.read().functions


def test_functions_know_their_btf() -> None:
    writer = ObjectWriter()
    proto = writer.btf.func_proto(writer.int_id)
    ids = [writer.btf.func(name, proto) for name in ("one", "two")]
    text = writer.section("xdp", EMPTY * 2, CODE)
    for at, name in enumerate(("one", "two")):
        writer.symbol(name, text, 16 * at, 16, type=STT_FUNC, bind=STB_GLOBAL)
        writer.ext.func_info("xdp", 16 * at, ids[at])
    writer.with_ext = True
    assert [f.btf_id for f in writer.read().functions] == ids


def test_question_mark_turns_autoload_off() -> None:
    writer = ObjectWriter()
    writer.program("?kprobe/do_unlinkat", name="off")
    writer.program("kprobe/do_unlinkat", name="on")
    writer.program("?unheard-of", name="odd")
    off, on, odd = writer.read().programs
    assert (off.section, off.autoload, off.attach_to) == (
        "kprobe/do_unlinkat",
        False,
        "do_unlinkat",
    )
    assert (off.elf_section, on.elf_section, odd.elf_section) == (
        "?kprobe/do_unlinkat",
        "kprobe/do_unlinkat",
        "?unheard-of",
    )
    assert (on.autoload, on.section_pattern) == (True, "kprobe+")
    assert (odd.autoload, odd.type.name, odd.section_pattern) == (False, "UNSPEC", None)


def test_linked_functions_come_in_order_of_reference() -> None:
    """The main calls c then a; c calls b; d is called by nobody; b calls c again."""
    asm = LE
    writer = ObjectWriter()
    bodies = {
        "main": [asm.call_local(5), asm.call_local(0), asm.exit()],
        "a": [asm.mov(R0, 0), asm.exit()],
        "b": [asm.call_local(0), asm.exit()],
        "c": [asm.call_local(-4), asm.exit()],
        "d": [asm.mov(R0, 0), asm.exit()],
    }
    starts, at = {}, 0
    for name, body in bodies.items():
        starts[name], at = at, at + len(body)
    calls = {("main", 0): "c", ("main", 1): "a", ("b", 0): "c", ("c", 0): "b"}
    code = b""
    for name, body in bodies.items():
        for index, insn in enumerate(body):
            target = calls.get((name, index))
            here = starts[name] + index
            code += insn if target is None else asm.call_local(starts[target] - here - 1)
    text = writer.section("xdp", code, CODE)
    for name, body in bodies.items():
        bind = STB_GLOBAL if name == "main" else STB_LOCAL
        writer.symbol(name, text, 8 * starts[name], 8 * len(body), type=STT_FUNC, bind=bind)
    spec = writer.read()
    assert spec.programs.keys() == ("main",)
    assert [f.name for f in spec.get_linked(spec.programs[0])] == ["main", "c", "b", "a"]
    assert [f.name for f in spec.get_linked(spec.functions["b"])] == ["b", "c"]
    other = ObjectWriter()
    other.program(name="stranger")
    with pytest.raises(ValueError, match="tuple"):
        spec.get_linked(other.read().functions[0])
