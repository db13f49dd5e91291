"""ELF003."""

from __future__ import annotations

from ebpf_static.findings import Severity
from ebpf_static.plugins import RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ReadProblem
from ebpf_static.target import Platform
from ebpf_static_rules.bases import ProblemRule

# A relocation of an unexpected type still says where it points; libbpf never looks at the type.
_HARMLESS = "does not belong on an instruction"


class RelocationUnresolved(ProblemRule):
    """A relocation of the code cannot be resolved.

    What it does
    ------------
    Reports relocations on code that point at nothing a loader can put there: a symbol in a
    section without maps, data or code, a place that is no instruction, an instruction that takes
    no relocation, a call into nowhere. A relocation of a type that does not belong on code is a
    warning.

    Why it matters
    --------------
    libbpf refuses the whole object (`LIBBPF_ERRNO__RELOC`), not just the program concerned.

    Example
    -------
    ::

        __attribute__((section("custom"))) int setting = 3;     // no data section libbpf knows

        SEC("xdp")
        int filter(struct xdp_md *ctx) { return setting; }

    How to fix
    ----------
    Keep variables in `.data`, `.rodata` or `.bss`, or a section that starts with one of these
    and a dot, and build the object again if a tool has rewritten it.

    References
    ----------
    https://docs.kernel.org/bpf/llvm_reloc.html
    """

    code = "ELF003"
    name = "relocation-unresolved"
    severity = Severity.ERROR
    refused_by_loader = "unresolvable_relocations"
    stage = Stage.OPEN
    step = Step.OPEN_CODE
    kind = "relocation"
    help_text = (
        "keep variables in sections called `.data`, `.rodata` or `.bss` (or `.data.NAME`), and "
        "build the object again"
    )

    def severity_of(
        self, problem: ReadProblem, spec: CollectionSpec, context: RuleContext
    ) -> Severity:
        """Return error where libbpf refuses the object."""
        linux = context.judged_platform(spec) is Platform.LINUX
        return Severity.ERROR if linux and _HARMLESS not in problem.what else Severity.WARNING
