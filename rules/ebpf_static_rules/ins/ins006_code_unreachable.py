"""INS006."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.plugins import Step
from ebpf_static.specs import FunctionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.bases import CodeRule
from ebpf_static_rules.code import CodeFacts


class CodeUnreachable(CodeRule):
    """A function has instructions nothing leads to.

    What it does
    ------------
    Reports instructions no path from the function's start reaches, following jumps only: a branch
    that is never taken counts as taken. Functions with indirect jumps are left out.

    Why it matters
    --------------
    The Linux verifier refuses the program: "unreachable insn 12".

    Example
    -------
    ::

        r0 = 0
        exit
        r0 = 1          // nothing jumps here
        exit

    How to fix
    ----------
    Compilers do not leave such code at `-O2`; remove it from hand-written assembly, or correct
    the tool that patches instructions.

    References
    ----------
    https://docs.kernel.org/bpf/verifier.html
    """

    code = "INS006"
    name = "code-unreachable"
    severity = Severity.ERROR
    step = Step.STRUCTURE
    platforms = (Platform.LINUX,)
    help_text = "remove the code, or compile with `-O2`"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return the first insn of each unreachable run."""
        del function
        return [(index, "has code that nothing leads to") for index in facts.unreachable]
