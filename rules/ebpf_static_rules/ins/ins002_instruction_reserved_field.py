"""INS002."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.bases import CodeRule, in_words
from ebpf_static_rules.code import CodeFacts
from ebpf_static_rules.wording import listed


class InstructionReservedField(CodeRule):
    """An instruction has something in a field it does not use.

    What it does
    ------------
    Reports instructions whose reserved registers, offset or immediate are not zero. Instructions
    a relocation rewrites are left out. On Windows it is a warning.

    Why it matters
    --------------
    The Linux verifier refuses them where they can run ("BPF_ALU uses reserved fields"), because
    a later release may give the field a meaning: signed division is a division with offset 1.

    Example
    -------
    A `mov` with an offset, made by a compiler for ISA v4 and patched by a tool that knows v3.

    How to fix
    ----------
    Correct the generator: fields an instruction does not use must be zero.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc9669#section-3
    """

    code = "INS002"
    name = "instruction-reserved-field"
    severity = Severity.ERROR
    reached_only = True
    help_text = "set fields the instruction does not use to zero"

    def severity_for(self, spec: CollectionSpec, context: RuleContext) -> Severity:
        """Return warning where the verifier is known to be more lenient."""
        linux = context.judged_platform(spec) is Platform.LINUX
        return Severity.ERROR if linux else Severity.WARNING

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every instruction with a reserved field in use."""
        del function
        return [
            (insn.index, f"uses reserved fields: {in_words(insn)} sets {listed(fields)}")
            for insn, fields in facts.reserved
        ]
