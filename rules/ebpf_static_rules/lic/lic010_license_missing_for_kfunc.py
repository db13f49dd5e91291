"""LIC010."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static_rules.lic.gpl import describe, is_compatible, iter_kfuncs, licence_help


class LicenseMissingForKfunc(Rule):
    """A program calls a kernel function, and the object's licence is not GPL-compatible.

    What it does
    ------------
    Reports calls of kfuncs in an object whose licence the kernel does not count as
    GPL-compatible. A weak one is a warning: without it in the kernel, the call goes away.

    Why it matters
    --------------
    Loading fails: "cannot call kernel function from non-GPL compatible program".

    Example
    -------
    ::

        extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;

        char LICENSE[] SEC("license") = "Apache-2.0";

    How to fix
    ----------
    State a GPL-compatible licence if the source may be so licensed, or do without the kfunc.

    References
    ----------
    https://docs.kernel.org/bpf/kfuncs.html
    """

    code = "LIC010"
    name = "license-missing-for-kfunc"
    severity = Severity.ERROR
    step = Step.STRUCTURE
    platforms = (Platform.LINUX,)

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each function and kfunc."""
        if is_compatible(spec):
            return
        locate = Locator(spec, context)
        for call in iter_kfuncs(spec):
            what = f"the kernel function `{call.name}`" if call.name else "a kernel function"
            yield self.finding(
                context,
                f"`{call.function.name or call.function.section}` calls {what}, and "
                f"{describe(spec)}",
                locate.function(call.function, call.at),
                help=licence_help(spec),
                severity=Severity.WARNING if call.weak else Severity.ERROR,
            )
