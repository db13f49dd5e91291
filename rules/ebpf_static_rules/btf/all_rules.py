"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.btf.btf001_btf_malformed import BtfMalformed
from ebpf_static_rules.btf.btf002_btf_ext_malformed import BtfExtMalformed
from ebpf_static_rules.btf.btf003_maps_without_btf import MapsWithoutBtf

RULES: tuple[type[Rule], ...] = (
    BtfMalformed,
    BtfExtMalformed,
    MapsWithoutBtf,
)
