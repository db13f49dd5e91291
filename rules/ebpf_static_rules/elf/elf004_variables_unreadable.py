"""ELF004."""

from __future__ import annotations

from ebpf_static.findings import Severity
from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, ReadProblem
from ebpf_static_rules.bases import ProblemRule


class VariablesUnreadable(ProblemRule):
    """The global variables of a data section cannot be told apart.

    What it does
    ------------
    Warns when the symbols of a data section contradict the section or its BTF, so that the
    variables in it could not be listed. The section itself is a map all the same.

    Why it matters
    --------------
    Loaders set variables by name before loading (`skeleton->rodata->debug = true`); they will
    find none here, or write to the wrong bytes.

    Example
    -------
    A `.rodata` whose BTF lists a variable behind the end of the section, as a post-processing
    step leaves it that shrinks the section and not its BTF.

    How to fix
    ----------
    Build the object again, and look at the tools that rewrite it after the compiler.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html
    """

    code = "ELF004"
    name = "variables-unreadable"
    severity = Severity.WARNING
    kind = "variables"
    help_text = "build the object again, and check the tools that rewrite it after the compiler"

    def severity_of(
        self, problem: ReadProblem, spec: CollectionSpec, context: RuleContext
    ) -> Severity:
        """Return the rule's own severity."""
        del problem, spec, context
        return self.severity

    def message_of(self, problem: ReadProblem) -> str:
        """Say what cannot be done, then why."""
        return f"variables cannot be listed: {problem.what}"
