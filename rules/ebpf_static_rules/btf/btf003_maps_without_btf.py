"""BTF003."""

from __future__ import annotations

from ebpf_static.findings import Severity
from ebpf_static.plugins import RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec, ReadProblem
from ebpf_static.target import Platform
from ebpf_static_rules.bases import ProblemRule


class MapsWithoutBtf(ProblemRule):
    """Maps are declared in `.maps`, but there is no BTF that says what they are.

    What it does
    ------------
    Reports a `.maps` section in an object without usable `.BTF`. eBPF for Windows reads such a
    section as fixed records instead, so there it is a warning.

    Why it matters
    --------------
    A map in `.maps` is nothing but its type: the section's bytes are zero. libbpf refuses the
    object with "BTF is required, but is missing or corrupted".

    Example
    -------
    ::

        clang -O2 -target bpf -c probe.bpf.c -o probe.bpf.o       # no -g
        llvm-strip probe.bpf.o                                    # takes .BTF, too

    How to fix
    ----------
    Compile with `-g`, and strip with `llvm-strip -g`, which drops DWARF and keeps BTF.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html
    https://github.com/libbpf/libbpf/issues/667
    """

    code = "BTF003"
    name = "maps-without-btf"
    severity = Severity.ERROR
    stage = Stage.OPEN
    step = Step.OPEN
    kind = "maps"
    help_text = "compile with `-g`, and strip with `llvm-strip -g`"

    def severity_of(
        self, problem: ReadProblem, spec: CollectionSpec, context: RuleContext
    ) -> Severity:
        """Return error where libbpf refuses the object."""
        del problem
        linux = context.judged_platform(spec) is Platform.LINUX
        return Severity.ERROR if linux else Severity.WARNING
