"""Where a function reads kernel memory at an offset that was fixed when it was compiled.

One pass in order of the instructions. Registers and stack slots hold what is known of them; where
paths meet, only what they agree on is kept, and where a later instruction jumps back to, nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import Final, NamedTuple

from ebpf_static.isa import Instruction
from ebpf_static.specs import FunctionSpec, ProgramSpec

READERS: Final = frozenset({4, 45, 113, 115})
"""bpf_probe_read, _read_str, _read_kernel, _read_kernel_str: r3 is the address."""

_KERNEL_READERS: Final = frozenset({113, 115})
_CURRENT_TASK: Final = frozenset({35, 158})
_TYPED: Final = frozenset({"TRACING", "LSM", "STRUCT_OPS"})
_RAW: Final = frozenset({"RAW_TRACEPOINT", "RAW_TRACEPOINT_WRITABLE"})
_ITERATOR: Final = "TRACE_ITER"
_MAX_WAITING: Final = 4096
"""Jumps ahead whose registers are kept; what comes later knows nothing."""

_MAX_KNOWN: Final = 48
"""Registers and stack slots kept of one."""

_LDX, _STX, _ST, _ALU64, _JMP, _JMP32 = 1, 3, 2, 7, 5, 6
_ADD_IMM, _ADD_REG, _MOV_IMM, _MOV_REG = 0x07, 0x0F, 0xB7, 0xBF
_CALL, _EXIT, _JA, _JA32 = 0x85, 0x95, 0x05, 0x06
_DOUBLE_WORD = 0x18


class _Base(Enum):
    CONTEXT = 0
    STACK = 1
    CONSTANT = 2
    LOADED = 3
    """An address loaded from somewhere; of what is not known."""
    KERNEL = 4
    """An address of something of the kernel's."""


class _Value(NamedTuple):
    base: _Base
    offset: int = 0
    relocated: bool = False


class KernelRead(NamedTuple):
    """A read of kernel memory at a fixed offset.

    Attributes:
        insn: insn index of the load, or of the call of the helper.
        offset: bytes from the start of what is read.
    """

    insn: int
    offset: int


_State = dict[int, _Value]
"""Known values: registers by number, stack slots by their (negative) offset."""


def find_kernel_reads(function: FunctionSpec, relocated: Collection[int]) -> list[KernelRead]:
    """Return the reads of a function, in order.

    Args:
        function: an entry program, or a function one calls.
        relocated: insn indices with a CO-RE relocation.
    """
    return _Scan(function, relocated).run()


