"""INS004."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.plugins import Step
from ebpf_static.specs import FunctionSpec
from ebpf_static_rules.bases import CodeRule, in_words
from ebpf_static_rules.code import BadJump, CodeFacts


class JumpOutOfRange(CodeRule):
    """A jump lands outside its function, or inside an instruction.

    What it does
    ------------
    Reports jumps whose target is before the function, behind it, or the second slot of an LDDW.

    Why it matters
    --------------
    Verifiers refuse the program: "jump out of range from insn 3 to 70", "invalid bpf_ld_imm64
    insn".

    Example
    -------
    Hand-written assembly whose offsets count instructions: LDDW counts twice.

    How to fix
    ----------
    Use labels and let the assembler count. A jump into another function must be a call.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc9669#section-4.3
    """

    code = "INS004"
    name = "jump-out-of-range"
    severity = Severity.ERROR
    step = Step.STRUCTURE
    help_text = "jump to an instruction of the same function; LDDW counts as two"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every such jump."""
        return [
            (jump.instruction.index, _describe(jump, function.insn_count)) for jump in facts.jumps
        ]


def _describe(jump: BadJump, size: int) -> str:
    where = "into the second slot of an LDDW"
    if not jump.inside_lddw:
        where = "before its start" if jump.target < 0 else f"behind its end ({size} insns)"
    return f"jumps {where}: {in_words(jump.instruction)}"
