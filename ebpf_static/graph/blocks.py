"""Basic blocks: runs of instructions that control enters at the top and leaves at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from ebpf_static.isa import (
    Instruction,
    branch_target,
    falls_through,
    is_conditional,
    is_indirect_jump,
)
from ebpf_static.specs import FunctionSpec


class ExitKind(StrEnum):
    """How control goes from one block to another."""

    NEXT = "next"
    """It goes on, there is nothing to decide."""
    JUMP = "jump"
    """A jump that is always taken."""
    TAKEN = "taken"
    """A condition that holds."""
    NOT_TAKEN = "not taken"
    """A condition that does not hold."""
    COMPUTED = "computed"
    """``gotox``: some entry of a jump table. Drawn to the blocks nothing else leads to."""


class Exit(NamedTuple):
    """A way out of a block.

    Attributes:
        target: position of the block it leads to; None where it leads to no instruction of the
            function, which no kernel takes.
        insn: insn index it leads to; of a computed jump the first of its target.
        kind: how.
    """

    target: int | None
    insn: int
    kind: ExitKind


class Block(NamedTuple):
    """One basic block.

    Attributes:
        start: insn index of its first instruction.
        end: insn index behind its last one.
        exits: where control goes from here; none after ``exit``.
    """

    start: int
    end: int
    exits: tuple[Exit, ...]


def blocks_of(function: FunctionSpec) -> tuple[Block, ...]:
    """Return the basic blocks of a function in the order of its code.

    Calls end no block: control comes back.

    Raises:
        FormatError: the code is not whole instructions.
    """
    code = function.instructions
    by_insn = {instruction.index: at for at, instruction in enumerate(code)}
    heads = sorted({0, *_leaders(code)} & by_insn.keys())
    block_at = {head: number for number, head in enumerate(heads)}
    blocks = []
    for number, head in enumerate(heads):
        following = heads[number + 1] if number + 1 < len(heads) else function.insn_count
        last = code[(by_insn[following] if following in by_insn else len(code)) - 1]
        exits = tuple(Exit(block_at.get(i), i, kind) for i, kind in _leads_to(last))
        blocks.append(Block(head, following, exits))
    return _with_computed(blocks, code, by_insn)


def _leaders(code: Sequence[Instruction]) -> set[int]:
    """Return where blocks begin, besides the entry."""
    found = set()
    for instruction in code:
        target = branch_target(instruction)
        if target is not None:
            found.add(target)
        if target is not None or not falls_through(instruction):
            found.add(instruction.index + instruction.slots)
    return found


def _leads_to(last: Instruction) -> list[tuple[int, ExitKind]]:
    following = last.index + last.slots
    target = branch_target(last)
    if target is None:
        return [(following, ExitKind.NEXT)] if falls_through(last) else []
    if not is_conditional(last):
        return [(target, ExitKind.JUMP)]
    return [(target, ExitKind.TAKEN), (following, ExitKind.NOT_TAKEN)]


def _with_computed(
    blocks: list[Block], code: Sequence[Instruction], by_insn: dict[int, int]
) -> tuple[Block, ...]:
    """Return the blocks with the exits of ``gotox`` put in."""
    ends = [code[(by_insn[b.end] if b.end in by_insn else len(code)) - 1] for b in blocks]
    computed = [n for n, last in enumerate(ends) if is_indirect_jump(last)]
    if not computed:
        return tuple(blocks)
    known = {it.target for block in blocks for it in block.exits}
    open_ = [n for n in range(1, len(blocks)) if n not in known]
    exits = tuple(Exit(n, blocks[n].start, ExitKind.COMPUTED) for n in open_)
    # Each entry once: jumps by jumps times entries would be the product of both.
    blocks[computed[0]] = blocks[computed[0]]._replace(exits=exits)
    return tuple(blocks)
