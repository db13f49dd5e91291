"""BPF instructions: bytes to records, what each record means, and text.

Map of the package:

* ``instruction``: :class:`Instruction`, the record of one logical instruction.
* ``decode``: :func:`decode` and :func:`encode`, exact in both byte orders;
  :func:`malformed_second_slots`, what the record of an LDDW cannot hold.
* ``opcodes``: names of the opcode's bits and of the pseudo sources.
* ``operations``: :func:`classify`, the table row of an instruction; :func:`reserved_fields`,
  :func:`bad_registers` and :func:`explain_unknown`, what is wrong with an encoding.
* ``queries``: control flow, calls, constants and memory, one question a function.
* ``text``: :func:`format_instruction`, our printing.
* ``capstone_listing``: :func:`listing`, capstone's text where it is right and ours elsewhere.

An encoding says what it is; whether a platform takes it is not decided here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ebpf_static.isa.decode import (
    INSN_BYTES,
    ByteOrder,
    decode,
    encode,
    malformed_second_slots,
)
from ebpf_static.isa.instruction import Instruction
from ebpf_static.isa.opcodes import CallSource, InsnClass, LddwSource
from ebpf_static.isa.operations import (
    Kind,
    Operation,
    bad_registers,
    classify,
    explain_unknown,
    known_operations,
    reserved_fields,
)
from ebpf_static.isa.queries import (
    CallKind,
    MemoryAccess,
    branch_target,
    call_kind,
    callx_register,
    falls_through,
    is_addr_space_cast,
    is_byte_swap,
    is_call,
    is_callx,
    is_conditional,
    is_exit,
    is_helper_call,
    is_indirect_jump,
    is_jump,
    is_kfunc_call,
    is_lddw,
    is_legacy_load,
    is_local_call,
    is_may_goto,
    is_sign_extending_move,
    is_signed_division,
    is_truncated,
    lddw_source,
    local_target,
    memory_access,
)

if TYPE_CHECKING:
    from ebpf_static.isa.capstone_listing import (
        Difference,
        ListingLine,
        capstone_difference,
        listing,
    )
    from ebpf_static.isa.text import format_instruction

__all__ = [
    "INSN_BYTES",
    "ByteOrder",
    "CallKind",
    "CallSource",
    "Difference",
    "InsnClass",
    "Instruction",
    "Kind",
    "LddwSource",
    "ListingLine",
    "MemoryAccess",
    "Operation",
    "bad_registers",
    "branch_target",
    "call_kind",
    "callx_register",
    "capstone_difference",
    "classify",
    "decode",
    "encode",
    "explain_unknown",
    "falls_through",
    "format_instruction",
    "is_addr_space_cast",
    "is_byte_swap",
    "is_call",
    "is_callx",
    "is_conditional",
    "is_exit",
    "is_helper_call",
    "is_indirect_jump",
    "is_jump",
    "is_kfunc_call",
    "is_lddw",
    "is_legacy_load",
    "is_local_call",
    "is_may_goto",
    "is_sign_extending_move",
    "is_signed_division",
    "is_truncated",
    "known_operations",
    "lddw_source",
    "listing",
    "local_target",
    "malformed_second_slots",
    "memory_access",
    "reserved_fields",
]

# Printing is loaded when asked for: reading and checking an object print no instruction.
_LAZY = {
    "Difference": "capstone_listing",
    "ListingLine": "capstone_listing",
    "capstone_difference": "capstone_listing",
    "listing": "capstone_listing",
    "format_instruction": "text",
}


def __getattr__(name: str) -> object:
    """Return a name of a module that is loaded on first use (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
