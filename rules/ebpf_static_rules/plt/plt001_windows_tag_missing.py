"""PLT001."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.evidence import TAG_LINE, TAG_SECTION, evidence_for, evidence_lines


class WindowsTagMissing(Rule):
    """The object is made for eBPF for Windows, but does not say so.

    What it does
    ------------
    Reports an ELF object that is a Windows object by what it contains (a section name, a context
    type, a helper number only eBPF for Windows has) and lacks the `.ebpf_for_windows` section.
    It does not fire when Linux is the platform asked for: PLT003 says what matters then.

    Why it matters
    --------------
    Linux and Windows objects are the same kind of file, and the same numbers mean other things:
    map type 13 is a ring buffer on Windows and a hash of maps on Linux. A loader that has to
    guess reads an untagged object with the wrong numbers, and nothing fails until it runs.

    Example
    -------
    ::

        #include "bpf_helpers.h"          // of a release before 0.20, which defines no tag

        SEC("bind")
        bind_action_t authorize(bind_md_t *ctx) { return BIND_PERMIT; }

    How to fix
    ----------
    Compile with the headers of eBPF for Windows 0.20 or newer, or add the line yourself::

        const bool __ebpf_for_windows_tag __attribute__((section(".ebpf_for_windows"))) = true;

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/bpf_helpers.h
    """

    code = "PLT001"
    name = "windows-tag-missing"
    severity = Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding when the evidence says Windows and there is no tag."""
        wanted = spec.platform is Platform.WINDOWS and context.platform is not Platform.LINUX
        if not wanted or spec.elf is None or spec.tag is not None:
            return
        yield self.finding(
            context,
            f"object is made for eBPF for Windows but has no `{TAG_SECTION}` section",
            Locator(spec, context).object(),
            help=f"add this line to one of its C sources: {TAG_LINE}",
            related=evidence_lines(evidence_for(spec, Platform.WINDOWS)),
        )
