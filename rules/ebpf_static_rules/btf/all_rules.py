"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.btf.btf001_btf_malformed import BtfMalformed
from ebpf_static_rules.btf.btf002_btf_ext_malformed import BtfExtMalformed
from ebpf_static_rules.btf.btf003_maps_without_btf import MapsWithoutBtf
from ebpf_static_rules.btf.btf101_btf_invalid_for_kernel import BtfInvalidForKernel
from ebpf_static_rules.btf.btf102_btf_kind_unknown_to_target import BtfKindUnknownToTarget
from ebpf_static_rules.btf.btf103_core_without_btf_ext import CoreWithoutBtfExt
from ebpf_static_rules.btf.btf104_kernel_structure_access_without_core import (
    KernelStructureAccessWithoutCore,
)
from ebpf_static_rules.btf.btf105_debug_info_missing import DebugInfoMissing

RULES: tuple[type[Rule], ...] = (
    BtfMalformed,
    BtfExtMalformed,
    MapsWithoutBtf,
    BtfInvalidForKernel,
    BtfKindUnknownToTarget,
    CoreWithoutBtfExt,
    KernelStructureAccessWithoutCore,
    DebugInfoMissing,
)
