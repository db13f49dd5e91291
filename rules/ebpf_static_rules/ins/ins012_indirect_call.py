"""INS012."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.plugins import Step
from ebpf_static.specs import FunctionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.bases import CodeRule, in_words
from ebpf_static_rules.code import CodeFacts


class IndirectCall(CodeRule):
    """A program calls through a register.

    What it does
    ------------
    Reports `callx` instructions.

    Why it matters
    --------------
    Compilers can make them, and no Linux release takes them ("unknown opcode 8d").

    Example
    -------
    ::

        static int (*handlers[])(void *) = { on_open, on_close };

        return handlers[kind](ctx);

    How to fix
    ----------
    Call by name in a `switch`, keep functions `static __always_inline`, or use a program array
    and `bpf_tail_call`.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc9669#section-4.3
    """

    code = "INS012"
    name = "indirect-call"
    severity = Severity.ERROR
    step = Step.STRUCTURE
    platforms = (Platform.LINUX,)
    help_text = "call functions by name, or use `bpf_tail_call` and a program array"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every call through a register."""
        del function
        return [
            (insn.index, f"calls through a register: {in_words(insn)}") for insn in facts.indirect
        ]
