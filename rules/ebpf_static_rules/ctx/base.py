"""What the rules about contexts share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release
from ebpf_static_rules.ctx.access import Refusal, describe, iter_refusals
from ebpf_static_rules.guards import runs_surely
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.wording import capped


class AccessRule(ReleaseRule, abstract=True):
    """A rule about accesses a kernel refuses: one finding per program, at the first of them."""

    step = Step.CODE
    writes: ClassVar[bool]
    help_text: ClassVar[str]

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each program that does so."""
        del release
        for program in spec.programs:
            if program.code and program.type.number:
                refusals = list(iter_refusals(spec, context, program, writes=self.writes))
                if refusals:
                    yield self._finding(spec, context, program, refusals)

    def _finding(
        self,
        spec: CollectionSpec,
        context: RuleContext,
        program: ProgramSpec,
        refusals: list[Refusal],
    ) -> Finding:
        certain = [
            it
            for it in refusals
            if runs_surely(spec, context, program, (it.access.function, it.access.insn))
        ]
        doubtful = not certain
        first = (certain or refusals)[0]
        others = [it for it in refusals if it is not first]
        struct = "its context"
        return self.finding(
            context,
            f"`{program.name or program.section}` {describe(first.access, struct)}, {first.words}",
            Locator(spec, context).function(first.function, first.access.insn),
            help=self.help_text,
            severity=Severity.NOTE if doubtful else self.severity,
            related=capped(
                (
                    f"insn {it.access.insn}: {describe(it.access, struct)}, {it.words}"
                    for it in others
                ),
                len(others),
            ),
            targeted=True,
            programs=(program.name,) if program.name else (),
            undecided=doubtful,
        )
