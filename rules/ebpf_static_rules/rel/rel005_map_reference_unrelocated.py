"""REL005."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf_static.findings import Severity
from ebpf_static.specs import FunctionSpec
from ebpf_static_rules.bases import CodeRule, in_words
from ebpf_static_rules.code import CodeFacts


class MapReferenceUnrelocated(CodeRule):
    """A map reference is a number that only had meaning in another process.

    What it does
    ------------
    Warns about LDDW instructions that are marked as map references (file descriptor or index)
    and have no relocation.

    Why it matters
    --------------
    Only a loader can know the descriptor of a map. Without a relocation it leaves the number as
    it stands, which is another file in its own process, or none: `-EBADF`.

    Example
    -------
    Code dumped from a loader after relocation, or an object whose relocations were stripped.

    How to fix
    ----------
    Keep relocations: strip with `llvm-strip -g`, never with `--strip-all`.

    References
    ----------
    https://www.rfc-editor.org/rfc/rfc9669#section-5.4
    """

    code = "REL005"
    name = "map-reference-unrelocated"
    severity = Severity.WARNING
    help_text = "keep the object's relocations; strip with `llvm-strip -g`"

    def find(self, function: FunctionSpec, facts: CodeFacts) -> Sequence[tuple[int, str]]:
        """Return every such instruction."""
        del function
        return [
            (insn.index, f"refers to a map by number, without a relocation: {in_words(insn)}")
            for insn in facts.map_words
        ]
