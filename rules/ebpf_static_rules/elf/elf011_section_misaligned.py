"""ELF011."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec

_INSN_BYTES = 8
_SHT_NOBITS = 8


class SectionMisaligned(Rule):
    """A section does not start where its alignment says.

    What it does
    ------------
    Warns about code sections that start at a file offset that is no multiple of 8, and about any
    section whose file offset is no multiple of its own alignment.

    Why it matters
    --------------
    No compiler writes such an object: something has rewritten it, and what rewrites offsets
    wrongly may have rewritten more. Loaders that map the file and read instructions in place
    fault on machines that require alignment.

    Example
    -------
    An object cut out of another file by hand, or packed by a tool that ignores `sh_addralign`.

    How to fix
    ----------
    Build the object again; extract embedded objects with `llvm-objcopy --dump-section`.

    References
    ----------
    https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html
    """

    code = "ELF011"
    name = "section-misaligned"
    severity = Severity.WARNING

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield a finding for each misplaced section."""
        for section in spec.elf.sections if spec.elf is not None else ():
            if section.type == _SHT_NOBITS or not section.size:
                continue
            wanted = max(section.alignment, _INSN_BYTES if section.is_executable else 1)
            if section.offset % wanted:
                yield self.finding(
                    context,
                    f"section `{section.name}` starts at offset {section.offset:#x}, which is no "
                    f"multiple of its alignment {wanted}",
                    Locator(spec, context).object(section.name, section.offset),
                    help="build the object again",
                )