class _Scan:
    def __init__(self, function: FunctionSpec, relocated: Collection[int]) -> None:
        self._function = function
        self._relocated = relocated
        self._found: list[KernelRead] = []
        self._typed = self._raw = False
        if isinstance(function, ProgramSpec):
            attach = function.attach_type.name if function.attach_type else ""
            self._typed = function.type.name in _TYPED and attach != _ITERATOR
            self._raw = function.type.name in _RAW

    def run(self) -> list[KernelRead]:
        """Go through the instructions once."""
        waiting: dict[int, _State] = {}
        back = self._jumped_back_to()
        state: _State | None = {}
        if isinstance(self._function, ProgramSpec):
            state = {1: _Value(_Base.CONTEXT)}
        for ins in self._function.instructions:
            arrived = waiting.pop(ins.index, None)
            if arrived is not None:
                state = arrived if state is None else _meet(state, arrived)
            if state is None:
                continue
            if ins.index in back:
                state = {}
            target = _target(ins)
            self._step(ins, state)
            if target is not None and target > ins.index:
                known = waiting.get(target)
                if known is not None:
                    waiting[target] = _meet(known, state)
                else:
                    waiting[target] = dict(state) if len(waiting) < _MAX_WAITING else {}
            if ins.opcode in (_EXIT, _JA, _JA32):
                state = None
        return self._found

    def _jumped_back_to(self) -> frozenset[int]:
        targets = ((ins.index, _target(ins)) for ins in self._function.instructions)
        return frozenset(target for at, target in targets if target is not None and target <= at)

    def _step(self, ins: Instruction, state: _State) -> None:
        kind = ins.opcode & 7
        if kind == _ALU64:
            self._compute(ins, state)
        elif kind == _LDX:
            self._load(ins, state)
        elif kind in (_ST, _STX):
            self._store(ins, state)
        elif ins.opcode == _CALL:
            self._call(ins, state)
        elif kind not in (_JMP, _JMP32):
            state.pop(ins.dst, None)

    def _compute(self, ins: Instruction, state: _State) -> None:
        relocated = ins.index in self._relocated
        value: _Value | None = None
        left = _address(state, ins.dst)
        if ins.opcode == _MOV_REG and not ins.off:
            value = _address(state, ins.src)
        elif ins.opcode == _MOV_IMM:
            value = _Value(_Base.CONSTANT, ins.imm, relocated)
        elif ins.opcode == _ADD_IMM and left is not None:
            value = _moved(left, ins.imm, relocated=relocated)
        elif ins.opcode == _ADD_REG:
            right = _address(state, ins.src)
            if left is not None and right is not None and right.base is _Base.CONSTANT:
                value = _moved(left, right.offset, relocated=right.relocated)
            elif left is not None and right is not None and left.base is _Base.CONSTANT:
                value = _moved(right, left.offset, relocated=left.relocated)
        _put(state, ins.dst, value)

    def _load(self, ins: Instruction, state: _State) -> None:
        base = _address(state, ins.src)
        wide = ins.opcode & 0x18 == _DOUBLE_WORD
        value: _Value | None = None
        if base is not None and base.base is _Base.STACK and wide:
            value = state.get(base.offset + ins.off)
        elif base is not None and base.base is _Base.CONTEXT and wide:
            kernel = self._typed or self._raw
            value = _Value(_Base.KERNEL if kernel else _Base.LOADED)
        elif base is not None and base.base is _Base.KERNEL and self._typed:
            if ins.index not in self._relocated and not base.relocated:
                self._found.append(KernelRead(ins.index, base.offset + ins.off))
            value = _Value(_Base.KERNEL) if wide else None
        _put(state, ins.dst, value)

    def _store(self, ins: Instruction, state: _State) -> None:
        base = _address(state, ins.dst)
        if base is None or base.base is not _Base.STACK:
            return
        at = base.offset + ins.off
        for slot in [slot for slot in state if slot < 0 and at - 8 < slot < at + 8]:
            del state[slot]
        spilled = state.get(ins.src) if ins.opcode & 7 == _STX else None
        wide = ins.opcode & 0x18 == _DOUBLE_WORD
        if spilled is not None and wide and -512 <= at < 0 and len(state) < _MAX_KNOWN:
            state[at] = spilled

    def _call(self, ins: Instruction, state: _State) -> None:
        helper = ins.imm if ins.src == 0 else -1
        source, into = state.get(3), state.get(1)
        if helper in READERS and source is not None:
            proven = source.base is _Base.KERNEL
            proven = proven or (source.base is _Base.LOADED and helper in _KERNEL_READERS)
            if proven and source.offset and not source.relocated:
                self._found.append(KernelRead(ins.index, source.offset))
        for slot in [key for key in state if key < 0]:
            del state[slot]  # the callee may have been given its address
        size = state.get(2)
        if helper in READERS and source is not None and into is not None:
            whole = size == _Value(_Base.CONSTANT, 8)
            known = whole and source.base is _Base.KERNEL and len(state) < _MAX_KNOWN
            if into.base is _Base.STACK and known:
                state[into.offset] = _Value(_Base.KERNEL)
        for register in range(6):
            state.pop(register, None)
        if helper in _CURRENT_TASK:
            state[0] = _Value(_Base.KERNEL)


def _address(state: _State, register: int) -> _Value | None:
    return _Value(_Base.STACK) if register == 10 else state.get(register)


def _moved(value: _Value, amount: int, *, relocated: bool) -> _Value:
    return _Value(value.base, value.offset + amount, value.relocated or relocated)


def _put(state: _State, register: int, value: _Value | None) -> None:
    if value is None:
        state.pop(register, None)
    else:
        state[register] = value


def _meet(one: _State, other: _State) -> _State:
    return {key: value for key, value in one.items() if other.get(key) == value}


def _target(ins: Instruction) -> int | None:
    kind = ins.opcode & 7
    if kind not in (_JMP, _JMP32) or ins.opcode in (_CALL, _EXIT):
        return None
    return ins.index + 1 + (ins.imm if ins.opcode == _JA32 else ins.off)
