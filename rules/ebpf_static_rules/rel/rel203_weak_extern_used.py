"""REL203."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis import ExternState
from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule, iter_flows


class WeakExternUsed(ReleaseRule):
    """A program may call a weak kernel function that the target kernel does not have.

    What it does
    ------------
    Follows each program with missing weak externs resolved to zero, and reports calls of them
    that may run all the same.

    Why it matters
    --------------
    libbpf puts an invalid call in place of the missing function. Where the verifier gets to it,
    it refuses the program: "kernel function 'x' is required".

    Example
    -------
    ::

        extern void bpf_task_release(struct task_struct *task) __ksym __weak;
        ...
        bpf_task_release(task);                    // without bpf_ksym_exists()

    How to fix
    ----------
    Guard the call: `if (bpf_ksym_exists(bpf_task_release))`.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html
    """

    code = "REL203"
    name = "weak-extern-used"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each place of such a call."""
        if not any(extern.weak for extern in spec.externs):
            return
        states = context.view(spec).externs
        places: dict[tuple[int, int, int], list[str]] = {}
        for program, flow in iter_flows(spec, context):
            for place, site in flow.calls.items():
                if site.helper is None and 0 <= site.extern < len(spec.externs):
                    places.setdefault((*place, site.extern), []).append(program.name)
        locate = Locator(spec, context)
        for (index, insn, number), programs in places.items():
            extern = spec.externs[number]
            state = states.get(number, ExternState.PRESENT)
            if not extern.weak or state is ExternState.PRESENT:
                continue
            unknown = state is ExternState.UNKNOWN
            function = spec.functions[index]
            subject = f"`{function.name}` calls the weak kernel function `{extern.name}`"
            yield self.finding(
                context,
                f"{subject}; whether {release.label} has it is not known"
                if unknown
                else f"{subject}, which {release.label} does not have",
                locate.function(function, insn),
                help=f"guard the call with `if (bpf_ksym_exists({extern.name}))`",
                severity=Severity.NOTE if unknown else None,
                confidence=Confidence.LOW if unknown else Confidence.HIGH,
                targeted=True,
                programs=tuple(programs),
                undecided=unknown,
            )
