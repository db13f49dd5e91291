"""PRG001."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.target import Library, ObjectLoader, Platform
from ebpf_static.uapi.sections import match_linux_loose, suggest
from ebpf_static_rules.ldr.ldr004_loader_section_undecided import is_undecided
from ebpf_static_rules.prg.sections import iter_untyped
from ebpf_static_rules.wording import listed


class SectionUnknown(Rule):
    """A program's section name says no program type.

    What it does
    ------------
    Reports programs in sections whose name is none of libbpf's `SEC()` names, or, on Windows,
    starts with the name of no extension known here. Where only more tolerant loaders take a name,
    the finding says which, with medium confidence. A program in a `?` section, which is not loaded
    unless asked for, is a warning. On Windows it is always one: other extensions may be installed.

    Why it matters
    --------------
    libbpf 1.0 and newer refuse the program: "missing BPF prog type, check ELF section name". On
    Windows the program gets a context of size zero, and any access to it fails verification.

    Example
    -------
    ::

        SEC("xdp_filter")                  // taken by libbpf before 1.0, not since
        int filter(struct xdp_md *ctx) { return XDP_PASS; }

    How to fix
    ----------
    Use a name of libbpf's table. When the loader sets the type itself
    (`bpf_program__set_type`, `tc … section NAME`) or is one of the tolerant ones, ignore this rule.

    References
    ----------
    https://docs.kernel.org/bpf/libbpf/program_types.html
    https://github.com/libbpf/libbpf/wiki/Libbpf-1.0-migration-guide
    """

    code = "PRG001"
    name = "section-unknown"
    severity = Severity.ERROR
    step = Step.PREPARE

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each program whose section neither platform knows."""
        platform = context.judged_platform(spec)
        judge = self._on_windows if platform is Platform.WINDOWS else self._on_linux
        for program, elsewhere in iter_untyped(spec, platform):
            if elsewhere is None and not is_undecided(program, context):
                place = Locator(spec, context).function(program)
                meant = suggest(program.elf_section, platform)
                help_text = "name the section after the program's type"
                if meant is not None:
                    help_text = f'write `SEC("{meant}")`'
                severity, confidence, what = judge(program, context.loader)
                yield self.finding(
                    context, what, place, help=help_text, severity=severity,
                    confidence=confidence, programs=_stopped(spec, platform, context),
                )  # fmt: skip

    @staticmethod
    def _on_linux(program: ProgramSpec, loader: ObjectLoader) -> tuple[Severity, Confidence, str]:
        start = f"program `{program.name}` is in section `{program.elf_section}`"
        if loader != ObjectLoader():
            start = f"program `{program.name}` is in section `{program.section}`"
            does = " and passes over" if loader.library is Library.CILIUM else ""
            what = f"{start}, which {loader.label} does not know{does}"
            marked = loader.library is Library.LIBBPF and not program.autoload
            return Severity.WARNING if marked else Severity.ERROR, Confidence.HIGH, what
        severity = Severity.ERROR if program.autoload else Severity.WARNING
        loose = match_linux_loose(program.section)
        if loose is not None and loose.accepted_by:
            takers = loose.accepted_by
            verb = "takes it" if len(takers) == 1 else "take it"
            what = f"{start}, which libbpf 1.0 and newer do not know ({listed(takers)} {verb})"
            return severity, Confidence.MEDIUM, what
        what = f"{start}, which names no program type known to libbpf"
        return severity, Confidence.HIGH, what

    @staticmethod
    def _on_windows(program: ProgramSpec, loader: ObjectLoader) -> tuple[Severity, Confidence, str]:
        del loader
        what = (
            f"program `{program.name or program.section}` is in section `{program.section}`, "
            "which no known extension of eBPF for Windows registers"
        )
        return Severity.WARNING, Confidence.MEDIUM, what


def _stopped(spec: CollectionSpec, platform: Platform, context: RuleContext) -> tuple[str, ...]:
    """Return the programs that do not load beside the one concerned: with aya all of them."""
    if platform is not Platform.LINUX or context.loader.library is not Library.AYA:
        return ()
    return tuple(each.name for each in spec.programs)
