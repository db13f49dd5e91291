from __future__ import annotations

import pickle
import struct

import pytest

from ebpf_static.btf import Btf, Kind
from ebpf_static.btf import types as t
from ebpf_static.errors import FormatError, LimitError
from tests.build.btf_writer import BtfWriter

ORDERS = ("little", "big")


def every_kind(order: str) -> tuple[BtfWriter, dict[str, int]]:
    """One type of each kind; ids by a short name."""
    w = BtfWriter(order)
    ids: dict[str, int] = {}
    ids["int"] = i = w.integer("int", 4, encoding=1)
    ids["ptr"] = w.ptr(i)
    ids["array"] = w.array(i, i, 16)
    ids["struct"] = s = w.struct("s", 8, [("a", i, 0), ("b", i, 32)])
    ids["union"] = w.struct("u", 4, [("", i, 0)], union=True)
    ids["enum"] = w.enum("e", [("NEG", -1), ("POS", 7)], signed=True)
    ids["fwd"] = w.fwd("later", union=True)
    ids["typedef"] = td = w.typedef("myint", i)
    ids["volatile"] = w.volatile(td)
    ids["const"] = w.const(ids["volatile"])
    ids["restrict"] = w.restrict(ids["ptr"])
    ids["proto"] = p = w.func_proto(i, [("x", i), ("", 0)])
    ids["func"] = w.func("f", p, linkage=2)
    ids["var"] = v = w.var("v", ids["array"], linkage=1)
    ids["datasec"] = w.datasec(".data", 64, [(v, 0, 64)])
    ids["float"] = w.floating("double", 8)
    ids["decl_tag"] = w.decl_tag("tagged", s, 1)
    ids["type_tag"] = w.type_tag("user", i)
    ids["enum64"] = w.enum64("e64", [("BIG", 1 << 40), ("TOP", (1 << 64) - 1)])
    ids["bits"] = w.bitfields("bits", 4, [("lo", i, 0, 3), ("hi", i, 3, 5)])
    return w, ids


@pytest.mark.parametrize("order", ORDERS)
def test_every_kind_reads_back(order: str) -> None:
    w, ids = every_kind(order)
    btf = Btf.parse(w.build())
    assert btf.byte_order == order
    assert len(btf) == len(ids) + 1
    i, s = ids["int"], ids["struct"]
    expected: list[t.BtfType] = [
        t.Int(i, "int", 4, 1, 0, 32),
        t.Ptr(ids["ptr"], "", i),
        t.Array(ids["array"], "", i, i, 16),
        t.Struct(s, "s", 8, (t.Member("a", i, 0, 0), t.Member("b", i, 32, 0)), kflag=False),
        t.Union(ids["union"], "u", 4, (t.Member("", i, 0, 0),), kflag=False),
        t.Enum(ids["enum"], "e", 4, True, (t.EnumValue("NEG", -1), t.EnumValue("POS", 7))),
        t.Fwd(ids["fwd"], "later", is_union=True),
        t.Typedef(ids["typedef"], "myint", i),
        t.Volatile(ids["volatile"], "", ids["typedef"]),
        t.Const(ids["const"], "", ids["volatile"]),
        t.Restrict(ids["restrict"], "", ids["ptr"]),
        t.FuncProto(ids["proto"], "", i, (t.Param("x", i), t.Param("", 0))),
        t.Func(ids["func"], "f", ids["proto"], 2),
        t.Var(ids["var"], "v", ids["array"], 1),
        t.Datasec(ids["datasec"], ".data", 64, (t.SectionVar(ids["var"], 0, 64),)),
        t.Float(ids["float"], "double", 8),
        t.DeclTag(ids["decl_tag"], "tagged", s, 1, kflag=False),
        t.TypeTag(ids["type_tag"], "user", i, kflag=False),
        t.Enum64(
            ids["enum64"], "e64", 8, False,
            (t.EnumValue("BIG", 1 << 40), t.EnumValue("TOP", (1 << 64) - 1)),
        ),
        t.Struct(
            ids["bits"], "bits", 4, (t.Member("lo", i, 0, 3), t.Member("hi", i, 3, 5)), kflag=True
        ),
    ]  # fmt: skip
    got = list(btf.iter_types())
    assert got == expected
    assert [type(one) for one in got] == [type(one) for one in expected]
    for one in got:
        assert btf.type(one.id) == one
        assert btf.kind(one.id) == one.kind
        assert btf.name(one.id) == one.name
    assert {one.kind for one in got} == set(Kind) - {Kind.VOID}


