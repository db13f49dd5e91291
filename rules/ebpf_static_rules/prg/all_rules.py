"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.prg.prg001_section_unknown import SectionUnknown
from ebpf_static_rules.prg.prg002_program_static import ProgramStatic
from ebpf_static_rules.prg.prg003_program_name_duplicate import ProgramNameDuplicate
from ebpf_static_rules.prg.prg004_program_unnamed import ProgramUnnamed
from ebpf_static_rules.prg.prg101_program_type_unsupported import ProgramTypeUnsupported
from ebpf_static_rules.prg.prg102_attach_type_unsupported import AttachTypeUnsupported
from ebpf_static_rules.prg.prg103_attach_target_missing import AttachTargetMissing
from ebpf_static_rules.prg.prg201_program_type_unavailable import ProgramTypeUnavailable
from ebpf_static_rules.prg.prg202_attach_type_unavailable import AttachTypeUnavailable
from ebpf_static_rules.prg.prg203_attach_target_not_in_kernel import AttachTargetNotInKernel
from ebpf_static_rules.prg.prg204_attach_target_unset import AttachTargetUnset
from ebpf_static_rules.prg.prg205_program_flag_unavailable import ProgramFlagUnavailable
from ebpf_static_rules.prg.prg206_program_limit_exceeded import ProgramLimitExceeded

RULES: tuple[type[Rule], ...] = (
    SectionUnknown,
    ProgramStatic,
    ProgramNameDuplicate,
    ProgramUnnamed,
    ProgramTypeUnsupported,
    AttachTypeUnsupported,
    AttachTargetMissing,
    ProgramTypeUnavailable,
    AttachTypeUnavailable,
    AttachTargetNotInKernel,
    AttachTargetUnset,
    ProgramFlagUnavailable,
    ProgramLimitExceeded,
)
