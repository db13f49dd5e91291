"""INS007."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.specs import FunctionSpec
from ebpf_static_rules.bases import CodeRule, in_words
from ebpf_static_rules.code import CodeFacts


class FramePointerWritten(CodeRule):
    """An instruction writes the frame pointer.

    What it does
    ------------
    Reports arithmetic, loads and atomic operations whose result goes to r10.

    Why it matters
    --------------
    r10 is read only. Verifiers refuse the program: "frame pointer is read only".

    Example
    -------
    ::

        asm volatile("r10 += -8");

    How to fix
    ----------
    Copy r10 to another register and change that.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc9669#section-2
    """

    code = "INS007"
    name = "frame-pointer-written"
    severity = Severity.ERROR
    reached_only = True
    help_text = "copy r10 to another register and change the copy"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every write of r10."""
        del function
        return [(insn.index, f"writes r10: {in_words(insn)}") for insn in facts.frame_writes]
