"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.plt.plt001_windows_tag_missing import WindowsTagMissing
from ebpf_static_rules.plt.plt002_windows_tag_contradicted import WindowsTagContradicted
from ebpf_static_rules.plt.plt003_platform_mismatch import PlatformMismatch
from ebpf_static_rules.plt.plt004_platform_evidence_mixed import PlatformEvidenceMixed
from ebpf_static_rules.plt.plt005_windows_tag_malformed import WindowsTagMalformed
from ebpf_static_rules.plt.plt006_platform_unknown import PlatformUnknown

RULES: tuple[type[Rule], ...] = (
    WindowsTagMissing,
    WindowsTagContradicted,
    PlatformMismatch,
    PlatformEvidenceMixed,
    WindowsTagMalformed,
    PlatformUnknown,
)
