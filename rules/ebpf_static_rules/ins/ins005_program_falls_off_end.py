"""INS005."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.plugins import Step
from ebpf_static.specs import FunctionSpec
from ebpf_static_rules.bases import CodeRule, in_words
from ebpf_static_rules.code import CodeFacts


class ProgramFallsOffEnd(CodeRule):
    """A function does not end in an exit or a jump.

    What it does
    ------------
    Reports functions whose last instruction is neither `exit` nor an unconditional jump (nor a
    call of `bpf_throw`, which does not return).

    Why it matters
    --------------
    Control would run into whatever stands behind. Verifiers refuse it: "last insn is not an exit
    or jmp".

    Example
    -------
    ::

        SEC("xdp")
        int filter(struct xdp_md *ctx) { __builtin_unreachable(); }

    How to fix
    ----------
    Return a value on every path. A function the compiler believes never to end was often emptied
    by undefined behaviour: compile with `-Wall` and look for uninitialised variables and endless
    loops.

    References
    ----------
    https://docs.kernel.org/bpf/verifier.html
    """

    code = "INS005"
    name = "program-falls-off-end"
    severity = Severity.ERROR
    step = Step.STRUCTURE
    help_text = "return on every path; look for undefined behaviour the compiler made use of"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return the last instruction when control may pass it."""
        del function
        last = facts.runs_off
        if last is None or facts.truncated is not None or last in facts.unknown[-1:]:
            return []
        return [(last.index, f"ends in {in_words(last)}, not in an exit or a jump")]
