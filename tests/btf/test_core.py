"""CO-RE without libbpf: what the differential test cannot show, and hostile input."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf_static.btf import Btf, CoreRelocation
from ebpf_static.btf.core import (
    POISON_IMM,
    CoreKind,
    CoreRelocator,
    CoreResult,
    minimal_btf,
    patch_insn,
    relocate,
    requires_types,
)
from ebpf_static.btf.core.compat import essential_name
from ebpf_static.btf.core.spec import CoreError, parse_access
from ebpf_static.btf.header import ByteOrder
from ebpf_static.btf.raw_dump import iter_raw
from ebpf_static.errors import EbpfStaticError
from tests.btf.test_reader import every_kind
from tests.build.btf_writer import BtfWriter


@pytest.mark.parametrize(
    ("name", "essential"),
    [
        ("task", "task"),
        ("task___old", "task"),
        ("task___a___b", "task___a"),
        ("___task", "___task"),
        ("task___", "task___"),
        ("task____x", "task____x"),
        ("task_____", "task_____"),
        ("a___b", "a"),
        ("", ""),
    ],
)
def test_essential_name(name: str, essential: str) -> None:
    assert essential_name(name) == essential


def test_access_strings() -> None:
    assert parse_access("0") == (0,)
    assert parse_access("0:10:3") == (0, 10, 3)
    for text in ("", ":", "0:", ":0", "0::1", "-1", "0 1", "0:x", "99999999999", "0" + ":1" * 64,
                 "2147483648", "\u0663"):  # fmt: skip
        with pytest.raises(CoreError):
            parse_access(text)


def field(order: str, bit_offset: int, width: int, *, size: int = 4) -> Btf:
    w = BtfWriter(order)
    i = w.integer("unsigned int", size)
    w.bitfields("s", 16, [("a", i, bit_offset, width)])
    return Btf.parse(w.build())


def answer(local: Btf, target: Btf, kind: CoreKind, access: str = "0:0") -> CoreResult:
    type_id = local.find("s")
    assert type_id is not None
    return relocate(local, CoreRelocation(0, type_id, access, kind), [target])


@pytest.mark.parametrize(
    ("order", "bit_offset", "width", "expected"),
    [
        # offset and size of the load, then the shifts that leave only the field
        ("little", 35, 5, (4, 4, 64 - 8, 59)),
        ("big", 35, 5, (4, 4, 32 + 3, 59)),
        ("little", 30, 5, (0, 8, 64 - 35, 59)),
        ("big", 30, 5, (0, 8, 30, 59)),
        ("little", 64, 0, (8, 4, 32, 32)),
        ("big", 64, 0, (8, 4, 32, 32)),
    ],
)
def test_bitfields_in_both_byte_orders(
    order: str, bit_offset: int, width: int, expected: tuple[int, ...]
) -> None:
    local, target = field(order, 0, 3), field(order, bit_offset, width)
    kinds = (CoreKind.FIELD_BYTE_OFFSET, CoreKind.FIELD_BYTE_SIZE, CoreKind.FIELD_LSHIFT_U64,
             CoreKind.FIELD_RSHIFT_U64)  # fmt: skip
    assert tuple(answer(local, target, kind).value for kind in kinds) == expected


def test_missing_field_is_poison_unless_asked_for() -> None:
    local = field("little", 0, 0)
    w = BtfWriter()
    w.struct("s", 4, [("other", w.integer("int", 4), 0)])
    target = Btf.parse(w.build())
    missing = answer(local, target, CoreKind.FIELD_BYTE_OFFSET)
    assert missing.poison
    assert missing.is_missing
    assert missing.candidates == 1
    exists = answer(local, target, CoreKind.FIELD_EXISTS)
    assert (exists.original, exists.value, exists.poison, exists.is_missing) == (1, 0, False, True)
    assert not answer(local, local, CoreKind.FIELD_EXISTS).is_missing


def test_modules_are_tried_only_when_the_kernel_has_no_candidate() -> None:
    local_writer = BtfWriter()
    i = local_writer.integer("int", 4)
    local_writer.struct("s", 8, [("a", i, 32)])
    local = Btf.parse(local_writer.build())
    base_writer = BtfWriter()
    base_writer.integer("int", 4)
    module_writer = BtfWriter(base=base_writer)
    module_writer.struct("s", 32, [("a", 1, 128)])
    base = Btf.parse(base_writer.build())
    module = Btf.parse(module_writer.build(), base=base)
    result = relocate(local, CoreRelocation(0, 2, "0:0", 0), [base, module])
    assert result.value == 16
    assert result.matched[0].btf is module
    base_writer.struct("s", 8, [("b", 1, 0)])
    kernel = Btf.parse(base_writer.build())
    assert relocate(local, CoreRelocation(0, 2, "0:0", 0), [kernel, module]).poison


def test_candidates_that_do_not_fit_are_dropped_for_later_relocations() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    w.struct("s", 8, [("a", i, 0), ("b", i, 32)])
    local = Btf.parse(w.build())
    w = BtfWriter()
    i = w.integer("int", 4)
    w.struct("s", 8, [("a", i, 0), ("b", i, 32)])
    w.struct("s___other", 8, [("b", i, 0)])
    target = Btf.parse(w.build())
    a, b = CoreRelocation(0, 2, "0:0", 0), CoreRelocation(8, 2, "0:1", 0)
    relocator = CoreRelocator(local, [target])
    assert [one.error for one in relocator.iter_results([a, b])] == [None, None]
    error = relocate(local, b, [target]).error
    assert error is not None
    assert "ambiguous" in error


@pytest.mark.parametrize(
    ("relocation", "message"),
    [
        (CoreRelocation(0, 2, "0:0", 99), "unknown kind 99"),
        (CoreRelocation(0, 2, "0:7", 0), "member 7"),
        (CoreRelocation(0, 2, "0:0:1", 0), "no members"),
        (CoreRelocation(0, 2, "0:0", CoreKind.TYPE_EXISTS), "access string"),
        (CoreRelocation(0, 77, "0:0", 0), "out of range"),
        (CoreRelocation(0, 2, "0", CoreKind.ENUMVAL_VALUE), "enumerator"),
        (CoreRelocation(0, 3, "0", CoreKind.TYPE_EXISTS), "anonymous"),
        (CoreRelocation(0, 0, "0", CoreKind.TYPE_EXISTS), "anonymous"),
    ],
)
def test_malformed_relocations_are_errors(relocation: CoreRelocation, message: str) -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    w.struct("s", 4, [("a", i, 0)])
    w.struct("", 4, [("a", i, 0)])
    btf = Btf.parse(w.build())
    error = relocate(btf, relocation, [btf]).error
    assert error is not None
    assert message in error


def test_local_type_id_needs_no_target() -> None:
    w = BtfWriter()
    w.struct("", 0)
    result = relocate(Btf.parse(w.build()), CoreRelocation(0, 1, "0", CoreKind.TYPE_ID_LOCAL), [])
    assert (result.value, result.validate, result.error) == (1, False, None)
    assert not result.is_missing


def test_specs_print_like_libbpf() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    inner = w.struct("", 8, [("x", w.array(i, i, 2), 0)])
    w.bitfields("outer", 16, [("", inner, 0, 0), ("bit", i, 67, 2)])
    w.enum("e", [("A", 5)])
    btf = Btf.parse(w.build())
    printed = [
        str(relocate(btf, CoreRelocation(0, type_id, access, kind), [btf]).spec)
        for type_id, access, kind in ((4, "0:0:0:1", 0), (4, "1:1", 4), (4, "0", 8), (5, "0", 11))
    ]
    assert printed == [
        "<byte_off> [4] struct outer.x[1] (0:0:0:1 @ offset 4)",
        "<lshift_u64> [4] struct outer[1].bit (1:1 @ offset 24.3)",
        "<type_exists> [4] struct outer",
        "<enumval_value> [5] enum e::A = 5",
    ]


def test_required_types() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    w.struct("task___old", 8, [("pid", i, 0), ("", w.next_id + 1, 32)])
    w.struct("", 4, [("x", i, 0)])
    w.enum64("e", [("A", 1)])
    w.typedef("t", i)
    relocations = [
        CoreRelocation(0, 2, "0:0", CoreKind.FIELD_BYTE_OFFSET),
        CoreRelocation(8, 2, "0:0", CoreKind.FIELD_EXISTS),
        CoreRelocation(16, 2, "0:1:0", CoreKind.FIELD_BYTE_SIZE),
        CoreRelocation(24, 4, "0", CoreKind.ENUMVAL_VALUE),
        CoreRelocation(32, 5, "0", CoreKind.TYPE_SIZE),
        CoreRelocation(40, 2, "0", CoreKind.TYPE_ID_LOCAL),
        CoreRelocation(48, 2, "0:9", CoreKind.FIELD_EXISTS),
        CoreRelocation(56, 99, "0", CoreKind.TYPE_SIZE),
    ]
    required = requires_types(Btf.parse(w.build()), relocations)
    assert [str(one) for one in required] == [
        "enum e::A", "struct task.pid", "struct task.x", "typedef t",
    ]  # fmt: skip
    assert [one.is_optional for one in required] == [False, True, False, False]
    assert required[1].kinds == (CoreKind.FIELD_BYTE_OFFSET, CoreKind.FIELD_EXISTS)
    assert required[1].flavours == ("task___old",)


def test_minimal_btf_keeps_only_what_is_reached() -> None:
    w = BtfWriter("big")
    i = w.integer("int", 4)
    w.integer("unused", 8)
    inner = w.struct("inner", 8, [("x", i, 0), ("y", i, 32)])
    array = w.array(w.const(w.typedef("alias", inner)), i, 4)
    pointer = w.ptr(w.struct("pointed", 4, [("z", i, 0)]))
    anonymous = w.struct("", 40, [("list", array, 32)])
    members = [("", anonymous, 0, 0), ("p", pointer, 320, 0), ("bit", i, 390, 3), ("q", i, 416, 0)]
    w.bitfields("s", 64, members)
    target = Btf.parse(w.build())
    root = target.find("s")
    assert root is not None
    relocator = CoreRelocator(target, [target])
    accesses = ("0:0:0:2:1", "0:1", "0:2")
    results = [relocator.relocate(CoreRelocation(0, root, text, 0)) for text in accesses]
    small = Btf.parse(minimal_btf(target, results))
    assert small.byte_order == "big"
    assert "\n".join(iter_raw(small)) == (
        "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=(none)\n"
        "[2] STRUCT 'inner' size=8 vlen=1\n"
        "\t'y' type_id=1 bits_offset=32\n"
        "[3] TYPEDEF 'alias' type_id=2\n"
        "[4] CONST '(anon)' type_id=3\n"
        "[5] ARRAY '(anon)' type_id=4 index_type_id=1 nr_elems=4\n"
        "[6] PTR '(anon)' type_id=0\n"
        "[7] STRUCT '(anon)' size=40 vlen=1\n"
        "\t'list' type_id=5 bits_offset=32\n"
        "[8] STRUCT 's' size=64 vlen=3\n"
        "\t'(anon)' type_id=7 bits_offset=0\n"
        "\t'p' type_id=6 bits_offset=320\n"
        "\t'bit' type_id=1 bits_offset=390 bitfield_size=3"
    )
    for text, before in zip(("0:0:0:2:0", "0:1", "0:2"), results, strict=True):
        after = CoreRelocator(small, [small]).relocate(CoreRelocation(0, 8, text, 0))
        assert (after.value, after.error) == (before.value, None)


def insn(order: str, opcode: int, *, regs: int = 0, off: int = 0, imm: int = 0) -> bytes:
    return struct.pack(("<" if order == "little" else ">") + "BBhi", opcode, regs, off, imm)


FIELD = CoreResult(CoreKind.FIELD_BYTE_OFFSET, original=4, value=12)


@pytest.mark.parametrize("order", ["little", "big"])
def test_patching(order: str) -> None:
    byte_order: ByteOrder = "little" if order == "little" else "big"
    cases = {
        insn(order, 0xB7, imm=4): insn(order, 0xB7, imm=12),
        insn(order, 0x61, regs=0x12, off=4): insn(order, 0x61, regs=0x12, off=12),
        insn(order, 0x18, imm=4) + insn(order, 0): insn(order, 0x18, imm=12) + insn(order, 0),
    }
    for before, after in cases.items():
        assert patch_insn(before + b"rest", FIELD, byte_order).insns == after
    poison = insn(order, 0x85, imm=POISON_IMM)
    for before in cases:
        patch = patch_insn(before, FIELD._replace(poison=True), byte_order)
        assert (patch.insns, patch.poisoned) == (poison * (len(before) // 8), True)
    resized = FIELD._replace(original_size=4, size=8)
    assert patch_insn(insn(order, 0x61, off=4), resized, byte_order).insns[0] == 0x79
    refused = resized._replace(refuse_resize=True)
    assert patch_insn(insn(order, 0x61, off=4), refused, byte_order).insns == poison
    big = CoreResult(CoreKind.ENUMVAL_VALUE, original=0, value=0x1_0000_0002)
    patched = patch_insn(insn(order, 0x18) + insn(order, 0), big, byte_order).insns
    assert patched == insn(order, 0x18, imm=2) + insn(order, 0, imm=1)


@pytest.mark.parametrize(
    ("code", "result", "message"),
    [
        (insn("little", 0xBF), FIELD, "no immediate"),
        (insn("little", 0xB7, imm=5), FIELD, "holds 5, expected 4"),
        (insn("little", 0x61, off=5), FIELD, "holds 5, expected 4"),
        (insn("little", 0x61, off=4), FIELD._replace(value=0x8000), "does not fit"),
        (insn("little", 0x61, off=4), FIELD._replace(original_size=8, size=4), "accesses 4 bytes"),
        (insn("little", 0x61, off=4), FIELD._replace(original_size=4, size=3), "3 bytes"),
        (insn("little", 0x85), FIELD, "cannot be relocated"),
        (insn("little", 0x30), FIELD, "cannot be relocated"),
        (insn("little", 0x18, imm=4), FIELD, "cut off"),
        (insn("little", 0x18, imm=5) + bytes(8), FIELD, "holds 5"),
        (insn("little", 0x18, regs=0x10, imm=4) + bytes(8), FIELD, "unexpected form"),
        (b"\xb7", FIELD, "cut off"),
        (b"", FIELD, "cut off"),
        (insn("little", 0xB7), CoreResult(None, error="no such field"), "no such field"),
    ],
)
def test_instructions_that_cannot_be_patched(code: bytes, result: CoreResult, message: str) -> None:
    patch = patch_insn(code, result, "little")
    assert patch.error is not None
    assert message in patch.error
    assert patch.insns == code[:16]


def test_hostile_nesting_ends() -> None:
    w = BtfWriter()
    last = w.integer("int", 4)
    for _ in range(60):
        last = w.struct("", 4, [("", last, 0), ("", last, 0)])
    w.struct("s", 4, [("", last, 0)])
    target = Btf.parse(w.build())
    result = answer(field("little", 0, 0), target, CoreKind.FIELD_BYTE_OFFSET)
    assert result.error is not None


_RELOCATIONS = st.tuples(
    st.integers(0, 25),
    st.sampled_from(["0", "0:0", "0:1", "0:0:0", "1:1:1", "0:1:2:3", "x", ""]),
    st.integers(0, 13),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(_RELOCATIONS, min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(24, 1 << 10), st.integers(0, 255)), max_size=12),
)
def test_any_relocation_on_damaged_types(
    relocations: list[tuple[int, str, int]], edits: list[tuple[int, int]]
) -> None:
    blob = every_kind("little")[0].build()
    raw = bytearray(blob)
    for at, value in edits:
        raw[at % len(raw)] = value
    local = Btf.parse(blob)
    with suppress(EbpfStaticError):
        target = Btf.parse(bytes(raw))
        for one, other in ((local, target), (target, local), (target, target)):
            relocator = CoreRelocator(one, [other])
            for type_id, access, kind in relocations:
                result = relocator.relocate(CoreRelocation(0, type_id, access, kind))
                patch_insn(insn("little", 0xB7), result, "little")
                if result.spec is not None:
                    assert "<" in str(result.spec)
