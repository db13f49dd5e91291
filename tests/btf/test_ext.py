from __future__ import annotations

import pickle
import struct

import pytest

from ebpf_static.btf import Btf, BtfExt, CoreRelocation, FuncInfo, LineInfo
from ebpf_static.errors import FormatError, LimitError
from tests.build.btf_writer import BtfExtWriter, BtfWriter

ORDERS = ("little", "big")


def sample(order: str, *, header_len: int = 32, extra_words: int = 0) -> tuple[Btf, bytes]:
    w = BtfWriter(order)
    i = w.integer("int", 4)
    f = w.func("prog", w.func_proto(i))
    ext = BtfExtWriter(w)
    ext.func_info("xdp", 0, f)
    ext.func_info("tc", 0, f)
    ext.func_info("tc", 32, f)
    ext.line_info("xdp", 0, "a.c", "int prog(void)", (10, 3))
    ext.line_info("xdp", 24, "a.h", "  return 1;", (4000, 1023))
    ext.line_info("xdp", 16, "a.c", "  x++;", (11, 0))
    if header_len >= 32:
        ext.core_relo("xdp", 8, i, "0:1", 2)
    raw = ext.build(header_len=header_len, extra_words=extra_words)
    return Btf.parse(w.build()), raw


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("extra_words", [0, 3])
def test_records_by_section(order: str, extra_words: int) -> None:
    btf, raw = sample(order, extra_words=extra_words)
    ext = BtfExt.parse(raw, btf)
    assert ext.byte_order == order
    assert ext.sections == ("xdp", "tc")
    assert ext.func_infos("tc") == (FuncInfo(0, 3), FuncInfo(32, 3))
    assert ext.func_infos("other") == ()
    assert ext.core_relocations("xdp") == (CoreRelocation(8, 1, "0:1", 2),)
    assert ext.core_sections == ("xdp",)
    assert [(r.insn_offset, r.line, r.column) for r in ext.line_records("xdp")] == [
        (0, 10, 3), (24, 4000, 1023), (16, 11, 0),
    ]  # fmt: skip


def test_line_of_an_instruction_is_the_last_record_before_it() -> None:
    btf, raw = sample("little")
    ext = BtfExt.parse(raw, btf)
    assert ext.line_for("xdp", 0) == LineInfo("a.c", 10, 3, "int prog(void)")
    assert ext.line_for("xdp", 8) == ext.line_for("xdp", 0)
    assert ext.line_for("xdp", 16) == LineInfo("a.c", 11, 0, "  x++;")
    assert ext.line_for("xdp", 800) == LineInfo("a.h", 4000, 1023, "  return 1;")
    assert ext.line_for("xdp", -8) is None
    assert ext.line_for("tc", 0) is None


def test_the_short_header_has_no_core_relocations() -> None:
    btf, raw = sample("little", header_len=24)
    ext = BtfExt.parse(raw, btf)
    assert ext.core_sections == ()
    assert len(ext.line_records("xdp")) == 3


def test_pickle_keeps_everything() -> None:
    btf, raw = sample("little")
    ext = BtfExt.parse(raw, btf)
    assert pickle.loads(pickle.dumps(ext)).line_for("xdp", 0) == ext.line_for("xdp", 0)


def _ext(part: bytes, *, offset: int = 0, length: int | None = None, **header: int) -> bytes:
    fields = {"magic": 0xEB9F, "version": 1, "flags": 0, "hdr_len": 24} | header
    length = len(part) if length is None else length
    bounds = struct.pack("<IIII", offset, length, 0, 0)
    return struct.pack("<HBBI", *fields.values()) + bounds + part


def _words(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "magic"),
        (b"\x9f\xeb\x01", "cut off"),
        (_ext(b"", version=3), "version 3"),
        (_ext(b"", hdr_len=8), "header length 8"),
        (_ext(b"", hdr_len=1 << 30), "header length"),
        (_ext(_words(8, 0, 1, 0, 0), length=1 << 20), "out of bounds"),
        (_ext(_words(8, 0, 1, 0, 0), offset=2), "unaligned"),
        (_ext(_words(4, 0, 1, 0, 0)), "records of 4 bytes"),
        (_ext(_words(10, 0, 1, 0, 0)), "records of 10 bytes"),
        (_ext(_words(8, 0)), "section header cut off"),
        (_ext(_words(8, 0, 0)), "without records"),
        (_ext(_words(8, 0, 2, 0, 0)), "do not fit"),
        (_ext(_words(8, 0, 0xFFFFFFFF, 0, 0)), "do not fit"),
        (_ext(_words(8, 99, 1, 0, 0)), "string offset 99"),
    ],
)
def test_malformed_parts(data: bytes, message: str) -> None:
    btf = Btf.parse(BtfWriter().build())
    with pytest.raises(FormatError, match=message) as err:
        BtfExt.parse(data, btf, file_offset=0x100)
    assert err.value.offset is not None
    assert err.value.offset >= 0x100


def test_another_byte_order_than_its_btf() -> None:
    _, raw = sample("big")
    with pytest.raises(FormatError, match="big-endian, but its BTF is little-endian"):
        BtfExt.parse(raw, sample("little")[0])


def test_too_many_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebpf_static.btf.ext.MAX_INSNS", 3)
    btf, raw = sample("little")
    with pytest.raises(LimitError, match="too many records"):
        BtfExt.parse(raw, btf)
