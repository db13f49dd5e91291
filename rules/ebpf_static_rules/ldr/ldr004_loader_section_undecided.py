"""LDR004."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import loader_version
from ebpf_static.target import Library, Platform, Version
from ebpf_static.uapi.sections import is_old_cilium_agreed

CILIUM_READ = Version(0, 22)
"""The release whose sections are known; of 0.11 only where it agrees."""


def is_undecided(program: ProgramSpec, context: RuleContext) -> bool:
    """Tell whether releases of the loader differ about a section, and its own was not read."""
    loader = context.loader
    if loader.library is not Library.CILIUM or not loader_version(loader) < CILIUM_READ:
        return False
    return not is_old_cilium_agreed(program.section)


class LoaderSectionUndecided(Rule):
    """Releases of the loader differ about a section's name, and nobody read the one named.

    What it does
    ------------
    Judges for releases of cilium/ebpf before 0.22. The table of sections of 0.11 and that of 0.22
    were read; a program whose section they take differently is undecided in between.

    Why it matters
    --------------
    The program's type follows from the name: another type has other helpers and another context.

    Example
    -------
    ::

        ebpf-static check --loader cilium:0.17 probe.o   # with SEC("netfilter")

    How to fix
    ----------
    Name the release that is used, if it is 0.22 or newer, or try it.

    References
    ----------
    https://github.com/cilium/ebpf/blob/main/elf_reader.go (`getProgType`)
    """

    code = "LDR004"
    name = "loader-section-undecided"
    severity = Severity.NOTE
    step = Step.PREPARE
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each such program."""
        for program in spec.programs:
            if is_undecided(program, context):
                yield self.finding(
                    context,
                    f"section `{program.section}` of program `{program.name}` is read one way by "
                    f"cilium/ebpf 0.11 and another by {CILIUM_READ}; which of them "
                    f"{context.loader.label} does "
                    "is not known",
                    Locator(spec, context).function(program),
                    help=f"use cilium/ebpf {CILIUM_READ} or newer",
                    confidence=Confidence.LOW,
                    undecided=True,
                )
