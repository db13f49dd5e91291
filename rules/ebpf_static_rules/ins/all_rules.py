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
from ebpf_static_rules.ins.ins201_instruction_unavailable import InstructionUnavailable
from ebpf_static_rules.ins.ins202_loop_unavailable import LoopUnavailable
from ebpf_static_rules.ins.ins203_stack_too_large import StackTooLarge
from ebpf_static_rules.ins.ins204_calls_too_deep import CallsTooDeep
from ebpf_static_rules.ins.ins205_register_unset import RegisterUnset
from ebpf_static_rules.ins.ins206_tail_call_with_subprograms import TailCallWithSubprograms
from ebpf_static_rules.ins.ins207_function_argument_unsupported import FunctionArgumentUnsupported
from ebpf_static_rules.ins.ins208_global_data_unavailable import GlobalDataUnavailable
from ebpf_static_rules.ins.ins209_packet_load_refused import PacketLoadRefused
from ebpf_static_rules.ins.ins210_code_not_followed import CodeNotFollowed
from ebpf_static_rules.ins.ins211_number_used_as_address import NumberUsedAsAddress
from ebpf_static_rules.ins.ins212_null_check_missing import NullCheckMissing

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
    InstructionUnavailable,
    LoopUnavailable,
    StackTooLarge,
    CallsTooDeep,
    RegisterUnset,
    TailCallWithSubprograms,
    FunctionArgumentUnsupported,
    GlobalDataUnavailable,
    PacketLoadRefused,
    CodeNotFollowed,
    NumberUsedAsAddress,
    NullCheckMissing,
)
