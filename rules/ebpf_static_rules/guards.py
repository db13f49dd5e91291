"""Whether a program's course depends on what the target did not tell.

Code behind ``bpf_core_field_exists()``, a kernel configuration value or a weak kernel function
runs on some kernels only. Where the target does not decide it, what stands in such code may be
dead, so that a rule must not be sure.
"""

from __future__ import annotations

from dataclasses import replace

from ebpf_static.analysis import ExternState, Flow, Patch, analyse
from ebpf_static.analysis.inputs import Inputs, Place
from ebpf_static.btf.core import CoreKind
from ebpf_static.kernel import View
from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, ProgramSpec, ReferenceKind

_GUARDS = frozenset(int(kind) for kind in CoreKind if kind.is_guard)
_VALUES = frozenset({int(CoreKind.ENUMVAL_VALUE), int(CoreKind.TYPE_SIZE)})


def has_open_guards(spec: CollectionSpec, view: View, program: ProgramSpec) -> bool:
    """Tell whether code of ``program`` that may run asks something the target does not answer."""
    flow = view.flow(program)
    return (
        not flow.complete
        or _asks_core(view, flow, _GUARDS | _VALUES)
        or _asks_loader(spec, view, flow)
    )


def runs_surely(
    spec: CollectionSpec, context: RuleContext, program: ProgramSpec, place: Place
) -> bool:
    """Tell whether the verifier meets an instruction whatever the target's open answers are.

    ``if (bpf_core_type_exists(struct bpf_ringbuf))`` and the like keep one of two ways alive. An
    instruction both kernels meet, the one that has all that is asked for and the one that has
    nothing of it, is behind no such question.
    """
    view = context.view(spec)
    if not has_open_guards(spec, view, program):
        return True
    flow = view.flow(program)
    if not flow.complete or _asks_core(view, flow, _VALUES):
        return False
    return all(course.is_reached(*place) for course in _extremes(spec, context, program))


def _extremes(spec: CollectionSpec, context: RuleContext, program: ProgramSpec) -> tuple[Flow, ...]:
    """Return the program's course where everything asked for is there, and where nothing is."""
    key = ("extremes", id(program))
    found: tuple[Flow, ...] | None = context.cache.get(key)
    if found is None:
        view = context.view(spec)
        found = context.cache[key] = tuple(
            analyse(spec, program, _answered(view, present=present)) for present in (False, True)
        )
    return found


def _answered(view: View, *, present: bool) -> Inputs:
    """Return the target's answers, and one answer to all it leaves open."""
    answers = {
        (it.function, it.insn): Patch(int(present))
        for it in view.core.outcomes
        if it.result is None and it.relocation.kind in _GUARDS
    }
    state = ExternState.PRESENT if present else ExternState.ABSENT
    return replace(
        view.inputs,
        core={**view.inputs.core, **answers},
        kconfig=tuple(int(present) if it is None else it for it in view.kconfig.data),
        externs={
            index: state if known is ExternState.UNKNOWN else known
            for index, known in view.externs.items()
        },
    )


def _asks_core(view: View, flow: Flow, kinds: frozenset[int]) -> bool:
    return any(
        outcome.result is None
        and outcome.relocation.kind in kinds
        and flow.is_reached(outcome.function, outcome.insn)
        for outcome in view.core.outcomes
    )


def _asks_loader(spec: CollectionSpec, view: View, flow: Flow) -> bool:
    for index, reached in flow.reached.items():
        for reference in spec.functions[index].references:
            if reference.index not in reached:
                continue
            if reference.kind is ReferenceKind.KCONFIG:
                if None in view.kconfig.data:
                    return True
            elif reference.weak and reference.kind in (ReferenceKind.KSYM, ReferenceKind.KFUNC):
                state = view.externs.get(reference.target, ExternState.UNKNOWN)
                if state is ExternState.UNKNOWN:
                    return True
    return False
