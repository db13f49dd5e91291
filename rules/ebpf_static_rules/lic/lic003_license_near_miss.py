"""LIC003."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.licenses import suggest_license
from ebpf_static_rules.evidence import is_foreign
from ebpf_static_rules.lic.gpl import is_compatible, needs_gpl


class LicenseNearMiss(Rule):
    """The licence looks like a GPL to people, not to the kernel.

    What it does
    ------------
    Warns about licence strings that differ from a GPL-compatible one in spelling only, such as
    `gpl`, `GPLv2`, `GPL-2.0-only` or `Dual MIT / GPL`, as long as nothing in the object needs the
    licence: LIC001, LIC004 and LIC010 report what does.

    Why it matters
    --------------
    The kernel compares byte for byte, so the programs count as proprietary. The next call of a
    GPL-only helper fails to load, in an object that says GPL.

    Example
    -------
    ::

        char LICENSE[] SEC("license") = "GPL-2.0";       // an SPDX identifier

    How to fix
    ----------
    Write the string the kernel knows; the finding names it.

    References
    ----------
    https://docs.kernel.org/bpf/bpf_licensing.html
    """

    code = "LIC003"
    name = "license-near-miss"
    severity = Severity.WARNING
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding when another spelling was probably meant."""
        if not spec.license or is_compatible(spec) or is_foreign(spec, Platform.LINUX):
            return
        meant = suggest_license(spec.license)
        if meant is None or needs_gpl(spec, context):
            return
        yield self.finding(
            context,
            f"licence `{spec.license}` is not GPL-compatible to the kernel, which knows it as "
            f"`{meant}`",
            Locator(spec, context).object("license"),
            help=f'write `char LICENSE[] SEC("license") = "{meant}";`',
        )
