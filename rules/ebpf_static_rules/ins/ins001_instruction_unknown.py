"""INS001."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.isa import explain_unknown
from ebpf_static.plugins import Step
from ebpf_static.specs import FunctionSpec
from ebpf_static_rules.bases import CodeRule
from ebpf_static_rules.code import CodeFacts


class InstructionUnknown(CodeRule):
    """An instruction has an encoding no instruction set defines.

    What it does
    ------------
    Reports instructions that neither RFC 9669 nor any Linux release known here defines: an
    unassigned opcode, or an opcode with a source, offset or immediate that selects nothing.

    Why it matters
    --------------
    Every verifier refuses the program ("unknown opcode 8f").

    Example
    -------
    Code written by hand or by a code generator, data that ended up in a code section, or an
    object read in the wrong byte order.

    How to fix
    ----------
    Correct the generator. If a new compiler made the instruction, a newer release of this tool
    may know it.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc9669
    """

    code = "INS001"
    name = "instruction-unknown"
    severity = Severity.ERROR
    step = Step.STRUCTURE
    help_text = "correct whatever generated the code; no verifier takes this encoding"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every unknown encoding and why it is unknown."""
        del function
        return [
            (insn.index, f"has an unknown instruction: {explain_unknown(insn)}")
            for insn in facts.unknown
        ]
