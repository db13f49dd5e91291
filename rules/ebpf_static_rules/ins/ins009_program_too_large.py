"""INS009."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.facts import facts_of

_MAX_INSNS = 1_000_000  # BPF_COMPLEXITY_LIMIT_INSNS in include/linux/bpf.h, since 5.2
_MAX_STEPS = 1 << 20
"""Functions added up in all; only an object made to be slow needs more."""


class ProgramTooLarge(Rule):
    """A program and its subprograms have more instructions than any kernel takes.

    What it does
    ------------
    Adds up the 8-byte instructions of each program and of the functions it calls, and reports
    more than 1 000 000. LDDW counts as two, as it does in the kernel.

    Why it matters
    --------------
    `bpf()` refuses longer programs with `-E2BIG` before it looks at them. Before 5.2 the limit
    was 4096.

    Example
    -------
    A lookup table unrolled into comparisons by a code generator.

    How to fix
    ----------
    Split the program with tail calls, or put tables into maps.

    References
    ----------
    https://docs.kernel.org/bpf/bpf_design_QA.html
    """

    code = "INS009"
    name = "program-too-large"
    severity = Severity.ERROR
    step = Step.PROGRAM
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each oversized program."""
        sizes = [function.insn_count for function in spec.functions]
        if spec.elf is None or sum(sizes) <= _MAX_INSNS:
            return
        facts = facts_of(spec)
        locate = Locator(spec, context)
        steps = 0
        for index in facts.programs:
            linked = facts.reach((index,))
            total = sum(sizes[i] for i in linked)
            if total > _MAX_INSNS:
                yield self.finding(
                    context,
                    f"program `{spec.functions[index].name}` has {total} insns with its "
                    f"subprograms, and no kernel takes more than {_MAX_INSNS}",
                    locate.function(spec.functions[index]),
                    help="split it with tail calls, or put tables into maps",
                )
            steps += len(linked)
            if steps > _MAX_STEPS:
                yield self.finding(
                    context,
                    "object links too many functions to add up every program's size",
                    locate.object(),
                    severity=Severity.WARNING,
                    confidence=Confidence.LOW,
                )
                return
