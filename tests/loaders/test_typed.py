"""Values through types: what goes in comes out, and what does not fit is refused."""

from __future__ import annotations

import struct

import pytest

import ebpf_static as es
from ebpf_static.btf import Btf
from ebpf_static_loaders.typed import decode, encode
from tests.build.btf_writer import BtfWriter

SIGNED, CHAR, BOOL = 1, 2, 4


class Types:
    """A few types, by name."""

    def __init__(self, byte_order: str = "little") -> None:
        w = BtfWriter(byte_order)
        self.u32 = w.integer("unsigned int", 4)
        self.s16 = w.integer("short", 2, encoding=SIGNED)
        self.char = w.integer("char", 1, encoding=SIGNED)
        self.bool = w.integer("_Bool", 1, encoding=BOOL)
        self.name = w.array(self.char, self.u32, 6)
        self.trio = w.array(self.s16, self.u32, 3)
        members = [("word", self.u32, 0), ("half", self.s16, 0)]
        self.inner = w.struct("", 4, members, union=True)
        self.flow = w.struct(
            "flow", 24,
            [("port", self.u32, 0), ("", self.inner, 32), ("up", self.bool, 64),
             ("name", self.name, 72), ("deltas", self.trio, 128)],
        )  # fmt: skip
        self.bits = w.bitfields("bits", 4, [("low", self.u32, 0, 3), ("high", self.u32, 3, 12)])
        self.color = w.enum("color", [("RED", 1), ("BLUE", 2)])
        self.btf = Btf.parse(w.build())


@pytest.fixture(params=["little", "big"])
def types(request: pytest.FixtureRequest) -> Types:
    return Types(request.param)


def test_a_struct_is_a_dictionary(types: Types) -> None:
    value = {
        "port": 443, "word": 0x10002, "up": True, "name": b"eth0\0\0", "deltas": [1, -2, 3],
    }  # fmt: skip
    raw = encode(types.btf, types.flow, value)
    assert len(raw) == 24
    back = decode(types.btf, types.flow, raw)
    assert back | {"half": 0} == value | {"half": 0}
    assert back["half"] == (2 if types.btf.byte_order == "little" else 1)
    assert encode(types.btf, types.flow, back | {"half": back["half"]})[:4] == raw[:4]


def test_what_is_left_out_is_zero(types: Types) -> None:
    raw = encode(types.btf, types.flow, {"name": "lo", "deltas": [7]})
    back = decode(types.btf, types.flow, raw)
    assert (back["port"], back["up"], back["name"]) == (0, False, b"lo\0\0\0\0")
    assert back["deltas"] == [7, 0, 0]


def test_bitfields(types: Types) -> None:
    value = {"low": 5, "high": 0xABC}
    raw = encode(types.btf, types.bits, value)
    assert decode(types.btf, types.bits, raw) == value
    if types.btf.byte_order == "little":
        assert struct.unpack("<I", raw) == (5 | 0xABC << 3,)
    with pytest.raises(es.UsageError, match="3 bits of `low`"):
        encode(types.btf, types.bits, {"low": 8})


def test_enumerators_by_name(types: Types) -> None:
    assert encode(types.btf, types.color, "BLUE") == encode(types.btf, types.color, 2)
    with pytest.raises(es.UsageError, match="no enumerator `GREEN`"):
        encode(types.btf, types.color, "GREEN")


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("u32", 1 << 32, "does not fit 4 bytes"),
        ("u32", "many", "is no value of"),
        ("flow", 5, "takes a dictionary"),
        ("flow", {"prot": 1}, "no member `prot`"),
        ("trio", [1, 2, 3, 4], "an array of 3"),
        ("name", b"too long", "8 bytes for a type of 6"),
    ],
)
def test_what_does_not_fit(types: Types, kind: str, value: object, words: str) -> None:
    with pytest.raises(es.UsageError, match=words):
        encode(types.btf, getattr(types, kind), value)


def test_too_few_bytes(types: Types) -> None:
    for kind in ("u32", "trio", "flow"):
        with pytest.raises(es.UsageError):
            decode(types.btf, getattr(types, kind), b"\0")
