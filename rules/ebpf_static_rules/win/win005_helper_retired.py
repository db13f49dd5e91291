"""WIN005."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.calls import iter_helpers
from ebpf_static_rules.win.releases import find_gap, release_after


class HelperRetired(WindowsRule):
    """A helper is called that newer releases no longer provide.

    What it does
    ------------
    Reports calls of `sock_addr_get_current_pid_tgid` (65536 in CGROUP_SOCK_ADDR programs), which
    efW registered in 0.7 to 0.20 only.

    Why it matters
    --------------
    The constant is still in the headers, so the call compiles; from 0.21 on verification or load
    fails.

    Example
    -------
    ::

        SEC("cgroup/connect4")
        int f(bpf_sock_addr_t *ctx) { return bpf_sock_addr_get_current_pid_tgid(ctx) == 0; }

    How to fix
    ----------
    Call `bpf_get_current_pid_tgid()`, which CGROUP_SOCK_ADDR programs have from 0.20 on.

    References
    ----------
    microsoft/ebpf-for-windows: netebpfext/net_ebpf_ext_program_info.h
    """

    code = "WIN005"
    name = "helper-retired"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each retired helper and function."""
        for use in iter_helpers(spec):
            for type_ in use.types:
                helper = HelperId.of(Platform.WINDOWS, use.number, type_)
                if helper.last_release is None or helper.scope is None:
                    continue
                gap = find_gap(context, helper.since, release_after(helper.last_release))
                if gap is not None:
                    yield self.finding(
                        context,
                        f"`{use.name}` calls {helper.name}, {gap.words}",
                        locate.function(use.function, use.insn),
                        help="call `bpf_get_current_pid_tgid()` instead",
                        severity=gap.severity,
                        targeted=True,
                    )
