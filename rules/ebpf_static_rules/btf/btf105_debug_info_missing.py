"""BTF105."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec


class DebugInfoMissing(Rule):
    """The object has no type information, or no source lines.

    What it does
    ------------
    Notes that a compiled object has no `.BTF` section: it was compiled without `-g`, or stripped.

    Why it matters
    --------------
    Without BTF there are no source lines in findings and verifier logs, no names for the values
    of maps (`bpftool map dump`), no maps in `.maps`, no CO-RE, and no global functions verified
    on their own.

    Example
    -------
    ::

        clang -O2 -target bpf -c probe.bpf.c -o probe.bpf.o       # no -g

    How to fix
    ----------
    Compile with `-g`, and strip with `llvm-strip -g`, which drops DWARF and keeps BTF.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html
    """

    code = "BTF105"
    name = "debug-info-missing"
    severity = Severity.NOTE

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield at most one finding."""
        if spec.elf is None or spec.btf is not None or not spec.functions:
            return
        section = spec.elf.find_section(".BTF")
        if section is not None and section.size:
            return  # BTF001: there, and malformed
        yield self.finding(
            context,
            "object has no type information, so findings cannot name source lines",
            Locator(spec, context).object(),
            help="compile with `-g`, and strip with `llvm-strip -g`",
        )
