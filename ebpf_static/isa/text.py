"""Instructions as text: one line each, in the C-like syntax of the kernel verifier and LLVM.

The style, the same for both byte orders and on every host:

* Numbers are decimal, offsets always signed: ``r1 = *(u32 *)(r6 + 16)``, ``goto -3``.
* ``wN`` names the low 32 bits in 32-bit arithmetic, comparisons and atomics; everything else,
  loads and stores of any size included, names the whole register ``rN`` as the verifier does
  (LLVM prints ``wN`` for narrow loads and stores from ISA v3 on).
* Calls tell their kinds apart: ``call 12`` (helper), ``call pc+5`` (subprogram), ``call kfunc 77``
  (``fd_idx 3`` follows when the kfunc is a module's), ``callx r3``.
* So does LDDW: ``r1 = 5 ll``, ``r1 = map_fd 3 ll``, ``r1 = map_value 3 + 16 ll``,
  ``r1 = btf_id 9 ll`` (``module_fd 4`` follows the id), ``r1 = func pc+7 ll``, ``map_idx``,
  ``map_idx_value``.
* What a branch, call or relocation refers to follows in angle brackets: ``call 12 <name>``.
* An unknown encoding is spelled out field by field: ``unknown 0x8e dst=1 src=2 off=16 imm=32``.
* Whatever the syntax cannot show follows ``//``: reserved fields in use, a missing second slot.

What stands before ``<`` or ``//`` assembles with LLVM 22 to the same bytes, except where LLVM has
no syntax: the pseudo sources of LDDW and calls, 32-bit ``gotol`` distances, and a classic indirect
packet load with a distance, ``r0 = *(u8 *)skb[r3 + 5]``, which LLVM prints as ``skb[r3]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ebpf_static.errors import escape
from ebpf_static.isa.operations import Kind, Operation, classify, reserved_fields
from ebpf_static.isa.queries import callx_register, is_truncated

if TYPE_CHECKING:
    from collections.abc import Callable

    from ebpf_static.isa.instruction import Instruction

_BINARY = {
    "add": "+=",
    "sub": "-=",
    "mul": "*=",
    "div": "/=",
    "sdiv": "s/=",
    "or": "|=",
    "and": "&=",
    "lsh": "<<=",
    "rsh": ">>=",
    "mod": "%=",
    "smod": "s%=",
    "xor": "^=",
    "mov": "=",
    "arsh": "s>>=",
}
_COMPARE = {
    "jeq": "==",
    "jgt": ">",
    "jge": ">=",
    "jset": "&",
    "jne": "!=",
    "jsgt": "s>",
    "jsge": "s>=",
    "jlt": "<",
    "jle": "<=",
    "jslt": "s<",
    "jsle": "s<=",
}


def format_instruction(
    instruction: Instruction, *, target: str | None = None, comment: str | None = None
) -> str:
    """Return ``instruction`` on one printable line, in the style this module describes.

    Args:
        instruction: any record, known or not; never raises.
        target: name of what it refers to (label, subprogram, helper, map), shown in ``<>``.
        comment: shown after ``//``.
    """
    operation = classify(instruction)
    text = _FORMATTERS[operation.kind](instruction, operation)
    if target is not None:
        text += f" <{escape(target)}>"
    notes = [
        f"reserved {name}={getattr(instruction, name)}" for name in reserved_fields(instruction)
    ]
    if is_truncated(instruction):
        notes.append("second slot missing")
    if comment is not None:
        notes.append(escape(comment))
    return f"{text}  // {', '.join(notes)}" if notes else text


def _alu(ins: Instruction, operation: Operation) -> str:
    letter = "r" if operation.width == 64 else "w"
    dst = f"{letter}{ins.dst}"
    if operation.op == "neg":
        return f"{dst} = -{dst}"
    if operation.op == "movsx":
        return f"{dst} = (s{(operation.size or 0) * 8}){letter}{ins.src}"
    return f"{dst} {_BINARY[operation.op]} {_operand(ins, operation, letter)}"


def _operand(ins: Instruction, operation: Operation, letter: str) -> str:
    return f"{letter}{ins.src}" if operation.source == "reg" else str(ins.imm)


def _byte_swap(ins: Instruction, operation: Operation) -> str:
    return f"r{ins.dst} = {operation.name} r{ins.dst}"


def _addr_space_cast(ins: Instruction, operation: Operation) -> str:
    to, of = ins.imm >> 16 & 0xFFFF, ins.imm & 0xFFFF
    return f"r{ins.dst} = {operation.name}(r{ins.src}, {to}, {of})"


def _constant(ins: Instruction, operation: Operation) -> str:
    high = ins.next_imm or 0
    pseudo = operation.op.removeprefix("lddw").removeprefix("_")
    if not pseudo:
        value = str(high << 32 | ins.imm & 0xFFFFFFFF)
    elif pseudo == "func":
        value = f"func pc{ins.imm:+d}"
    elif pseudo.endswith("_value"):
        value = f"{pseudo} {ins.imm} + {high & 0xFFFFFFFF}"
    else:
        value = f"{pseudo} {ins.imm}"
        if pseudo == "btf_id" and high:
            value += f" module_fd {high}"
    return f"r{ins.dst} = {value} ll"


def _place(base: int, off: int) -> str:
    return f"r{base} {'-' if off < 0 else '+'} {abs(off)}"


def _load(ins: Instruction, operation: Operation) -> str:
    return f"r{ins.dst} = *({_c_type(operation)} *)({_place(ins.src, ins.off)})"


def _store(ins: Instruction, operation: Operation) -> str:
    value = _operand(ins, operation, "r")
    return f"*({_c_type(operation)} *)({_place(ins.dst, ins.off)}) = {value}"


def _c_type(operation: Operation) -> str:
    return f"{'s' if operation.signed else 'u'}{(operation.size or 0) * 8}"


def _atomic(ins: Instruction, operation: Operation) -> str:
    letter = "r" if operation.size == 8 else "w"
    op, value = operation.op, f"{letter}{ins.src}"
    place = _place(ins.dst, ins.off)
    pointer = f"({_c_type(operation)} *)({place})"
    if op == "load_acquire":
        pointer = f"({_c_type(operation)} *)({_place(ins.src, ins.off)})"
        return f"{letter}{ins.dst} = load_acquire({pointer})"
    if op == "store_release":
        return f"store_release({pointer}, {value})"
    if op.startswith("atomic_fetch_"):
        return f"{value} = {op}({pointer}, {value})"
    suffix = "_64" if operation.size == 8 else "32_32"
    if op == "xchg":
        return f"{value} = xchg{suffix}({place}, {value})"
    if op == "cmpxchg":
        return f"{letter}0 = cmpxchg{suffix}({place}, {letter}0, {value})"
    return f"lock *{pointer} {_BINARY[op.removeprefix('atomic_')]} {value}"


def _legacy_load(ins: Instruction, operation: Operation) -> str:
    index = str(ins.imm)
    if operation.op == "ld_ind":
        index = f"r{ins.src}" if ins.imm == 0 else _place(ins.src, ins.imm)
    return f"r0 = *({_c_type(operation)} *)skb[{index}]"


def _jump(ins: Instruction, operation: Operation) -> str:
    if operation.op == "gotox":
        return f"gotox r{ins.dst}"
    return f"gotol {ins.imm:+d}" if operation.op == "gotol" else f"goto {ins.off:+d}"


def _branch(ins: Instruction, operation: Operation) -> str:
    letter = "r" if operation.width == 64 else "w"
    operand = _operand(ins, operation, letter)
    return f"if {letter}{ins.dst} {_COMPARE[operation.op]} {operand} goto {ins.off:+d}"


def _may_goto(ins: Instruction, _operation: Operation) -> str:
    return f"may_goto {ins.off:+d}"


def _call(ins: Instruction, operation: Operation) -> str:
    if operation.op == "callx":
        return f"callx r{callx_register(ins)}"
    if operation.op == "call_local":
        return f"call pc{ins.imm:+d}"
    if operation.op == "call_kfunc":
        return f"call kfunc {ins.imm}" + (f" fd_idx {ins.off}" if ins.off else "")
    return f"call {ins.imm}"


def _exit(_ins: Instruction, _operation: Operation) -> str:
    return "exit"


def _unknown(ins: Instruction, _operation: Operation) -> str:
    text = f"unknown {ins.opcode:#04x} dst={ins.dst} src={ins.src} off={ins.off} imm={ins.imm}"
    return text if ins.next_imm is None else f"{text} next_imm={ins.next_imm}"


_FORMATTERS: dict[Kind, Callable[[Instruction, Operation], str]] = {
    Kind.ALU: _alu,
    Kind.BYTE_SWAP: _byte_swap,
    Kind.ADDR_SPACE_CAST: _addr_space_cast,
    Kind.LOAD_CONSTANT: _constant,
    Kind.LOAD: _load,
    Kind.STORE: _store,
    Kind.ATOMIC: _atomic,
    Kind.LEGACY_LOAD: _legacy_load,
    Kind.JUMP: _jump,
    Kind.BRANCH: _branch,
    Kind.MAY_GOTO: _may_goto,
    Kind.CALL: _call,
    Kind.EXIT: _exit,
    Kind.UNKNOWN: _unknown,
}
