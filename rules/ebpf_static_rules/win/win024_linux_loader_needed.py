"""WIN024."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ExternKind, ExternSpec
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.releases import find_gap
from ebpf_static_rules.wording import count, listed, tick

_MODULE_TAG = "module_id:"
_FUNCTIONS_SINCE = "1.5.0"
_WORDS = {
    ExternKind.KCONFIG: "kernel configuration value",
    ExternKind.KSYM: "kernel symbol",
    ExternKind.KFUNC: "kernel function",
}


class LinuxLoaderNeeded(WindowsRule):
    """The object needs something only a Linux loader and kernel provide.

    What it does
    ------------
    Reports externs that are kernel configuration, kernel symbols or kernel functions, and programs
    that load with flags (sleepable, XDP with fragments), and warns about CO-RE relocations.
    struct_ops is MAP101's and PRG101's. A function extern that names its module
    (`module_id:{GUID}`) is resolved by efW itself from 1.5 on, in native images.

    Why it matters
    --------------
    No loader on Windows resolves them. CO-RE relocations are applied to the types in the object
    itself, which changes nothing: there is no kernel BTF to relocate to.

    Example
    -------
    ::

        extern int LINUX_KERNEL_VERSION __kconfig;

    How to fix
    ----------
    Leave them out of the Windows build. Take functions of an extension by module.

    References
    ----------
    vbpf/prevail: src/io/elf_extern_resolve.cpp, src/io/elf_core_reloc.cpp;
    microsoft/ebpf-for-windows: docs/BtfResolvedFunctions.md
    """

    code = "WIN024"
    name = "linux-loader-needed"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each extern, one for each program flag and one for CO-RE."""
        for extern in spec.externs:
            finding = self._extern(extern, context, locate)
            if finding is not None:
                yield finding
        sleepable = [it for it in spec.programs if it.sleepable]
        frags = [it for it in spec.programs if it.xdp_frags]
        for programs, how in ((sleepable, "as sleepable"), (frags, "with XDP fragments")):
            if programs:
                names = listed([tick(it.name) for it in programs])
                yield self.finding(
                    context,
                    f"{names} must be loaded {how}: prog_flags must be 0 on eBPF for Windows",
                    locate.function(programs[0]),
                    help="leave the programs out of the Windows build, or use the plain section",
                )
        yield from self._core(spec, context, locate)

    def _extern(self, extern: ExternSpec, context: RuleContext, locate: Locator) -> Finding | None:
        place = locate.object(extern.section).model_copy(update={"symbol": extern.name})
        tagged = any(tag.startswith(_MODULE_TAG) for tag in extern.tags)
        if tagged and extern.kind in (ExternKind.KFUNC, ExternKind.UNKNOWN):
            gap = find_gap(context, _FUNCTIONS_SINCE)
            if gap is None:
                return None
            return self.finding(
                context,
                f"`{extern.name}` is a function resolved by BTF, {gap.words}, in native images",
                place,
                help="ship to a release that resolves it",
                severity=gap.severity,
                targeted=True,
            )
        if extern.kind not in _WORDS:
            return None  # REL001's: nothing says what it is
        kind = _WORDS[extern.kind]
        weak = ", which reads as zero on Linux when missing" if extern.weak else ""
        return self.finding(
            context,
            f"`{extern.name}` is a {kind}{weak}; eBPF for Windows resolves none",
            place,
            help="leave it out of the Windows build",
        )

    def _core(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        sections = () if spec.btf_ext is None else spec.btf_ext.core_sections
        if sections:
            yield self.finding(
                context,
                f"object has CO-RE relocations for {count(len(sections), 'section')}; eBPF for "
                "Windows relocates to the object's own types, so offsets stay as compiled",
                locate.object(sections[0]),
                help="compile against the headers of the release shipped to, without CO-RE",
                severity=Severity.WARNING,
                related=tuple(f"section {name}" for name in sections[:5]),
            )
