"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.sop.sop201_struct_ops_type_missing import StructOpsTypeMissing
from ebpf_static_rules.sop.sop202_struct_ops_member_mismatch import StructOpsMemberMismatch
from ebpf_static_rules.sop.sop203_struct_ops_program_unplaced import StructOpsProgramUnplaced

RULES: tuple[type[Rule], ...] = (
    StructOpsTypeMissing,
    StructOpsMemberMismatch,
    StructOpsProgramUnplaced,
)
