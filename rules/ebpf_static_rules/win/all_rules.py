"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.win.win019_big_endian_object import BigEndianObject

RULES: tuple[type[Rule], ...] = (
    BigEndianObject,
)
