"""Control flow and calls between functions, as the verifier's first passes see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ebpf_static.isa import Instruction, branch_target, falls_through
from ebpf_static.specs import CollectionSpec, FunctionSpec, ReferenceKind


def find_back_edge(function: FunctionSpec) -> tuple[int, int] | None:
    """Return (from, to) of a jump back to code that leads there, None when there is no loop.

    Source: Linux ``kernel/bpf/verifier.c``: ``check_cfg``, before 5.3.
    """
    edges = {it.index: _successors(it, function.insn_count) for it in function.instructions}
    state: dict[int, bool] = {0: True}  # True while on the path that is being followed
    stack: list[tuple[int, Iterator[int]]] = [(0, iter(edges.get(0, ())))]
    while stack:
        at, left = stack[-1]
        following = next(left, None)
        if following is None:
            state[at] = False
            stack.pop()
        elif following not in state:
            state[following] = True
            stack.append((following, iter(edges.get(following, ()))))
        elif state[following]:
            return at, following
    return None


def _successors(instruction: Instruction, size: int) -> tuple[int, ...]:
    found = []
    if falls_through(instruction):
        found.append(instruction.index + instruction.slots)
    target = branch_target(instruction)
    if target is not None:
        found.append(target)
    return tuple(index for index in found if 0 <= index < size)


def call_graph(spec: CollectionSpec) -> tuple[tuple[int, ...], ...]:
    """Return for each function those it calls; callbacks are not among them."""
    count = len(spec.functions)
    return tuple(
        tuple(
            dict.fromkeys(
                it.target
                for it in function.references
                if it.kind is ReferenceKind.CALL and 0 <= it.target < count
            )
        )
        for function in spec.functions
    )


def deepest(
    start: int, graph: Sequence[tuple[int, ...]], weights: Sequence[int]
) -> tuple[int, tuple[int, ...]] | None:
    """Return the heaviest chain of calls from ``start`` and its weight, None for recursion."""
    best: dict[int, tuple[int, int | None]] = {}
    on_path = {start}
    stack = [(start, iter(graph[start]))]
    while stack:
        at, left = stack[-1]
        callee = next(left, None)
        if callee is None:
            choices = [(best[it][0], it) for it in graph[at]]
            heaviest = max(choices, default=(0, None), key=lambda choice: choice[0])
            best[at] = (weights[at] + heaviest[0], heaviest[1])
            on_path.discard(at)
            stack.pop()
        elif callee in on_path:
            return None
        elif callee not in best:
            on_path.add(callee)
            stack.append((callee, iter(graph[callee])))
    chain = []
    at_: int | None = start
    while at_ is not None:
        chain.append(at_)
        at_ = best[at_][1]
    return best[start][0], tuple(chain)
