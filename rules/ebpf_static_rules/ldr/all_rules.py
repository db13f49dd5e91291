"""The rules of this family, listed for :func:`ebpf_static_rules.iter_classes`."""

from __future__ import annotations

from ebpf_static_rules.ldr.ldr001_loader_feature_missing import LoaderFeatureMissing
from ebpf_static_rules.ldr.ldr002_loader_map_type_missing import LoaderMapTypeMissing
from ebpf_static_rules.ldr.ldr003_loader_map_member_ignored import LoaderMapMemberIgnored
from ebpf_static_rules.ldr.ldr004_loader_section_undecided import LoaderSectionUndecided
from ebpf_static_rules.ldr.ldr005_loader_kernel_version_type_refused import (
    LoaderKernelVersionTypeRefused,
)

RULES = (
    LoaderFeatureMissing,
    LoaderMapTypeMissing,
    LoaderMapMemberIgnored,
    LoaderSectionUndecided,
    LoaderKernelVersionTypeRefused,
)
