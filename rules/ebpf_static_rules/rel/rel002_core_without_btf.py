"""REL002."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform

_SECTION = ".BTF.ext"


class CoreWithoutBtf(Rule):
    """The object has CO-RE and line records, and no BTF to read them by.

    What it does
    ------------
    Warns about a `.BTF.ext` section in an object without a `.BTF` section.

    Why it matters
    --------------
    libbpf says "Ignore ELF section .BTF.ext because its depending ELF section .BTF is not found"
    and loads the programs with their CO-RE relocations left out: they read the fields of the
    kernel the object was compiled against, wherever those are on the kernel it runs on.

    Example
    -------
    ::

        llvm-objcopy --remove-section .BTF probe.bpf.o

    How to fix
    ----------
    Keep both sections, or remove both when the object has no CO-RE relocations.

    References
    ----------
    https://docs.kernel.org/bpf/btf.html#btf-ext-section
    """

    code = "REL002"
    name = "core-without-btf"
    severity = Severity.WARNING
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding."""
        if spec.elf is None:
            return
        ext, btf = spec.elf.find_section(_SECTION), spec.elf.find_section(".BTF")
        if ext is not None and ext.size and (btf is None or not btf.size):
            yield self.finding(
                context,
                "object has `.BTF.ext` but no `.BTF`, so CO-RE relocations are not applied",
                Locator(spec, context).object(_SECTION, ext.offset),
                help="keep `.BTF` and `.BTF.ext` together",
            )
