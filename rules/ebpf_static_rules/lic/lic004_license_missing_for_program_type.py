"""LIC004."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.facts import program_type
from ebpf_static_rules.lic.gpl import describe, is_compatible, iter_gpl_programs, licence_help


class LicenseMissingForProgramType(Rule):
    """A program is of a GPL-only type, and the object's licence is not GPL-compatible.

    What it does
    ------------
    Reports LSM and struct_ops programs in an object whose licence the kernel does not count as
    GPL-compatible.

    Why it matters
    --------------
    Loading fails whatever the program does: "LSM programs must have a GPL compatible license",
    "struct ops programs must have a GPL compatible license".

    Example
    -------
    ::

        char LICENSE[] SEC("license") = "MIT";

        SEC("lsm/file_open")
        int BPF_PROG(open, struct file *file) { return 0; }

    How to fix
    ----------
    State a GPL-compatible licence, for instance `Dual MIT/GPL`.

    References
    ----------
    https://docs.kernel.org/bpf/bpf_licensing.html
    https://docs.kernel.org/bpf/prog_lsm.html
    """

    code = "LIC004"
    name = "license-missing-for-program-type"
    severity = Severity.ERROR
    step = Step.PROGRAM
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such program."""
        if is_compatible(spec):
            return
        for program in iter_gpl_programs(spec):
            type_ = program_type(program, Platform.LINUX)
            yield self.finding(
                context,
                f"program `{program.name}` is of the GPL-only type {type_.name}, and "
                f"{describe(spec)}",
                Locator(spec, context).function(program),
                help=licence_help(spec),
            )
