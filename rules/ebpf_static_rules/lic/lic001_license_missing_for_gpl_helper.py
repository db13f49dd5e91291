"""LIC001."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.lic.gpl import describe, is_compatible, iter_gpl_helpers, licence_help
from ebpf_static_rules.meetings import BEHIND_A_QUESTION, iter_meetings
from ebpf_static_rules.wording import listed


class LicenseMissingForGplHelper(Rule):
    """A program calls a GPL-only helper, and the object's licence is not GPL-compatible.

    What it does
    ------------
    Reports calls of helpers the kernel keeps to GPL-compatible programs, in an object without a
    `license` section or with a licence the kernel does not count as GPL-compatible. The string is
    compared as the kernel does: byte for byte with `GPL`, `GPL v2`, `GPL and additional rights`,
    `Dual BSD/GPL`, `Dual MIT/GPL` and `Dual MPL/GPL`.

    Why it matters
    --------------
    Loading fails: "cannot call GPL-restricted function from non-GPL compatible program".

    Example
    -------
    ::

        char LICENSE[] SEC("license") = "Apache-2.0";

        SEC("kprobe/do_unlinkat")
        int probe(struct pt_regs *ctx) { bpf_printk("unlink"); return 0; }

    How to fix
    ----------
    State a compatible licence if the source may be so licensed: dual licences cover permissively
    licensed sources. Otherwise do without the helper.

    References
    ----------
    https://docs.kernel.org/bpf/bpf_licensing.html
    """

    code = "LIC001"
    name = "license-missing-for-gpl-helper"
    severity = Severity.ERROR
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each function and GPL-only helper."""
        if is_compatible(spec):
            return
        locate = Locator(spec, context)
        for function, helper, calls in iter_gpl_helpers(spec, context):
            what = (
                f"`{function.name or function.section}` calls the GPL-only helper "
                f"`bpf_{helper.name}`, and {describe(spec)}"
            )
            for surely, insn, programs in iter_meetings(spec, context, function, calls):
                yield self.finding(
                    context,
                    what if surely else f"{what}, {BEHIND_A_QUESTION}",
                    locate.function(function, insn),
                    help=licence_help(spec),
                    severity=None if surely else Severity.NOTE,
                    related=(f"called at insn {listed(calls)}",) if len(calls) > 1 else (),
                    programs=programs,
                    undecided=not surely,
                )
