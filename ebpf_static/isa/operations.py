"""What an instruction is: one table row per distinct operation, found by opcode and selector.

The rows are ``data/operations.json``, made by ``scripts/make_isa_tables.py``: every encoding of
ISA v1 to v4 (RFC 9669) and of the kernel's later additions. An encoding without a row is
:data:`Kind.UNKNOWN`, never the nearest known one: offset 5 on a division is not a division.
"""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ebpf_static.isa.instruction import Instruction
from ebpf_static.isa.opcodes import CLASS_MASK, REGISTERS, InsnClass

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLE = Path(__file__).with_name("data") / "operations.json"
_POSITION = {field: at for at, field in enumerate(Instruction._fields)}


class Kind(StrEnum):
    """What an operation does, as coarsely as control flow and memory analysis need it."""

    ALU = "alu"
    BYTE_SWAP = "byte_swap"
    ADDR_SPACE_CAST = "addr_space_cast"
    LOAD_CONSTANT = "load_constant"
    LOAD = "load"
    STORE = "store"
    ATOMIC = "atomic"
    LEGACY_LOAD = "legacy_load"
    JUMP = "jump"
    BRANCH = "branch"
    MAY_GOTO = "may_goto"
    CALL = "call"
    EXIT = "exit"
    UNKNOWN = "unknown"


class Operation(NamedTuple):
    """One row of the instruction set.

    Attributes:
        name: unique id, e.g. ``sdiv64_reg``, ``ldx_w``, ``cmpxchg_32``, ``lddw_map_fd``.
        op: the id without width, size and operand source, e.g. ``sdiv``, ``ldx``, ``cmpxchg``.
        kind: what it does.
        opcode: its opcode byte.
        width: bits it works on in registers, 32 or 64; 0 when unknown.
        source: ``imm`` or ``reg`` where the second operand may be either, else None.
        size: bytes of memory touched, or of the value that a byte swap or sign-extending move
            takes; None elsewhere.
        signed: signed comparison, division or remainder, or sign-extending load or move.
        cpu: lowest ISA level (LLVM ``-mcpu``) that has it, ``v1`` to ``v4``. None: no level does,
            or it stands outside them (``may_goto``, ``addr_space_cast``, ``callx``).
        emitted: lowest level at which LLVM emits it without being told to by inline assembly.
        since: Linux release that first takes it; None: no release does.
        llvm: LLVM release that first emits it; None: older than LLVM 5, or not known.
        allowed: fields that hold nothing of the programmer's choosing, with the values they may
            have (mostly 0).
        selector: the field that, with the opcode, chooses this row, or None.
    """

    name: str
    op: str
    kind: Kind
    opcode: int
    width: int = 0
    source: str | None = None
    size: int | None = None
    signed: bool = False
    cpu: str | None = None
    emitted: str | None = None
    since: str | None = None
    llvm: str | None = None
    allowed: tuple[tuple[str, tuple[int, ...]], ...] = ()
    selector: str | None = None

    @property
    def known(self) -> bool:
        """Whether the encoding means anything to any platform we know."""
        return self.kind is not Kind.UNKNOWN

    @property
    def insn_class(self) -> InsnClass:
        """Class bits of the opcode; they say something of unknown opcodes, too."""
        return InsnClass(self.opcode & CLASS_MASK)


class _Choice(NamedTuple):
    # Rows of one opcode by the value at ``position`` of the instruction tuple. An opcode with one
    # meaning selects by the opcode itself, so that every lookup takes the same path.
    position: int
    rows: Mapping[int | None, Operation]  # None: what next_imm may be, which selects nothing
    otherwise: Operation


def classify(instruction: Instruction) -> Operation:
    """Return what ``instruction`` is; an operation with ``known`` False for an unknown encoding.

    Reserved fields play no part: see :func:`reserved_fields`.
    """
    choice = _choices().get(instruction[1])
    if choice is None:
        return _unknown(instruction[1])
    value = instruction[choice.position]
    return choice.rows.get(value, choice.otherwise)


def known_operations() -> tuple[Operation, ...]:
    """Return every known operation, in opcode order."""
    return _operations()


def reserved_fields(instruction: Instruction) -> tuple[str, ...]:
    """Return the fields that hold something although the operation leaves them reserved.

    Linux refuses each ("uses reserved fields", "invalid bpf_ld_imm64 insn") except the offset of
    ``exit`` and the second immediate of a function address, which it does not look at. Unknown
    encodings reserve nothing, as nothing is known of their fields.
    """
    operation = classify(instruction)
    fields = tuple(
        field
        for field, allowed in operation.allowed
        if (value := instruction[_POSITION[field]]) is not None and value not in allowed
    )
    if operation.op == "callx" and not _names_one_register(instruction):
        return (*fields, "imm")
    return fields


def _names_one_register(callx: Instruction) -> bool:
    # LLVM 19 and GCC write the register of callx to dst, LLVM up to 18 to imm; never both.
    return callx.imm == 0 or (callx.dst == 0 and 0 < callx.imm < REGISTERS)


def bad_registers(instruction: Instruction) -> tuple[str, ...]:
    """Return the fields (``dst``, ``src``) that should name a register and name none of r0–r10.

    Linux 7.2 gives r11 a meaning in stores (stack arguments); this answers for the ten-register
    machine of RFC 9669. Unknown encodings have no register fields to judge.
    """
    operation = classify(instruction)
    if not operation.known or max(instruction.dst, instruction.src) < REGISTERS:
        return ()
    fixed = {field for field, _ in operation.allowed}
    pairs = (("dst", instruction.dst), ("src", instruction.src))
    return tuple(name for name, value in pairs if value >= REGISTERS and name not in fixed)


def explain_unknown(instruction: Instruction) -> str | None:
    """Return why the encoding is unknown, one clause without a period; None when it is known."""
    if classify(instruction).known:
        return None
    choice = _choices().get(instruction.opcode)
    if choice is None:
        return f"opcode {instruction.opcode:#04x} is not assigned"
    row = next(iter(choice.rows.values()))
    value = instruction[choice.position]
    return f"opcode {instruction.opcode:#04x} has no meaning with {row.selector} {value}"


@cache
def _operations() -> tuple[Operation, ...]:
    rows: list[dict[str, Any]] = json.loads(_TABLE.read_text(encoding="utf-8"))["operations"]
    return tuple(_operation(row) for row in rows)


def _operation(row: dict[str, Any]) -> Operation:
    allowed = tuple((field, tuple(values)) for field, values in row["allowed"].items())
    return Operation(**row | {"kind": Kind(row["kind"]), "allowed": allowed})


@cache
def _choices() -> dict[int, _Choice]:
    by_opcode: dict[int, list[Operation]] = {}
    for operation in _operations():
        by_opcode.setdefault(operation.opcode, []).append(operation)
    return {opcode: _choice(opcode, rows) for opcode, rows in by_opcode.items()}


def _choice(opcode: int, operations: list[Operation]) -> _Choice:
    field = operations[0].selector
    if field is None:
        return _Choice(_POSITION["opcode"], {opcode: operations[0]}, operations[0])
    rows: dict[int | None, Operation] = {
        value: row for row in operations for value in dict(row.allowed)[field]
    }
    return _Choice(_POSITION[field], rows, _unknown(opcode))


@lru_cache(maxsize=256)
def _unknown(opcode: int) -> Operation:
    return Operation(name="unknown", op="unknown", kind=Kind.UNKNOWN, opcode=opcode)
