"""The rules of this family, in code order."""

from __future__ import annotations

from ebpf_static.plugins import Rule
from ebpf_static_rules.ins.ins001_instruction_unknown import InstructionUnknown
from ebpf_static_rules.ins.ins002_instruction_reserved_field import InstructionReservedField
from ebpf_static_rules.ins.ins003_lddw_malformed import LddwMalformed
from ebpf_static_rules.ins.ins004_jump_out_of_range import JumpOutOfRange
from ebpf_static_rules.ins.ins005_program_falls_off_end import ProgramFallsOffEnd
from ebpf_static_rules.ins.ins006_code_unreachable import CodeUnreachable
from ebpf_static_rules.ins.ins007_frame_pointer_written import FramePointerWritten
from ebpf_static_rules.ins.ins008_empty_program import EmptyProgram
from ebpf_static_rules.ins.ins009_program_too_large import ProgramTooLarge
from ebpf_static_rules.ins.ins010_register_unknown import RegisterUnknown
from ebpf_static_rules.ins.ins011_stack_access_out_of_bounds import StackAccessOutOfBounds
from ebpf_static_rules.ins.ins012_indirect_call import IndirectCall

RULES: tuple[type[Rule], ...] = (
    InstructionUnknown,
    InstructionReservedField,
    LddwMalformed,
    JumpOutOfRange,
    ProgramFallsOffEnd,
    CodeUnreachable,
    FramePointerWritten,
    EmptyProgram,
    ProgramTooLarge,
    RegisterUnknown,
    StackAccessOutOfBounds,
    IndirectCall,
)
