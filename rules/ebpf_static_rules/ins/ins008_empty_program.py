"""INS008."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec


class EmptyProgram(Rule):
    """A program has no instructions.

    What it does
    ------------
    Reports entry programs of an ELF object without a single instruction.

    Why it matters
    --------------
    The kernel refuses to load it (`-E2BIG` for a length of zero); a verifier has nothing to
    verify.

    Example
    -------
    A symbol of a size of zero, written by a code generator.

    How to fix
    ----------
    Let the program return at least: `r0 = 0; exit`.

    References
    ----------
    https://docs.kernel.org/bpf/verifier.html
    """

    code = "INS008"
    name = "empty-program"
    severity = Severity.ERROR
    step = Step.PROGRAM

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each empty program."""
        if spec.elf is None:
            return
        for program in spec.programs:
            if not program.code:
                yield self.finding(
                    context,
                    f"program `{program.name}` has no instructions",
                    Locator(spec, context).function(program),
                    help="let it return at least",
                )
