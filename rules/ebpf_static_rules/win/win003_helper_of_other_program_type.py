"""WIN003."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId, ProgramType
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.calls import iter_helpers
from ebpf_static_rules.wording import listed


class HelperOfOtherProgramType(WindowsRule):
    """A helper number from 65536 on is called where that program type gives it no meaning.

    What it does
    ------------
    Reports calls of helpers numbered 65536 and above from a program whose type defines no such
    helper. Programs of an unknown section are left to WIN009: their helpers cannot be told.

    Why it matters
    --------------
    These numbers belong to one program type each: 65536 names six functions. A program moved to
    another section calls another function, or none and fails to load.

    Example
    -------
    ::

        SEC("bind")          // bind has no helpers of its own
        int f(bind_md_t *ctx) { return bpf_sock_addr_set_redirect_context((void *)ctx, 0, 0); }

    How to fix
    ----------
    Call the helper from a program of the type that provides it.

    References
    ----------
    microsoft/ebpf-for-windows: include/ebpf_structs.h (EBPF_MAX_GENERAL_HELPER_FUNCTION)
    """

    code = "WIN003"
    name = "helper-of-other-program-type"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each helper a function's program types do not define."""
        for use in iter_helpers(spec):
            helper = HelperId.of(Platform.WINDOWS, use.number)
            message = _message(helper, use.types) if helper.per_program_type else None
            if message is not None:
                yield self.finding(
                    context,
                    f"`{use.name}` {message}",
                    locate.function(use.function, use.insn),
                    help="call it from a program of a type that provides it",
                )


def _message(helper: HelperId, types: tuple[ProgramType, ...]) -> str | None:
    without = [it for it in types if not HelperId.of(Platform.WINDOWS, helper.number, it).known]
    if not without:
        return None
    candidates = [f"{it.scope.name} ({it.name})" for it in helper.candidates if it.scope]
    owners = f"{listed(candidates)} give it a meaning" if candidates else "no program type has it"
    names = listed([it.name for it in without])
    return f"calls helper {helper.number}, which {names} programs do not have; {owners}"
