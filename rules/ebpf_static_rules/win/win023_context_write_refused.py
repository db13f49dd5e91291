"""WIN023."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis.context import Context, find_context
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.sections import match_windows
from ebpf_static_rules.facts import program_type
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.flows import iter_context_accesses

_REDIRECTED = ("user_ip4", "user_ip6", "user_port")
_NO_EFFECT = {
    "CGROUP_INET4_RECV_ACCEPT": "has no documented effect",
    "CGROUP_INET6_RECV_ACCEPT": "has no documented effect",
    "CGROUP_INET4_CONNECT_AUTHORIZATION": "is discarded: the original context is restored",
    "CGROUP_INET6_CONNECT_AUTHORIZATION": "is discarded: the original context is restored",
    "CGROUP_INET4_BIND": "is ignored",
    "CGROUP_INET6_BIND": "is ignored",
    "CGROUP_INET4_LISTEN": "is ignored: a listen cannot be redirected",
    "CGROUP_INET6_LISTEN": "is ignored: a listen cannot be redirected",
    "CGROUP_SOCK_OPS": "has no effect: the hook only notifies",
}
"""What becomes of a write by attach type (netebpfext/net_ebpf_ext_sock_addr.c, …_sock_ops.c)."""

_CONNECT = ("CGROUP_INET4_CONNECT", "CGROUP_INET6_CONNECT")


class ContextWriteRefused(WindowsRule):
    """A program writes to its context where Windows refuses or ignores it.

    What it does
    ------------
    Follows the context pointer and reports stores that touch the pointers to data, which the
    verifier refuses, and warns about stores that are accepted and have no effect: to anything in
    hooks that do not redirect, and in connect hooks to anything but `user_ip4`, `user_ip6` and
    `user_port`.

    Why it matters
    --------------
    Every store inside the structure passes the verifier but one to a pointer. In
    `cgroup/connect_authorization4` the change is undone afterwards, so a redirect silently does
    not happen (the documentation says the connection is blocked; the code does not).

    Example
    -------
    ::

        SEC("cgroup/connect_authorization4")
        int f(bpf_sock_addr_t *ctx) { ctx->user_ip4 = 0x0100007f; return 1; }

    How to fix
    ----------
    Redirect in `cgroup/connect4` or `cgroup/connect6`.

    References
    ----------
    vbpf/prevail: src/crab/ebpf_checker.cpp; microsoft/ebpf-for-windows:
    netebpfext/net_ebpf_ext_sock_addr.c, docs/ConnectAuthorizationAttachTypes.md
    """

    code = "WIN023"
    name = "context-write-refused"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each place that writes so."""
        for program in spec.programs:
            layout = find_context(program_type(program, Platform.WINDOWS))
            if layout is None or not program.code:
                continue
            for function, access, offset in iter_context_accesses(spec, program):
                outside = offset < 0 or offset + access.size > layout.size
                if not access.writes or outside:  # outside is WIN006's
                    continue
                severity, words = _judge(program, layout, offset, access.size)
                if words:
                    name = program.name or program.section
                    yield self.finding(
                        context,
                        f"`{name}` writes {access.size} bytes at offset {offset} of "
                        f"`{layout.struct}`{words}",
                        locate.function(function, access.insn),
                        help="keep changes in a variable, or redirect in a connect hook",
                        severity=severity,
                    )


def _judge(program: ProgramSpec, layout: Context, offset: int, size: int) -> tuple[Severity, str]:
    pointer = layout.find_pointer(offset, size)
    if pointer is not None:
        return Severity.ERROR, f", over the pointer `{pointer.name}`, which the verifier refuses"
    match = match_windows(program.section)
    attach_type = match.attach_type.name if match and match.attach_type else ""
    effect = _NO_EFFECT.get(attach_type)
    if effect is not None:
        return Severity.WARNING, f", which {effect}"
    field = layout.find_field(offset, size)
    redirects = field is not None and field.name in _REDIRECTED
    if attach_type in _CONNECT and not redirects:
        return Severity.WARNING, ", which has no effect: only address and port are redirected"
    return Severity.NOTE, ""
