"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.rel.rel001_extern_unresolved import ExternUnresolved
from ebpf_static_rules.rel.rel002_core_without_btf import CoreWithoutBtf
from ebpf_static_rules.rel.rel003_call_into_function_body import CallIntoFunctionBody
from ebpf_static_rules.rel.rel004_call_outside_text import CallOutsideText
from ebpf_static_rules.rel.rel005_map_reference_unrelocated import MapReferenceUnrelocated
from ebpf_static_rules.rel.rel101_core_relocation_unmatched import CoreRelocationUnmatched
from ebpf_static_rules.rel.rel102_core_relocation_refused import CoreRelocationRefused
from ebpf_static_rules.rel.rel103_core_needs_btf import CoreNeedsBtf
from ebpf_static_rules.rel.rel201_extern_not_in_kernel import ExternNotInKernel
from ebpf_static_rules.rel.rel202_kconfig_refused import KconfigRefused
from ebpf_static_rules.rel.rel203_weak_extern_used import WeakExternUsed

RULES: tuple[type[Rule], ...] = (
    ExternUnresolved,
    CoreWithoutBtf,
    CallIntoFunctionBody,
    CallOutsideText,
    MapReferenceUnrelocated,
    CoreRelocationUnmatched,
    CoreRelocationRefused,
    CoreNeedsBtf,
    ExternNotInKernel,
    KconfigRefused,
    WeakExternUsed,
)
