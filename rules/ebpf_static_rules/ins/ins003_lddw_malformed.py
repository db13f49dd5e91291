"""INS003."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.plugins import Step
from ebpf_static.specs import FunctionSpec
from ebpf_static_rules.bases import CodeRule
from ebpf_static_rules.code import CodeFacts


class LddwMalformed(CodeRule):
    """A 64-bit constant load lacks its second half, or has more than a number in it.

    What it does
    ------------
    Reports LDDW instructions cut off by the end of their function, and those whose second slot
    has an opcode, registers or an offset.

    Why it matters
    --------------
    LDDW is the one instruction of 16 bytes, and maps are referred to by it. Verifiers refuse a
    broken one ("invalid bpf_ld_imm64 insn").

    Example
    -------
    A function whose symbol is 8 bytes too short, so that it ends inside the instruction.

    How to fix
    ----------
    Correct the generator, or build the object again.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc9669#section-5.4
    """

    code = "INS003"
    name = "lddw-malformed"
    severity = Severity.ERROR
    step = Step.STRUCTURE
    help_text = "write LDDW as two slots, the second one zero but for its immediate"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every broken LDDW."""
        del function
        found = [
            (index - 1, "has an LDDW whose second slot is not just an immediate")
            for index in facts.seconds
        ]
        if facts.truncated is not None:
            found.append((facts.truncated.index, "ends in the middle of an LDDW"))
        return found
