"""Which instructions of a program may run on a target, and with which known values.

Constants are propagated along control flow, function by function as they are called, with what the
target decides put in: CO-RE results, kernel configuration, read-only data, missing externs. The
verifier prunes branches it can decide the same way (``is_branch_taken`` in
kernel/bpf/verifier.c), so what is unreachable here is dead code there; what is reachable here may
still be dead to the verifier's finer reasoning about ranges.
"""

from __future__ import annotations

from ebpf_static.analysis.evaluate import evaluate
from ebpf_static.analysis.events import Flow
from ebpf_static.analysis.inputs import Inputs
from ebpf_static.analysis.run import MAX_STEPS, Run
from ebpf_static.analysis.values import Base, Pointer
from ebpf_static.specs import CollectionSpec, FunctionSpec, ProgramSpec

_PLAIN_CONTEXTS = frozenset({"KPROBE", "TRACEPOINT", "PERF_EVENT", "RAW_TRACEPOINT"})
"""Programs whose context gives numbers only (``*_is_valid_access`` in kernel/trace/bpf_trace.c)."""


def analyse(
    spec: CollectionSpec,
    program: FunctionSpec,
    inputs: Inputs | None = None,
    *,
    max_steps: int = MAX_STEPS,
) -> Flow:
    """Return what may happen when ``program`` runs on the target ``inputs`` describes.

    Args:
        spec: the object.
        program: one of its functions.
        inputs: what the target decides; by default nothing is decided.
        max_steps: instructions evaluated before the answer is called incomplete.
    """
    index = spec.get_position(program)
    run = Run(spec, inputs or Inputs(), evaluate, max_steps=max_steps)
    run.plain_context = isinstance(program, ProgramSpec) and program.type.name in _PLAIN_CONTEXTS
    run.call(index, (Pointer(Base.CONTEXT, 0, 0),), 0, top=True)
    run.flow.steps = run.steps
    return run.flow