def test_void_is_type_0() -> None:
    btf = Btf.parse(BtfWriter().build())
    assert btf.type(0) == t.Void()
    assert (btf.kind(0), btf.name(0), len(btf), list(btf.iter_types())) == (0, "", 1, [])


def test_find_by_name_and_kind() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    a, b = w.struct("twice", 4, [("x", i, 0)]), w.typedef("twice", 2)
    w.func_proto(0)
    btf = Btf.parse(w.build())
    assert btf.find("twice") == a
    assert btf.find("twice", Kind.TYPEDEF) == b
    assert btf.find("twice", Kind.ENUM) is None
    assert btf.find_all("twice") == (a, b)
    assert btf.find("") is None
    assert btf.find("wice") is None
    assert btf.find("twice\0") is None
    assert btf.find("\udc80") is None
    assert btf.find("\ud800") is None
    assert btf.find("absent") is None


def test_find_sees_names_that_are_tails_of_strings() -> None:
    w = BtfWriter()
    w.integer("unsigned_int", 4)
    raw = bytearray(w.build())
    tail = 1 + len("unsigned_")
    raw[24:28] = tail.to_bytes(4, "little")
    btf = Btf.parse(bytes(raw))
    assert btf.name(1) == "int"
    assert btf.find("int") == 1
    assert btf.find("unsigned_int") is None


def test_find_with_more_repeats_of_a_string_than_types() -> None:
    w = BtfWriter()
    one = w.integer("a", 4)
    w._strings += b"a\0" * 1000
    assert Btf.parse(w.build()).find_all("a") == (one,)


@pytest.mark.parametrize("crowd", [0, 300])
def test_find_flavours(crowd: int) -> None:
    w = BtfWriter()
    names = ["foo", "foo___a", "foobar___b", "foo___a___b", "foo____c", "xfoo___d", "foo___", "fo"]
    ids = {name: w.struct(name, 0) for name in names}
    for number in range(crowd):
        w.struct(f"x{number}___y", 0)
        w.struct(f"tail{number}foo", 0)
    btf = Btf.parse(w.build())
    assert btf.find_flavours("foo") == tuple(
        ids[name] for name in ("foo", "foo___a", "foo___a___b", "foo____c", "foo___")
    )
    assert btf.find_flavours("foo___a") == (ids["foo___a"], ids["foo___a___b"])
    assert btf.find_flavours("foo_") == (ids["foo____c"],)
    assert btf.find_flavours("") == btf.find_flavours("\ud800") == ()


def test_find_flavours_on_a_base() -> None:
    base_writer = BtfWriter()
    below = base_writer.struct("foo___a", 0)
    w = BtfWriter(base=base_writer)
    own = w.struct("foo", 0)
    again = w.typedef("foo___a", 0)
    btf = Btf.parse(w.build(), base=Btf.parse(base_writer.build()))
    assert btf.find_flavours("foo") == (below, own, again)


def test_sizes_and_alignments() -> None:
    w = BtfWriter()
    i, long_, char = w.integer("int", 4), w.integer("long", 8), w.integer("char", 1)
    inner = w.array(char, i, 3)
    outer = w.array(inner, i, 5)
    empty = w.array(outer, i, 0)
    pointer = w.ptr(0)
    const = w.const(w.typedef("alias", w.type_tag("user", outer)))
    var = w.var("v", const)
    packed = w.struct("packed", 12, [("c", char, 0), ("l", long_, 8)])
    odd = w.struct("odd", 5, [("i", i, 0), ("c", char, 32)])
    plain = w.struct("plain", 16, [("c", char, 0), ("l", long_, 64)])
    fwd, proto = w.fwd("f"), w.func_proto(0)
    enum64 = w.enum64("e", [])
    btf = Btf.parse(w.build())
    sizes = [btf.size_of(one) for one in (outer, empty, pointer, const, var, packed, enum64)]
    assert sizes == [15, 0, 8, 15, 15, 12, 8]
    assert [btf.align_of(one) for one in (outer, pointer, packed, odd, plain)] == [1, 8, 1, 1, 8]
    assert btf.resolve(const) == outer
    for sizeless in (0, fwd, proto):
        with pytest.raises(FormatError, match="no size"):
            btf.size_of(sizeless)
        with pytest.raises(FormatError, match="no alignment"):
            btf.align_of(sizeless)


