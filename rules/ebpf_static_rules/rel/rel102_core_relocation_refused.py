"""REL102."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel import CoreOutcome
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release
from ebpf_static_rules.facts import facts_of
from ebpf_static_rules.guards import has_open_guards
from ebpf_static_rules.rel.core import concerned_by, kernel_of, names_of, words_of
from ebpf_static_rules.release import ReleaseRule, iter_flows


class CoreRelocationRefused(ReleaseRule):
    """A CO-RE relocation has an answer on the target that cannot be put into the instruction.

    What it does
    ------------
    Reports relocations libbpf gives up over: types of the kernel that fit equally well and
    disagree (ambiguity), a value or offset the instruction cannot hold, an instruction of the
    wrong kind, a relocation that is malformed. A field whose size changed so that a plain load
    would read it wrongly is reported where the load may run.

    Why it matters
    --------------
    libbpf stops loading: "relocation decision ambiguity", "unexpected insn", "incorrect value".
    For a field of another size it says "accesses field incorrectly. Make sure you are accessing
    pointers, unsigned integers, or fields of matching type and size", and the verifier refuses
    the program.

    Example
    -------
    ::

        s32 state = task->state;                   // long in this kernel: a signed load of 8

    How to fix
    ----------
    For ambiguity, describe more of the type so that only one fits, or use a flavour. For sizes,
    read through `BPF_CORE_READ_INTO()` or `bpf_core_read()` with `bpf_core_field_size()`.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html#bpf-co-re-compile-once-run-everywhere
    """

    code = "REL102"
    name = "core-relocation-refused"
    severity = Severity.ERROR
    step = Step.RELOCATE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each such relocation."""
        view = context.view(spec)
        resized = [it for it in view.core.outcomes if _is_resized(it)]
        for outcome in view.core.outcomes:
            if outcome.error is not None:
                yield self._refused(spec, context, release, outcome)
        if not resized:
            return
        reaching: dict[tuple[int, int], list[ProgramSpec]] = {}
        for program, flow in iter_flows(spec, context):
            for place in flow.poisoned:
                reaching.setdefault(place, []).append(program)
        for outcome in resized:
            programs = reaching.get((outcome.function, outcome.insn), [])
            certain = [p for p in programs if not has_open_guards(spec, view, p)]
            if programs:
                yield self._resized(spec, context, release, outcome, certain, programs)

    def _refused(
        self, spec: CollectionSpec, context: RuleContext, release: Release, outcome: CoreOutcome
    ) -> Finding:
        function = spec.functions[outcome.function]
        used = outcome.function in facts_of(spec).loaded
        return self.finding(
            context,
            f"{words_of(spec, outcome)} cannot be applied on {kernel_of(context, release)}: "
            f"{outcome.error}",
            Locator(spec, context).function(function, outcome.insn),
            help="describe the type as the kernel has it, or ask for the field's size and read it "
            "with `bpf_core_read()`",
            targeted=True,
            related=() if used else ("libbpf relocates subprograms nobody calls, too",),
            programs=concerned_by(spec, function),
        )

    def _resized(
        self,
        spec: CollectionSpec,
        context: RuleContext,
        release: Release,
        outcome: CoreOutcome,
        certain: list[ProgramSpec],
        programs: list[ProgramSpec],
    ) -> Finding:
        result = outcome.result
        sizes = f"{result.original_size} bytes here, {result.size} there" if result else ""
        return self.finding(
            context,
            f"{words_of(spec, outcome)} accesses a field of another size on "
            f"{kernel_of(context, release)} ({sizes}) in a way that cannot be adjusted",
            Locator(spec, context).function(spec.functions[outcome.function], outcome.insn),
            help="declare the field unsigned, or read it with `bpf_core_read()` and "
            "`bpf_core_field_size()`",
            severity=Severity.ERROR if certain else Severity.WARNING,
            targeted=True,
            programs=names_of(certain or programs),
            undecided=not certain,
        )


def _is_resized(outcome: CoreOutcome) -> bool:
    result = outcome.result
    return outcome.poisoned and result is not None and not result.poison
