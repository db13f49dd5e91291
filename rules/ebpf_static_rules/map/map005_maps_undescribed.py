"""MAP005."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.btf import Kind
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform


class MapsUndescribed(Rule):
    """The object has BTF, but it does not describe the `.maps` section.

    What it does
    ------------
    Reports a `.maps` section for which the object's BTF has no DATASEC of that name.

    Why it matters
    --------------
    libbpf refuses the object ("DATASEC '.maps' not found"): the variables in the section cannot
    be told from each other, nor what they declare.

    Example
    -------
    An object whose `.BTF` was replaced by BTF generated from other sources.

    How to fix
    ----------
    Compile with `-g` and keep the compiler's `.BTF`.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html#btf-kind-datasec
    """

    code = "MAP005"
    name = "maps-undescribed"
    severity = Severity.ERROR
    refused_by_loader = "undescribed_maps"
    stage = Stage.OPEN
    step = Step.OPEN_MAPS

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding when `.maps` has bytes and the BTF knows nothing of it."""
        section = None if spec.elf is None else spec.elf.find_section(".maps")
        if section is None or not section.size or spec.btf is None:
            return
        if spec.btf.find(".maps", Kind.DATASEC) is not None:
            return
        linux = context.judged_platform(spec) is Platform.LINUX
        yield self.finding(
            context,
            "section `.maps` declares maps, but the BTF does not describe it",
            Locator(spec, context).object(section.name, section.offset),
            help="compile with `-g` and keep the compiler's `.BTF`",
            severity=Severity.ERROR if linux else Severity.WARNING,
        )
