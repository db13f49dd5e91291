"""PLT002."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.evidence import (
    ENOUGH,
    TAG_SECTION,
    evidence_for,
    evidence_lines,
    weight_of,
)


def is_contradicted(spec: CollectionSpec) -> bool:
    """Tell whether an object is tagged for Windows while its content speaks for Linux."""
    if spec.tag is None:
        return False
    linux = weight_of(evidence_for(spec, Platform.LINUX))
    return linux >= ENOUGH and linux > weight_of(evidence_for(spec, Platform.WINDOWS))


class WindowsTagContradicted(Rule):
    """The object is tagged for eBPF for Windows, but its content is Linux's.

    What it does
    ------------
    Reports an object with an `.ebpf_for_windows` section whose other evidence (section names,
    helper numbers, BTF types, CO-RE relocations) speaks for Linux.

    Why it matters
    --------------
    Whoever trusts the tag reads Linux numbers as Windows numbers. Typically a Linux source was
    compiled with the Windows headers on the include path, or the tag was pasted into a header
    shared by both builds.

    Example
    -------
    ::

        const bool __ebpf_for_windows_tag __attribute__((section(".ebpf_for_windows"))) = true;

        SEC("kprobe/do_unlinkat")
        int probe(struct pt_regs *ctx) { return 0; }

    How to fix
    ----------
    Remove the tag from the Linux build, for instance by keeping it behind the macro that selects
    the Windows headers.

    References
    ----------
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/bpf_helpers.h
    """

    code = "PLT002"
    name = "windows-tag-contradicted"
    severity = Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding when the tag and the content disagree."""
        if not is_contradicted(spec):
            return
        yield self.finding(
            context,
            "object is tagged for eBPF for Windows but its content is made for Linux",
            Locator(spec, context).object(TAG_SECTION),
            help="remove the tag from the Linux build, or compile the Windows source instead",
            related=evidence_lines(evidence_for(spec, Platform.LINUX)),
        )
