"""ELF012."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform

_ET_REL = 1


class ObjectNotRelocatable(Rule):
    """The ELF file is no relocatable object.

    What it does
    ------------
    Reports a BPF ELF file whose type is not ET_REL. On Windows it is a warning.

    Why it matters
    --------------
    Loaders relocate objects themselves. libbpf takes nothing but ET_REL ("is not a valid eBPF
    object file"); a linked file has lost the relocations that name its maps.

    Example
    -------
    ::

        ld.lld -o probe probe.bpf.o

    How to fix
    ----------
    Load what the compiler wrote, or link objects with `bpftool gen object` or `ld.lld -r`.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/libbpf_overview.html
    """

    code = "ELF012"
    name = "object-not-relocatable"
    severity = Severity.ERROR
    refused_by_loader = "not_relocatable"
    stage = Stage.OPEN
    step = Step.OPEN

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for any other ELF type."""
        if spec.elf is None or spec.elf.type == _ET_REL:
            return
        linux = context.judged_platform(spec) is Platform.LINUX
        yield self.finding(
            context,
            f"ELF type is {spec.elf.type}, not 1 (ET_REL); {context.loader.label} loads "
            "relocatable objects only",
            Locator(spec, context).object(),
            help="load the compiler's own object, or link with `bpftool gen object`",
            severity=Severity.ERROR if linux else Severity.WARNING,
        )