def test_pointer_size_follows_long() -> None:
    w = BtfWriter()
    w.integer("long unsigned int", 4)
    pointer = w.ptr(0)
    assert Btf.parse(w.build()).size_of(pointer) == 4
    assert Btf.parse(w.build(), pointer_size=8).size_of(pointer) == 8


def test_array_of_4_gib_is_an_error() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    big = w.array(w.array(i, i, 1 << 20), i, 1 << 20)
    with pytest.raises(FormatError, match="4 GiB"):
        Btf.parse(w.build()).size_of(big)


@pytest.mark.parametrize("kind", [8, 9, 10, 11, 18])
def test_cycles_end_in_an_error(kind: int) -> None:
    w = BtfWriter()
    w.record(kind, "loop", 2)
    w.record(kind, "loop", 1)
    array = w.array(3, 1, 2)
    struct_ = w.struct("self", 4, [("me", 4, 0)])
    btf = Btf.parse(w.build())
    for call in (btf.resolve, btf.size_of, btf.align_of):
        with pytest.raises(FormatError, match="cycle"):
            call(1)
    with pytest.raises(FormatError, match="cycle"):
        btf.size_of(array)
    with pytest.raises(FormatError, match="cycle"):
        btf.align_of(struct_)


def test_nested_structs_do_not_cost_exponential_time() -> None:
    w = BtfWriter()
    last = w.integer("int", 4)
    for level in range(40):
        last = w.struct(f"s{level}", 8, [("a", last, 0), ("b", last, 32)])
    assert Btf.parse(w.build()).align_of(last) == 4


@pytest.mark.parametrize("order", ORDERS)
def test_split_btf_continues_its_base(order: str) -> None:
    base_writer = BtfWriter(order)
    i = base_writer.integer("int", 4)
    base_writer.struct("shared", 4, [("x", i, 0)])
    w = BtfWriter(order, base=base_writer)
    own = w.struct("shared", 8, [("y", i, 0), ("z", i, 32)])
    only = w.typedef("int", own)
    w._strings += b"tail\0"
    base = Btf.parse(base_writer.build())
    btf = Btf.parse(w.build(), base=base)
    assert (btf.start_id, len(btf), only) == (3, 5, 4)
    assert btf.find_all("shared") == (2, 3)
    assert btf.find("shared") == 2
    assert btf.name(3) == "shared"
    assert btf.type(i) == base.type(i)
    assert btf.size_of(only) == 8
    assert [one.id for one in btf.iter_types()] == [1, 2, 3, 4]
    assert [one.id for one in btf.iter_types(own=True)] == [3, 4]
    assert btf.type_offset(1) == base.type_offset(1) == 24
    assert btf.type_offset(3) == 24
    with pytest.raises(FormatError, match=r"out of range \(0..4\)"):
        btf.type(5)


def test_split_btf_of_another_byte_order_is_refused() -> None:
    base = Btf.parse(BtfWriter("little").build())
    with pytest.raises(FormatError, match="big-endian BTF on a little-endian base"):
        Btf.parse(BtfWriter("big").build(), base=base)


def test_layout_section_steps_over_unknown_kinds() -> None:
    w = BtfWriter()
    w.integer("int", 4)
    new = w.record(21, "new", 5, vlen=2, payload=bytes(4 + 2 * 8))
    last = w.typedef("last", 1)
    rows = [(0, 0)] * 21 + [(4, 8)]
    btf = Btf.parse(w.build(layout=rows))
    found = btf.type(new)
    assert isinstance(found, t.Unknown)
    assert (found.kind, found.name, found.size_or_type) == (21, "new", 5)
    assert btf.name(last) == "last"
    with pytest.raises(FormatError, match="kind 21 is unknown") as err:
        Btf.parse(w.build())
    assert err.value.offset == 24 + 16


def test_wide_vlen_and_kind_are_told_from_use() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    assert not Btf.parse(w.build()).uses_wide_info
    params = [("", i)] * 0x10001
    wide = w.func_proto(0, params)
    btf = Btf.parse(w.build())
    assert btf.uses_wide_info
    assert btf.vlen(wide) == 0x10001


