"""What each program may do, worked out once per object for all rules that ask."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

from ebpf_static.analysis import Access, Base, Flow, analyse
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec

_BUDGET = 2_000_000
"""Steps spent on one object; the largest real one takes a tenth. `analyse` gives up at as many."""


class _Flows:
    """What the programs of one object may do, as far as the budget goes."""

    def __init__(self) -> None:
        self.known: dict[int, Flow] = {}
        self.left = _BUDGET

    def get(self, spec: CollectionSpec, program: ProgramSpec) -> Flow:
        found = self.known.get(id(program))
        if found is None:
            # Finding a program in the object takes a step for each function.
            self.left -= len(spec.functions) // _FUNCTIONS_PER_STEP
            found = Flow(complete=False) if self.left <= 0 else analyse(spec, program)
            steps = sum(map(len, found.reached.values())) if found.complete else _BUDGET
            self.left -= steps
            self.known[id(program)] = found
        return found


_FUNCTIONS_PER_STEP = 16
_latest: tuple[weakref.ref[CollectionSpec], _Flows] | None = None


def flow_of(spec: CollectionSpec, program: ProgramSpec) -> Flow:
    """Return what ``program`` may do, kept until another object is asked about.

    A flow that is not complete, because program or object are too large, says nothing of what is
    absent from it.
    """
    global _latest  # noqa: PLW0603 - a cache of one
    if _latest is None or _latest[0]() is not spec:
        _latest = (weakref.ref(spec), _Flows())
    return _latest[1].get(spec, program)


def iter_flows(spec: CollectionSpec) -> Iterator[tuple[ProgramSpec, Flow]]:
    """Yield each program with bytecode and what it may do."""
    for program in spec.programs:
        if program.code:
            yield program, flow_of(spec, program)


def iter_context_accesses(
    spec: CollectionSpec, program: ProgramSpec
) -> Iterator[tuple[FunctionSpec, Access, int]]:
    """Yield each access proven to be to the context, its function and its offset, in order."""
    flow = flow_of(spec, program)
    for (index, _), access in sorted(flow.accesses.items()):
        offset = access.pointer.offset
        if access.pointer.base is Base.CONTEXT and offset is not None:
            yield spec.functions[index], access, offset
