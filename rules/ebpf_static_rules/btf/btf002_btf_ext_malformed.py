"""BTF002."""

from __future__ import annotations

from ebpf_static.findings import Severity
from ebpf_static.plugins import RuleContext
from ebpf_static.specs import CollectionSpec, ReadProblem
from ebpf_static.target import Platform
from ebpf_static_rules.bases import ProblemRule, refuses_bad_btf


class BtfExtMalformed(ProblemRule):
    """The `.BTF.ext` section cannot be read.

    What it does
    ------------
    Warns about function, line or CO-RE records that contradict themselves.

    Why it matters
    --------------
    libbpf says "Ignored and continue" and loads the programs with their CO-RE relocations left
    out: field offsets stay those of the kernel the object was compiled against, and the program
    reads the wrong memory on any other.

    Example
    -------
    An object whose `.BTF.ext` was truncated, or left behind by a tool that replaced `.BTF`.

    How to fix
    ----------
    Build the object again, and let tools that replace `.BTF` replace both sections.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html#btf-ext-section
    """

    code = "BTF002"
    name = "btf-ext-malformed"
    severity = Severity.WARNING
    kind = "btf-ext"
    help_text = "build the object again, and check the tools that rewrite it"

    def severity_of(
        self, problem: ReadProblem, spec: CollectionSpec, context: RuleContext
    ) -> Severity:
        """Return the rule's own severity: libbpf goes on without the section; others do not."""
        del problem
        linux = context.judged_platform(spec) is Platform.LINUX
        return Severity.ERROR if linux and refuses_bad_btf(context) else self.severity

    def message_of(self, problem: ReadProblem) -> str:
        """Name the section, the defect, and what is lost."""
        return f"section `.BTF.ext` is malformed ({problem.what}); CO-RE and source lines are lost"
