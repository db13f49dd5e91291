"""REL003."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.specs import FunctionSpec, ReferenceKind
from ebpf_static_rules.bases import CodeRule
from ebpf_static_rules.code import CodeFacts

_CODE = (ReferenceKind.CALL, ReferenceKind.FUNCTION)


class CallIntoFunctionBody(CodeRule):
    """A call or callback points into the middle of a function.

    What it does
    ------------
    Warns about calls of the object's own functions, and addresses taken of them, that point
    behind their first instruction.

    Why it matters
    --------------
    libbpf calls the function's start instead, without a word.

    Example
    -------
    Assembly with a local label in the middle of a function that another one calls.

    How to fix
    ----------
    Make the called part a function with a symbol of its own.

    References
    ----------
    https://docs.kernel.org/bpf/llvm_reloc.html
    """

    code = "REL003"
    name = "call-into-function-body"
    severity = Severity.WARNING
    help_text = "give the code that is called a function symbol of its own"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every such call."""
        del facts
        return [
            (ref.index, f"refers to insn {ref.offset} of `{ref.name}`, not to its start")
            for ref in function.references
            if ref.kind in _CODE and ref.offset
        ]
