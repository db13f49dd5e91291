"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.hlp.hlp101_helper_unknown import HelperUnknown
from ebpf_static_rules.hlp.hlp102_helper_number_means_other import HelperNumberMeansOther
from ebpf_static_rules.hlp.hlp201_helper_unavailable import HelperUnavailable
from ebpf_static_rules.hlp.hlp202_helper_not_for_program_type import HelperNotForProgramType
from ebpf_static_rules.hlp.hlp203_helper_map_mismatch import HelperMapMismatch
from ebpf_static_rules.hlp.hlp204_kfunc_not_for_program_type import KfuncNotForProgramType

RULES: tuple[type[Rule], ...] = (
    HelperUnknown,
    HelperNumberMeansOther,
    HelperUnavailable,
    HelperNotForProgramType,
    HelperMapMismatch,
    KfuncNotForProgramType,
)
