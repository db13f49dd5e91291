"""CTX203."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis import Flow
from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.returns import ReturnRange, find_range
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release
from ebpf_static_rules.ctx.exits import returned_numbers
from ebpf_static_rules.guards import runs_surely
from ebpf_static_rules.release import ReleaseRule, iter_flows


class ReturnValueRefused(ReleaseRule):
    """A program returns a number its type or attach type does not allow.

    What it does
    ------------
    Looks at the constants a program returns, on paths that lead nowhere else, and holds them
    against the range the kernel enforces for its program type and attach type: 0 or 1 for most
    cgroup programs, 0 for `fentry` and `fexit`, 0 or a negative error number for LSM hooks since
    Linux 6.12. Numbers that are worked out at run time are left alone.

    Why it matters
    --------------
    The verifier ends with "At program exit the register R0 has value … should have been in …".

    Example
    -------
    ::

        SEC("cgroup_skb/ingress")
        int f(struct __sk_buff *skb) { return 2; }      // 0 drops, 1 passes

    How to fix
    ----------
    Return a number of the range; its meaning is in the documentation of the program type.

    References
    ----------
    Linux: kernel/bpf/verifier.c (`check_return_code`), kernel/bpf/bpf_lsm.c
    (`bpf_lsm_get_retval_range`)
    """

    code = "CTX203"
    name = "return-value-refused"
    severity = Severity.ERROR
    step = Step.CODE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each program, at the first such number."""
        targets = context.kernel.btf if context.kernel else ()
        for program, flow in iter_flows(spec, context):
            allowed = find_range(program, release.version, targets)
            wrong = None if allowed is None else _find_wrong(program, flow, allowed)
            if allowed is not None and wrong is not None:
                insn, number = wrong
                place = (next(iter(flow.reached), 0), insn)
                doubtful = not runs_surely(spec, context, program, place)
                yield self.finding(
                    context,
                    f"`{program.name or program.section}` returns {number}, and programs of this "
                    f"type return {allowed}",
                    Locator(spec, context).function(program, insn),
                    help=f"return {allowed}",
                    severity=Severity.NOTE if doubtful else self.severity,
                    targeted=True,
                    programs=(program.name,) if program.name else (),
                    undecided=doubtful,
                )


def _find_wrong(program: ProgramSpec, flow: Flow, allowed: ReturnRange) -> tuple[int, int] | None:
    numbers = returned_numbers(program, flow)
    wrong = ((insn, value) for insn, value in numbers if not allowed.holds(value))
    found = min(wrong, default=None)
    return None if found is None else (found[0], allowed.read(found[1]))
