"""INS011."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.specs import FunctionSpec
from ebpf_static_rules.bases import CodeRule, in_words
from ebpf_static_rules.code import STACK_BYTES, CodeFacts


class StackAccessOutOfBounds(CodeRule):
    """A load or store through the frame pointer misses the stack.

    What it does
    ------------
    Reports memory accesses based on r10 itself that reach more than 512 bytes below it, or above
    it. Accesses through copies of r10 take a verifier to judge.

    Why it matters
    --------------
    A function has 512 bytes of stack on both platforms. Verifiers refuse the program: "invalid
    write to stack R10 off=-520 size=8".

    Example
    -------
    ::

        SEC("kprobe/do_unlinkat")
        int probe(struct pt_regs *ctx)
        {
                char path[4096] = {};
                …
        }

    How to fix
    ----------
    Keep large buffers in a map: a per-CPU array with one element is the usual scratch space.

    References
    ----------
    https://docs.kernel.org/bpf/bpf_design_QA.html
    """

    code = "INS011"
    name = "stack-access-out-of-bounds"
    severity = Severity.ERROR
    reached_only = True
    help_text = f"keep at most {STACK_BYTES} bytes on the stack; put large buffers into a map"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every such access."""
        del function
        return [
            (insn.index, f"reaches outside its {STACK_BYTES} bytes of stack: {in_words(insn)}")
            for insn in facts.stack
        ]
