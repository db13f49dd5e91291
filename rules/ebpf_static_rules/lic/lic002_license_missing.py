"""LIC002."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.evidence import is_foreign
from ebpf_static_rules.lic.gpl import licence_help, needs_gpl


class LicenseMissing(Rule):
    """The object has programs and states no licence.

    What it does
    ------------
    Notes objects with programs and without a `license` section, or with an empty one, as long as
    nothing in them needs a licence: LIC001, LIC004 and LIC010 report what does.

    Why it matters
    --------------
    The kernel then treats the programs as proprietary. They load, until somebody adds a call of
    `bpf_printk` or a kernel function.

    Example
    -------
    ::

        SEC("xdp")
        int pass(struct xdp_md *ctx) { return XDP_PASS; }        // the whole source

    How to fix
    ----------
    State the licence of the source::

        char LICENSE[] SEC("license") = "Dual BSD/GPL";

    References
    ----------
    https://docs.kernel.org/bpf/bpf_licensing.html
    """

    code = "LIC002"
    name = "license-missing"
    severity = Severity.NOTE
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one note."""
        if spec.license or not spec.programs or is_foreign(spec, Platform.LINUX):
            return
        if needs_gpl(spec, context):
            return
        what = "has no `license` section" if spec.license is None else "has an empty licence"
        yield self.finding(
            context,
            f"object {what}, so the kernel counts its programs as proprietary",
            Locator(spec, context).object("license" if spec.license is not None else None),
            help=licence_help(spec),
        )
