"""Any bytes give a BTF or an error of ours; walking whatever was accepted does too."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf_static.btf import Btf, BtfExt
from ebpf_static.errors import EbpfStaticError
from tests.btf.test_ext import sample
from tests.btf.test_reader import every_kind

_BLOBS = [every_kind(order)[0].build() for order in ("little", "big")]
_BLOBS.append(every_kind("little")[0].build(layout=[(0, 0)] * 25))
_EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 12), st.sampled_from([0, 1, 2, 4, 0x7F, 0x80, 0xFE, 0xFF])),
    max_size=8,
)


def _mutated(data: bytes, edits: list[tuple[int, int]], cut: int) -> bytes:
    raw = bytearray(data)
    for at, value in edits:
        raw[at % len(raw)] = value
    return bytes(raw[: len(raw) - cut])


def _walk(btf: Btf) -> None:
    for type_id in range(min(len(btf) + 1, 500)):
        for call in (btf.type, btf.name, btf.kind, btf.resolve, btf.size_of, btf.align_of,
                     btf.decl_tags, btf.type_offset):  # fmt: skip
            with suppress(EbpfStaticError):
                call(type_id)
    for name in ("int", "s", ""):
        btf.find_all(name)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_BLOBS), _EDITS, st.integers(0, 40))
def test_mutated_btf(blob: bytes, edits: list[tuple[int, int]], cut: int) -> None:
    try:
        btf = Btf.parse(_mutated(blob, edits, cut))
    except EbpfStaticError:
        return
    _walk(btf)
    with suppress(EbpfStaticError):
        assert len(list(btf.iter_types())) == len(btf) - 1


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_after_the_magic(data: bytes) -> None:
    for start in (b"\x9f\xeb\x01\0\x18\0\0\0", b""):
        with suppress(EbpfStaticError):
            _walk(Btf.parse(start + data))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(("little", "big")), _EDITS, st.integers(0, 40))
def test_mutated_btf_ext(order: str, edits: list[tuple[int, int]], cut: int) -> None:
    btf, raw = sample(order)
    try:
        ext = BtfExt.parse(_mutated(raw, edits, cut), btf)
    except EbpfStaticError:
        return
    for section in ext.sections:
        ext.func_infos(section)
        with suppress(EbpfStaticError):
            ext.core_relocations(section)
            ext.line_for(section, 16)
