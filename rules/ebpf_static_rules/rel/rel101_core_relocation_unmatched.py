"""REL101."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.kernel import CoreOutcome
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release
from ebpf_static_rules.facts import facts_of
from ebpf_static_rules.guards import has_open_guards
from ebpf_static_rules.rel.core import describe, kernel_of, names_of, words_of
from ebpf_static_rules.release import ReleaseRule, iter_flows
from ebpf_static_rules.wording import capped, count, listed


class CoreRelocationUnmatched(ReleaseRule):
    """A program may use a type or field the target kernel does not have.

    What it does
    ------------
    Relocates the object against the target's BTF as libbpf does, and follows each program with
    the results put in. A field, type or enumerator that has no match, in code that may run, is an
    error; in code that is dead on the target, behind `bpf_core_field_exists()` for instance, it
    is a note. Where the guard asks for something the target does not tell (a configuration value
    without `--kconfig`), it is a warning.

    Why it matters
    --------------
    libbpf replaces the instruction by a call of a function that does not exist, and the verifier
    refuses the program when it gets there: "invalid func unknown#195896080", or in newer libbpf
    "<invalid CO-RE relocation>".

    Example
    -------
    ::

        id = BPF_CORE_READ(node, id);              // struct kernfs_node has no `id` before 5.5

    How to fix
    ----------
    Ask first, and read what older kernels have under a flavour of the type's name::

        if (bpf_core_field_exists(node->id))
                id = BPF_CORE_READ(node, id);
        else
                id = BPF_CORE_READ((struct kernfs_node___old *)node, id.ino);

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html#bpf-co-re-compile-once-run-everywhere
    """

    code = "REL101"
    name = "core-relocation-unmatched"
    severity = Severity.ERROR
    step = Step.CODE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield a finding for each that may run, and a note for each function's others."""
        view = context.view(spec)
        missing = [it for it in view.core.outcomes if it.result is not None and _is_missing(it)]
        if not missing:
            return
        reaching: dict[tuple[int, int], list[ProgramSpec]] = {}
        complete = True
        for program, flow in iter_flows(spec, context):
            complete = complete and flow.complete
            for place in flow.poisoned:
                reaching.setdefault(place, []).append(program)
        behind: dict[int, list[CoreOutcome]] = {}
        for outcome in missing:
            if (outcome.function, outcome.insn) not in reaching:
                behind.setdefault(outcome.function, []).append(outcome)
        for outcome in missing:
            programs = reaching.get((outcome.function, outcome.insn))
            if programs:
                others = behind.pop(outcome.function, [])
                yield self._reached(spec, context, release, outcome, programs, others)
        if complete:
            yield from self._guarded(spec, context, release, behind)

    def _reached(
        self,
        spec: CollectionSpec,
        context: RuleContext,
        release: Release,
        outcome: CoreOutcome,
        programs: list[ProgramSpec],
        others: list[CoreOutcome],
    ) -> Finding:
        view, locate = context.view(spec), Locator(spec, context)
        certain = [it for it in programs if not has_open_guards(spec, view, it)]
        function = spec.functions[outcome.function]
        open_ends = "" if certain else ", and whether that code runs is not known"
        return self.finding(
            context,
            f"{words_of(spec, outcome)} has no match in {kernel_of(context, release)}{open_ends}",
            locate.function(function, outcome.insn),
            help="ask with `bpf_core_field_exists()`, `bpf_core_type_exists()` or "
            "`bpf_core_enum_value_exists()` first, and do without where the kernel has it not",
            severity=Severity.ERROR if certain else Severity.WARNING,
            confidence=_confidence(context, outcome) if certain else Confidence.LOW,
            related=capped(_places(locate, spec, others, "no match for "), len(others)),
            targeted=True,
            programs=names_of(certain or programs),
            undecided=not certain,
        )

    def _guarded(
        self,
        spec: CollectionSpec,
        context: RuleContext,
        release: Release,
        behind: dict[int, list[CoreOutcome]],
    ) -> Iterator[Finding]:
        loaded = frozenset(facts_of(spec).loaded)
        locate = Locator(spec, context)
        for index, guarded in behind.items():
            if index not in loaded:
                continue
            function = spec.functions[index]
            results = (it.result for it in guarded)
            names = list(dict.fromkeys(describe(it) for it in results if it is not None))
            verb = "has" if len(guarded) == 1 else "have"
            yield self.finding(
                context,
                f"{count(len(guarded), 'CO-RE relocation')} of `{function.name}` {verb} no match "
                f"in {kernel_of(context, release)}, in code that does not run there: "
                f"{listed(names)}",
                locate.function(function, guarded[0].insn),
                severity=Severity.NOTE,
                related=capped(_places(locate, spec, guarded, ""), len(guarded)),
                targeted=True,
            )


def _is_missing(outcome: CoreOutcome) -> bool:
    result = outcome.result
    return result is not None and result.poison and outcome.error is None


def _confidence(context: RuleContext, outcome: CoreOutcome) -> Confidence:
    """Return how sure the answer is: a type the kernel has not may be that of a module."""
    result, kernel = outcome.result, context.kernel
    alone = kernel is not None and len(kernel.btf) == 1
    unknown_type = result is not None and result.candidates == 0
    return Confidence.MEDIUM if alone and unknown_type else Confidence.HIGH


def _places(
    locate: Locator, spec: CollectionSpec, outcomes: list[CoreOutcome], before: str
) -> Iterator[str]:
    for outcome in outcomes:
        place = locate.function(spec.functions[outcome.function], outcome.insn)
        what = "" if outcome.result is None else f" ({describe(outcome.result)})"
        yield f"{before}#{outcome.number}{what}: {place}"
