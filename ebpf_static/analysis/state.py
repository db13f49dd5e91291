"""The machine state on one path, or joined over several: registers and stack slots."""

from __future__ import annotations

from typing import Final

from ebpf_static.analysis.values import (
    ANY_STACK,
    SCALAR,
    UNSET,
    Base,
    MaybeNull,
    Pointer,
    Value,
    is_number,
    join,
)

REGISTERS: Final = 11
FRAME_POINTER: Final = 10
MAX_FRAME: Final = 512  # MAX_BPF_STACK; what is outside is no stack, and would never end
_CALLER_SAVED: Final = (1, 2, 3, 4, 5)


class State:
    """Registers r0–r10 and the known slots of one frame.

    A slot is (value, size) by byte offset from the frame pointer; what is absent is unknown.
    """

    __slots__ = ("regs", "slots")

    def __init__(self, regs: list[Value], slots: dict[int, tuple[Value, int]]) -> None:
        self.regs = regs
        self.slots = slots

    @classmethod
    def entry(cls, arguments: tuple[Value, ...], frame: int) -> State:
        """Return the state at a function's first instruction."""
        regs: list[Value] = [UNSET] * REGISTERS
        regs[1 : 1 + len(arguments)] = arguments
        regs[FRAME_POINTER] = Pointer(Base.STACK, frame, 0)
        return cls(regs, {})

    def copy(self) -> State:
        """Return an independent copy."""
        return State(self.regs.copy(), self.slots.copy())

    def merge(self, other: State) -> bool:
        """Widen this state to cover ``other``; return whether it changed."""
        changed = False
        for register, value in enumerate(other.regs):
            mine = self.regs[register]
            if mine is value or (mine == value and type(mine) is type(value)):
                continue
            joined = join(mine, value)
            if joined is not mine and joined != mine:
                self.regs[register] = joined
                changed = True
        for offset in [o for o, slot in self.slots.items() if other.slots.get(o) != slot]:
            mine_slot, other_slot = self.slots[offset], other.slots.get(offset)
            stack = any(_is_stack(slot[0]) for slot in (mine_slot, other_slot) if slot)
            replacement = (ANY_STACK, 8) if stack else _numbers(mine_slot, other_slot)
            if replacement is None:
                del self.slots[offset]
                changed = True
            elif mine_slot != replacement:
                self.slots[offset] = replacement
                changed = True
        for offset, slot in other.slots.items():
            if offset not in self.slots and _is_stack(slot[0]):
                self.slots[offset] = (ANY_STACK, 8)
                changed = True
        return changed

    def replace(self, old: Value, new: Value) -> None:
        """Put another value in place of one wherever it is."""
        self.regs = [new if value == old else value for value in self.regs]
        for offset in [at for at, slot in self.slots.items() if slot[0] == old]:
            if new is None:
                del self.slots[offset]
            else:
                self.slots[offset] = (new, self.slots[offset][1])

    def forget_unchecked(self) -> None:
        """Forget that addresses were not checked: somebody else may do it."""
        for value in {*self.regs, *(slot[0] for slot in self.slots.values())}:
            if isinstance(value, MaybeNull):
                self.replace(value, None)

    def clobber_arguments(self) -> None:
        """Forget r1–r5, as a call does."""
        for register in _CALLER_SAVED:
            self.regs[register] = UNSET

    def load(self, offset: int, size: int) -> Value:
        """Return what a load from this frame gives."""
        slot = self.slots.get(offset)
        if slot is not None and slot[1] == size:
            return slot[0]
        if slot is not None and size < slot[1] and isinstance(slot[0], int):
            return None if size == 0 else slot[0] & ((1 << (8 * size)) - 1)
        return SCALAR if slot is not None and size < slot[1] and slot[0] is SCALAR else None

    def store(self, offset: int, size: int, value: Value) -> None:
        """Record a store to this frame, dropping every slot it overlaps."""
        known = self.slots.get(offset)
        if known is None or known[1] != size:
            self.drop(offset, offset + size)
        else:
            del self.slots[offset]  # slots do not overlap
        if isinstance(value, int):
            value = value if size == 8 else value & ((1 << (8 * size)) - 1)
        elif size < 8:
            value = SCALAR  # of an address, a part of it is no address
        inside = -MAX_FRAME <= offset < 0
        if inside and value is not None and value is not UNSET:
            self.slots[offset] = (value, size)

    def drop(self, low: int, high: int) -> None:
        """Forget every slot that overlaps bytes ``low`` to ``high`` of the frame."""
        slots = self.slots
        if not slots:
            return
        for offset in [at for at, slot in slots.items() if at < high and at + slot[1] > low]:
            del slots[offset]

    def drop_all(self) -> None:
        """Forget the whole frame; what was a stack address there may still be one."""
        self.slots = {o: (ANY_STACK, 8) for o, slot in self.slots.items() if _is_stack(slot[0])}


def _numbers(left: tuple[Value, int], right: tuple[Value, int] | None) -> tuple[Value, int] | None:
    """Return what covers two slots with numbers of one size; None where there is no such slot."""
    if right is None or left[1] != right[1]:
        return None
    return (SCALAR, left[1]) if is_number(left[0]) and is_number(right[0]) else None


def _is_stack(value: Value) -> bool:
    return isinstance(value, Pointer) and value.base is Base.STACK
