"""Disassembly listing: capstone's text where capstone is right, ours everywhere else.

The only module that imports capstone, and only when a listing is asked for. Where capstone's text
cannot be trusted follows from :data:`_RULES`, measured with capstone 5.0.9 (``CS_ARCH_BPF``,
extended mode) over all 256 opcodes with every value of source, offset and immediate that changes
a meaning, in both byte orders; ``tests/isa/test_capstone.py`` repeats the measurement and fails
in both directions, when a rule is missing and when one is no longer needed.

Its tables end before ISA v3's 32-bit jumps, it looks at neither offset nor immediate to tell
operations apart, it prints signed fields unsigned, and it reads the register byte of big-endian
code in little-endian order.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Literal, NamedTuple

from ebpf_static.errors import escape
from ebpf_static.isa.decode import INSN_BYTES, ByteOrder, decode, malformed_second_slots
from ebpf_static.isa.opcodes import (
    FRAME_POINTER,
    InsnClass,
    Size,
)
from ebpf_static.isa.operations import (
    Kind,
    Operation,
    bad_registers,
    classify,
    reserved_fields,
)
from ebpf_static.isa.queries import is_truncated
from ebpf_static.isa.text import format_instruction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ebpf_static.isa.instruction import Instruction


class Difference(StrEnum):
    """Why capstone's text for an instruction is not used; the value is the explanation."""

    UNKNOWN = "the encoding is unknown; capstone stops or prints the nearest instruction"
    NO_JMP32 = "capstone has no 32-bit jumps (class JMP32, gotol included)"
    NO_MEMSX = "capstone has no sign-extending loads"
    NO_BSWAP = "capstone has no unconditional byte swap"
    NO_LATE_JUMP = "capstone has no may_goto, gotox and callx"
    NO_NARROW_ATOMIC = "capstone has no 8- and 16-bit atomics"
    REGISTER = "capstone does not decode registers above r10"
    WRITES_R10 = "capstone does not decode a write to r10"
    TRUNCATED = "capstone does not decode an LDDW without its second slot"
    SECOND_SLOT = "capstone hides what an LDDW's second slot holds besides the immediate"
    RESERVED = "capstone hides a reserved field that is in use"
    OFFSET_MEANING = "capstone ignores the offset that makes it signed, sign-extending or a cast"
    ATOMIC_MEANING = "capstone prints every atomic as a plain add"
    CALL_KIND = "capstone prints subprogram and kfunc calls as helper calls"
    PSEUDO_SOURCE = "capstone drops the pseudo source of LDDW"
    UNSIGNED_OFFSET = "capstone prints a negative offset as an unsigned 16-bit number"
    UNSIGNED_IMMEDIATE = "capstone prints a sign-extended immediate as an unsigned 32-bit number"
    SWAPPED_REGISTERS = "capstone swaps dst and src in big-endian code"


