"""Whether a program's course depends on what the target did not tell.

Code behind ``bpf_core_field_exists()``, a kernel configuration value or a weak kernel function
runs on some kernels only. Where the target does not decide it, what stands in such code may be
dead, so that a rule must not be sure.
"""

from __future__ import annotations

from ebpf_static.analysis import ExternState, Flow
from ebpf_static.btf.core import CoreKind
from ebpf_static.kernel import View
from ebpf_static.specs import CollectionSpec, ProgramSpec, ReferenceKind

_GUARDS = frozenset(int(kind) for kind in CoreKind if kind.is_guard)
_VALUES = frozenset({int(CoreKind.ENUMVAL_VALUE), int(CoreKind.TYPE_SIZE)})


def has_open_guards(spec: CollectionSpec, view: View, program: ProgramSpec) -> bool:
    """Tell whether code of ``program`` that may run asks something the target does not answer."""
    flow = view.flow(program)
    return not flow.complete or _asks_core(view, flow) or _asks_loader(spec, view, flow)


def _asks_core(view: View, flow: Flow) -> bool:
    return any(
        outcome.result is None
        and outcome.relocation.kind in _GUARDS | _VALUES
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
