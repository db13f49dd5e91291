"""The header: ``btf_parse_hdr``, ``btf_check_sec_info``, ``btf_parse_str_sec``."""

from __future__ import annotations

from ebpf_static.btf.header import LAYOUT_HEADER_BYTES, Header
from ebpf_static.btf.reader import Btf
from ebpf_static.btf.verify.rules import BtfProblem, KernelRules


def find_bad_header(btf: Btf, rules: KernelRules, *, by_loader: bool) -> BtfProblem | None:
    """Return what is wrong with the BTF as a whole."""
    what = _size_problem(btf, rules)
    if what is None and not by_loader:
        # libbpf writes the header anew when it changes anything, and lays the sections out itself.
        what = _layout_problem(btf.header, len(btf.raw))
    return None if what is None else BtfProblem(0, what)


def _size_problem(btf: Btf, rules: KernelRules) -> str | None:
    if len(btf.raw) > rules.data_bytes:
        return f"{len(btf.raw)} bytes, where {rules.data_bytes} are the most"
    if len(btf) <= 1:
        return "there is no type in it"
    if len(btf) - 1 > rules.types:
        return f"{len(btf) - 1} types, where {rules.types} are the most"
    if btf.header.str_len - 1 > rules.name_offset:
        return f"{btf.header.str_len} bytes of names, where {rules.name_offset + 1} are the most"
    return None


def _layout_problem(header: Header, size: int) -> str | None:
    if header.flags:
        return f"header flags {header.flags:#x} mean nothing"
    ends = sorted(
        (start, start + length)
        for start, length in (
            (header.type_off, header.type_len),
            (header.str_off, header.str_len),
            (header.layout_off, header.layout_len),
        )
        if length
    )
    expected = 0
    for start, end in ends:
        if start != expected:
            return f"section at {start} where {expected} is expected"
        expected = end
    if header.header_len + expected != size:
        return f"{size - header.header_len - expected} bytes after the last section"
    if header.header_len > LAYOUT_HEADER_BYTES:
        return f"header of {header.header_len} bytes"
    return None
