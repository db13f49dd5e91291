"""ELF005."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static_rules.bases import place_of

_OF_OTHER_RULES = frozenset({"btf", "btf-ext", "relocation", "map-values", "maps", "variables"})


class PartUnread(Rule):
    """A part of the object could not be read, and no other rule says what that means.

    What it does
    ------------
    Warns about every defect that reading stepped over and that has no rule of its own.

    Why it matters
    --------------
    What was not read was not judged. Without this warning a clean report would promise more than
    was looked at.

    Example
    -------
    A section whose size is no multiple of its records, so that the last one was left out.

    How to fix
    ----------
    Build the object again. If it comes straight from a compiler and loads, please report it.

    References
    ----------
    https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
    """

    code = "ELF005"
    name = "part-unread"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield a finding for each defect that has no rule of its own."""
        for problem in spec.problems:
            if problem.kind not in _OF_OTHER_RULES:
                yield self.finding(
                    context,
                    f"a part of the object was passed over: {problem.what}",
                    place_of(problem, context),
                    help="build the object again",
                    confidence=Confidence.MEDIUM,
                )
