"""What each program may do, worked out once per object for all rules that ask."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

from ebpf_static.analysis import Access, Base, Flow, analyse
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec

_latest: tuple[weakref.ref[CollectionSpec], dict[int, Flow]] | None = None


def flow_of(spec: CollectionSpec, program: ProgramSpec) -> Flow:
    """Return what ``program`` may do, kept until another object is asked about."""
    global _latest  # noqa: PLW0603 - a cache of one
    if _latest is None or _latest[0]() is not spec:
        _latest = (weakref.ref(spec), {})
    flows = _latest[1]
    if id(program) not in flows:
        flows[id(program)] = analyse(spec, program)
    return flows[id(program)]


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
