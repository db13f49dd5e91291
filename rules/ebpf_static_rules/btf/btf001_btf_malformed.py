"""BTF001."""

from __future__ import annotations

from ebpf_static.findings import Severity
from ebpf_static.plugins import RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ReadProblem
from ebpf_static.target import Platform
from ebpf_static_rules.bases import ProblemRule, refuses_bad_btf

_NEEDS_BTF = (".maps", ".struct_ops", ".struct_ops.link", "?.struct_ops", "?.struct_ops.link")


class BtfMalformed(ProblemRule):
    """The `.BTF` section cannot be read.

    What it does
    ------------
    Reports type information whose header, types or strings contradict themselves. It is an error
    on Linux when the object depends on it: maps in `.maps`, struct_ops, or externs.

    Why it matters
    --------------
    libbpf stops with "BTF is required, but is missing or corrupted" in the first case. In the
    others it goes on without: no map values with names, no CO-RE, no source lines in logs.

    Example
    -------
    An object whose `.BTF` was edited or truncated after compiling, or written by a tool for the
    other byte order.

    How to fix
    ----------
    Build the object again with `-g`, and look at the tools that rewrite it (`pahole`, `objcopy`).

    References
    ----------
    https://docs.kernel.org/bpf/btf.html
    """

    code = "BTF001"
    name = "btf-malformed"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN
    kind = "btf"
    help_text = "build the object again with `-g`, and check the tools that rewrite it"

    def severity_of(
        self, problem: ReadProblem, spec: CollectionSpec, context: RuleContext
    ) -> Severity:
        """Return error where libbpf needs BTF, else warning."""
        del problem
        if context.judged_platform(spec) is not Platform.LINUX:
            return Severity.WARNING
        sections = spec.elf.sections if spec.elf is not None else ()
        declared = any(s.name in _NEEDS_BTF and s.size for s in sections)
        needed = declared or spec.externs or refuses_bad_btf(context)
        return Severity.ERROR if needed else Severity.WARNING

    def message_of(self, problem: ReadProblem) -> str:
        """Name the section, then the defect."""
        return f"section `.BTF` is malformed: {problem.what}"