def test_names_that_are_not_utf8_survive() -> None:
    w = BtfWriter()
    one = w.struct("", 0)
    two = w.record(4, b"\xff\xfe", 0)
    btf = Btf.parse(w.build())
    assert btf.name(one) == ""
    assert btf.name(two).encode("utf-8", "surrogateescape") == b"\xff\xfe"
    assert btf.find(btf.name(two)) == two


def test_equality_hash_and_pickle() -> None:
    base_writer = BtfWriter()
    base_writer.integer("int", 4)
    base = Btf.parse(base_writer.build())
    w = BtfWriter(base=base_writer)
    w.ptr(1)
    btf = Btf.parse(w.build(), base=base, where="mod")
    again = Btf.parse(w.build(), base=Btf.parse(base_writer.build()))
    assert btf == again
    assert hash(btf) == hash(again)
    assert btf != base
    assert btf != 1
    thawed = pickle.loads(pickle.dumps(btf))
    assert thawed == btf
    assert list(thawed.iter_types()) == list(btf.iter_types())


def test_decl_tags_by_component() -> None:
    w = BtfWriter()
    i = w.integer("int", 4)
    s = w.struct("s", 4, [("a", i, 0)])
    w.decl_tag("whole", s)
    w.decl_tag("second", s)
    w.decl_tag("field", s, 0)
    btf = Btf.parse(w.build())
    assert btf.decl_tags(s) == ("whole", "second")
    assert btf.decl_tags(s, 0) == ("field",)
    assert btf.decl_tags(i) == ()


def _header(**changes: int) -> bytes:
    fields = {"magic": 0xEB9F, "version": 1, "flags": 0, "hdr_len": 24, "type_off": 0,
              "type_len": 12, "str_off": 12, "str_len": 1} | changes  # fmt: skip
    return struct.pack("<HBBIIIII", *fields.values()) + struct.pack("<III", 0, 2 << 24, 0) + b"\0"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no BTF magic"),
        (b"\x9f\xeb\x01\x00", "header cut off"),
        (_header(version=2), "version 2"),
        (_header(hdr_len=23), "header length 23"),
        (_header(hdr_len=1 << 31), "header length"),
        (_header(type_len=16), "type section overlaps"),
        (_header(type_len=10), "aligned"),
        (_header(type_off=2), "aligned"),
        (_header(str_len=2), "string section ends 1 bytes after"),
        (_header(str_off=0xFFFFFFFF), "string section ends"),
        (_header(str_len=0), "string section is empty"),
        (_header()[:-1] + b"x", "zero byte"),
        (_header(type_len=8, str_off=8, str_len=5), "cut off"),
    ],
)
def test_malformed_headers(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message) as err:
        Btf.parse(data, file_offset=0x40)
    assert err.value.offset is not None
    assert err.value.offset >= 0x40


def test_expected_byte_order_is_insisted_on() -> None:
    with pytest.raises(FormatError, match="little-endian, expected big-endian"):
        Btf.parse(_header(), byte_order="big")


def test_a_name_out_of_range_names_the_type_and_its_offset() -> None:
    w = BtfWriter()
    w.integer("int", 4)
    raw = bytearray(w.build())
    raw[24:28] = b"\xff\xff\0\0"
    btf = Btf.parse(bytes(raw), file_offset=100)
    with pytest.raises(FormatError, match=r"type 1: string offset 65535") as err:
        btf.type(1)
    assert err.value.offset == 124


def test_overlapping_long_names_are_bounded() -> None:
    w = BtfWriter()
    w._strings += b"x" * 4000 + b"\0"
    for _ in range(3000):
        w.struct("", 0)
    raw = bytearray(w.build())
    for number in range(3000):
        raw[24 + 12 * number : 28 + 12 * number] = (1 + number).to_bytes(4, "little")
    with pytest.raises(LimitError, match="overlap"):
        list(Btf.parse(bytes(raw)).iter_types())


def test_a_name_longer_than_the_limit() -> None:
    w = BtfWriter()
    w.struct("x" * 5000, 0)
    with pytest.raises(LimitError, match="longer than 4096"):
        Btf.parse(w.build()).name(1)
