"""WIN004."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.uapi.constants import HelperId
from ebpf_static.uapi.helpers import (
    has_default_implementation,
    is_provided_to,
    overriding_program_types,
    windows_equivalents,
)
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.calls import iter_helpers
from ebpf_static_rules.wording import listed


class HelperWithoutImplementation(WindowsRule):
    """A general helper is called from a program type that provides no function behind it.

    What it does
    ------------
    Reports calls of `get_socket_cookie` (26) and `redirect_map` (35) from programs whose type does
    not bring its own implementation: the runtime has none of its own.

    Why it matters
    --------------
    The prototype is there, so the program passes verification; at load the helper's address is
    zero and the load fails.

    Example
    -------
    ::

        SEC("bind")
        int f(bind_md_t *ctx) { return bpf_get_socket_cookie(ctx); }   // CGROUP_SOCK_ADDR only

    How to fix
    ----------
    Call it from a program type that implements it, or do without.

    References
    ----------
    microsoft/ebpf-for-windows: libs/execution_context/ebpf_general_helpers.c
    """

    code = "WIN004"
    name = "helper-without-implementation"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each helper and function."""
        for use in iter_helpers(spec):
            for helper in _meant(spec, use.number):
                without = [it.name for it in use.types if is_provided_to(helper, it) is False]
                if not without:
                    continue
                owners = listed([it.name for it in overriding_program_types(helper)])
                yield self.finding(
                    context,
                    f"`{use.name}` calls {helper.name}, which only {owners} implements; "
                    f"{listed(without)} does not",
                    locate.function(use.function, use.insn),
                    help="call it from a program type that implements it",
                )


def _meant(spec: CollectionSpec, number: int) -> tuple[HelperId, ...]:
    """Return the Windows helper called, if it is a general one without a default."""
    helper = HelperId.of(spec.numbering, number)
    meant = windows_equivalents(helper) if helper.known else ()
    return tuple(
        it for it in meant if not it.per_program_type and has_default_implementation(it) is False
    )
