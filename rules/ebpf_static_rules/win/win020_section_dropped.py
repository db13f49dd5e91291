"""WIN020."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, SectionSpec
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.wording import count

_ALLOC_EXEC = 0x6
_FLAG_NAMES = (
    (0x1, "WRITE"),
    (0x2, "ALLOC"),
    (0x4, "EXECINSTR"),
    (0x10, "MERGE"),
    (0x20, "STRINGS"),
    (0x200, "GROUP"),
    (0x400, "TLS"),
    (0x800, "COMPRESSED"),
)


class SectionDropped(WindowsRule):
    """bpf2c passes over a section: its programs or maps are not in the native image.

    What it does
    ------------
    Reports code sections whose flags are not exactly ALLOC and EXECINSTR, and map sections called
    `.maps/…`.

    Why it matters
    --------------
    The verifier takes both, so `netsh ebpf show verification` is content; bpf2c skips a code
    section with another flag (a COMDAT group, WRITE) without a word, and does not know `.maps/…`.

    Example
    -------
    ::

        // a template in C++, emitted into a COMDAT group: flags ALLOC|EXECINSTR|GROUP

    How to fix
    ----------
    Give programs plain sections, and put all BTF maps into `.maps`.

    References
    ----------
    microsoft/ebpf-for-windows: tools/bpf2c/bpf_code_generator.cpp
    """

    code = "WIN020"
    name = "section-dropped"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each section that bpf2c drops."""
        if spec.elf is None:
            return
        holding: dict[int, int] = {}
        for program in spec.programs:
            holding[program.section_index] = holding.get(program.section_index, 0) + 1
        for section in spec.elf.sections:
            programs = holding.get(section.index, 0)
            if section.is_executable and section.flags != _ALLOC_EXEC and programs:
                yield self.finding(
                    context,
                    f"section `{section.name}` has flags {_named(section)}; bpf2c takes exactly "
                    f"ALLOC|EXECINSTR and drops its {count(programs, 'program')}",
                    locate.object(section.name, section.offset),
                    help="put the programs into a plain section",
                )
            elif section.name.startswith(".maps/"):
                yield self.finding(
                    context,
                    f"section `{section.name}` holds maps for the verifier, but not for bpf2c",
                    locate.object(section.name, section.offset),
                    help="put the maps into `.maps`",
                )


def _named(section: SectionSpec) -> str:
    names = [name for bit, name in _FLAG_NAMES if section.flags & bit]
    rest = section.flags & ~sum(bit for bit, _ in _FLAG_NAMES)
    return "|".join(names + ([f"{rest:#x}"] if rest else [])) or "0"