class ListingLine(NamedTuple):
    """One instruction of a listing.

    Attributes:
        index: insn index within the code given.
        raw: its 8 or 16 bytes as they stand in the object.
        text: the instruction, one printable line.
        by: who printed it; ``own`` text is in the style of :mod:`ebpf_static.isa.text`.
        difference: why capstone's text was not used; None when it was.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, on purpose
    raw: bytes
    text: str
    by: Literal["capstone", "own"]
    difference: Difference | None


def capstone_difference(
    instruction: Instruction, byte_order: ByteOrder = "little"
) -> Difference | None:
    """Return why capstone misprints ``instruction`` or does not decode it; None when it is right.

    A malformed second slot is not part of the record, so :attr:`Difference.SECOND_SLOT` comes from
    :func:`listing` only.
    """
    operation = classify(instruction)
    for difference, applies in _RULES:
        if applies(instruction, operation):
            return difference
    swapped = byte_order == "big" and instruction.dst != instruction.src
    return Difference.SWAPPED_REGISTERS if swapped else None


def listing(
    code: bytes, byte_order: ByteOrder, *, targets: Mapping[int, str] | None = None
) -> tuple[ListingLine, ...]:
    """Return one line for every instruction of ``code``; nothing is left out.

    Args:
        code: whole function or section.
        byte_order: byte order of the object.
        targets: what the instruction at an insn index refers to, shown in ``<>`` after its text.

    Raises:
        FormatError: the length is not a multiple of 8.
        LimitError: more insns than ``MAX_INSNS``.
    """
    instructions = decode(code, byte_order)
    malformed = frozenset(malformed_second_slots(code, byte_order))
    targets = targets or {}
    judged = [(ins, _difference(ins, byte_order, malformed)) for ins in instructions]
    lines: list[ListingLine] = []
    for trusted, group in groupby(judged, key=lambda pair: pair[1] is None):
        run = list(group)
        texts = _capstone_texts(code, byte_order, run) if trusted else iter(())
        lines += [_line(code, pair, next(texts, None), targets) for pair in run]
    return tuple(lines)


def _difference(
    instruction: Instruction, byte_order: ByteOrder, malformed: frozenset[int]
) -> Difference | None:
    difference = capstone_difference(instruction, byte_order)
    if difference is None and instruction.index + 1 in malformed:
        return Difference.SECOND_SLOT if instruction.slots == 2 else None
    return difference


def _line(
    code: bytes,
    judged: tuple[Instruction, Difference | None],
    text: str | None,
    targets: Mapping[int, str],
) -> ListingLine:
    instruction, difference = judged
    start = instruction.index * INSN_BYTES
    raw = bytes(code[start : start + instruction.slots * INSN_BYTES])
    target = targets.get(instruction.index)
    if text is None:
        comment = "second slot not canonical" if difference is Difference.SECOND_SLOT else None
        text = format_instruction(instruction, target=target, comment=comment)
        return ListingLine(instruction.index, raw, text, "own", difference)
    if target is not None:
        text += f" <{escape(target)}>"
    return ListingLine(instruction.index, raw, text, "capstone", None)


def _capstone_texts(
    code: bytes, byte_order: ByteOrder, run: Sequence[tuple[Instruction, Difference | None]]
) -> Iterator[str]:
    # capstone stops at the first instruction it cannot decode. The iterator then ends early, or at
    # a length that is not ours, and the caller prints the rest itself.
    import capstone

    endian = capstone.CS_MODE_BIG_ENDIAN if byte_order == "big" else capstone.CS_MODE_LITTLE_ENDIAN
    disassembler = capstone.Cs(capstone.CS_ARCH_BPF, capstone.CS_MODE_BPF_EXTENDED | endian)
    last = run[-1][0]
    chunk = code[run[0][0].index * INSN_BYTES : (last.index + last.slots) * INSN_BYTES]
    decoded = disassembler.disasm_lite(bytes(chunk), 0)
    for (instruction, _), (_, size, mnemonic, operands) in zip(run, decoded, strict=False):
        if size != instruction.slots * INSN_BYTES:
            return
        yield f"{mnemonic} {operands}".rstrip()


def _writes_r10(instruction: Instruction, operation: Operation) -> bool:
    writing = (Kind.ALU, Kind.BYTE_SWAP, Kind.ADDR_SPACE_CAST, Kind.LOAD, Kind.LOAD_CONSTANT)
    return instruction.dst == FRAME_POINTER and operation.kind in writing


def _offset_meaning(instruction: Instruction, operation: Operation) -> bool:
    return operation.selector == "off" and instruction.off != 0


def _unsigned_offset(instruction: Instruction, operation: Operation) -> bool:
    shown = (Kind.LOAD, Kind.STORE, Kind.ATOMIC, Kind.JUMP, Kind.BRANCH)
    return instruction.off < 0 and operation.kind in shown


def _unsigned_immediate(instruction: Instruction, operation: Operation) -> bool:
    if instruction.imm >= 0:
        return False
    if operation.kind is Kind.STORE:
        return operation.size == Size.DW.nbytes
    extended = operation.kind in (Kind.ALU, Kind.BRANCH) and operation.width == 64
    return extended or operation.kind is Kind.LEGACY_LOAD


_Rule = tuple[Difference, "Callable[[Instruction, Operation], bool]"]

_RULES: tuple[_Rule, ...] = (
    (Difference.UNKNOWN, lambda _, op: not op.known),
    (Difference.NO_JMP32, lambda _, op: op.insn_class is InsnClass.JMP32),
    (Difference.NO_MEMSX, lambda _, op: op.op == "ldxs"),
    (Difference.NO_BSWAP, lambda _, op: op.op == "bswap"),
    (Difference.NO_LATE_JUMP, lambda _, op: op.op in ("may_goto", "gotox", "callx")),
    (Difference.NO_NARROW_ATOMIC, lambda _, op: op.kind is Kind.ATOMIC and (op.size or 0) < 4),
    (Difference.REGISTER, lambda ins, _: bool(bad_registers(ins))),
    (Difference.WRITES_R10, _writes_r10),
    (Difference.TRUNCATED, lambda ins, _: is_truncated(ins)),
    (Difference.RESERVED, lambda ins, _: bool(reserved_fields(ins))),
    (Difference.OFFSET_MEANING, _offset_meaning),
    (Difference.ATOMIC_MEANING, lambda _, op: op.kind is Kind.ATOMIC and op.op != "atomic_add"),
    (Difference.CALL_KIND, lambda _, op: op.kind is Kind.CALL and op.op != "call_helper"),
    (
        Difference.PSEUDO_SOURCE,
        lambda _, op: op.kind is Kind.LOAD_CONSTANT and op.op != "lddw",
    ),
    (Difference.UNSIGNED_OFFSET, _unsigned_offset),
    (Difference.UNSIGNED_IMMEDIATE, _unsigned_immediate),
)
"""In this order: the first that applies names the reason."""
