"""WIN102."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import lookups
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.calls import HelperUse, iter_helpers
from ebpf_static_rules.win.releases import Gap, gap_of, judged_release


class HelperNotInRelease(WindowsRule):
    """A helper is called that older releases of efW do not have.

    What it does
    ------------
    Reports helpers, general ones and those of a program type, that the release judged for does
    not have yet. Without a release: a warning for helpers some supported releases lack, naming
    the first with them. Helpers that were withdrawn are WIN005's, and ones as old as their program
    type are WIN008's, which reports the type.

    Why it matters
    --------------
    The verifier of an older release knows no prototype for the number and refuses the program; a
    native image fails when its helpers are resolved.

    Example
    -------
    ::

        bpf_strnlen_s(name, sizeof(name));      // helper 29, since 0.20

    How to fix
    ----------
    Do without the helper, or require a newer release.

    References
    ----------
    microsoft/ebpf-for-windows: include/ebpf_structs.h (at every tag)
    """

    code = "WIN102"
    name = "helper-not-in-release"
    severity = Severity.ERROR
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each helper and function."""
        for use in iter_helpers(spec):
            found = _find_gap(spec, use, context)
            if found is not None:
                helper, gap = found
                yield self.finding(
                    context,
                    f"`{use.name}` calls {helper.name}, {gap.words}",
                    locate.function(use.function, use.insn),
                    help="do without it, or require a newer release",
                    severity=gap.severity,
                    targeted=True,
                )


def _find_gap(
    spec: CollectionSpec, use: HelperUse, context: RuleContext
) -> tuple[HelperId, Gap] | None:
    """Return the helper and what lacks it, for the first program type that shows it."""
    release = judged_release(context)
    for type_ in use.types if spec.numbering is Platform.WINDOWS else ():
        helper = HelperId.of(Platform.WINDOWS, use.number, type_)
        if not helper.known or helper.last_release is not None:
            continue
        answer = lookups.helper(helper, type_, None, release)
        gap = gap_of(answer, context)
        as_old = helper.scope and lookups.program_type(type_, release).since == answer.since
        if gap is not None and not as_old:
            return helper, gap
    return None
