"""INS010."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.specs import FunctionSpec
from ebpf_static_rules.bases import CodeRule
from ebpf_static_rules.code import CodeFacts
from ebpf_static_rules.wording import listed


class RegisterUnknown(CodeRule):
    """An instruction names a register that does not exist.

    What it does
    ------------
    Reports instructions whose source or destination is none of r0 to r10.

    Why it matters
    --------------
    The field has room for sixteen registers and there are eleven. Verifiers refuse the others:
    "R11 is invalid". LLVM uses r11 inside and complains itself before it writes one.

    Example
    -------
    An object read in the wrong byte order, or code made by hand.

    How to fix
    ----------
    Correct the generator.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc9669#section-2
    """

    code = "INS010"
    name = "register-unknown"
    severity = Severity.ERROR
    reached_only = True
    help_text = "use r0 to r10"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every instruction with such a register."""
        del function
        return [
            (insn.index, f"names a register beyond r10: {listed(_fields(insn, fields))}")
            for insn, fields in facts.registers
        ]


def _fields(instruction: object, fields: tuple[str, ...]) -> list[str]:
    return [f"{name} is r{getattr(instruction, name)}" for name in fields]
