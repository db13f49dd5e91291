"""WIN008."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.target import Version
from ebpf_static.uapi.sections import SectionMatch, match_windows
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.releases import Gap, find_gap, judged_release

_BEFORE_RETIREMENT = Version.parse("0.21.1")
"""The last release with the one section that was ever withdrawn, `xdp_test`."""


class SectionNotInRelease(WindowsRule):
    """A program's section means nothing, or something else, to some releases of efW.

    What it does
    ------------
    Reports programs whose section no extension of the release judged for registers as it stands.
    Without a release: a warning for sections some supported releases do not have.

    Why it matters
    --------------
    The section gives a program its type. `cgroup/bind4`, `cgroup/listen4` and
    `cgroup/connect_authorization4` (and 6) came with 1.3; a runtime without them loads the program
    as UNSPEC with a context of no bytes. `xdp_test` was withdrawn in 1.0 and then falls to `xdp`.

    Example
    -------
    ::

        SEC("cgroup/listen4")          // --target windows:1.1
        int f(bpf_sock_addr_t *ctx) { return BPF_SOCK_ADDR_VERDICT_REJECT; }

    How to fix
    ----------
    Ship to a release that has the hook, or use an older one.

    References
    ----------
    microsoft/ebpf-for-windows: netebpfext/net_ebpf_ext_program_info.h
    """

    code = "WIN008"
    name = "section-not-in-release"
    severity = Severity.ERROR
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each program of such a section."""
        for program in spec.programs:
            match = _match(program, context)
            gap = None if match is None else find_gap(context, *_span(match))
            if match is None or gap is None:
                continue
            yield self.finding(
                context,
                f"`{program.name}` is in section `{match.pattern}`, {gap.words}",
                locate.function(program),
                help="ship to a release that has the hook, or use another one",
                severity=gap.severity,
                related=_instead(program, context, gap),
                targeted=True,
            )


def _match(program: ProgramSpec, context: RuleContext) -> SectionMatch | None:
    """Return what some release makes of the section as it stands."""
    match = match_windows(program.section, judged_release(context).version) or match_windows(
        program.section
    )
    retired = _retired(program.section)
    return retired if retired is not None else match


def _retired(section: str) -> SectionMatch | None:
    """Return the withdrawn entry a section names exactly, None for any other."""
    match = match_windows(section, _BEFORE_RETIREMENT)
    current = match_windows(section)
    if match is None or not match.exact or (current is not None and current.exact):
        return None
    return match


def _span(match: SectionMatch) -> tuple[str, str | None]:
    last = match.program_type.last_release
    return match.since, "1.0.0-rc1" if last is not None else None


def _instead(program: ProgramSpec, context: RuleContext, gap: Gap) -> tuple[str, ...]:
    there = match_windows(program.section, judged_release(context).version)
    if gap.severity is Severity.WARNING and there is not None and there.exact:
        return ()
    if there is None:
        return ("without it the program is UNSPEC and its context has no bytes",)
    if there.exact:
        return ()
    return (f"without it the program is {there.program_type.name} by the prefix `{there.pattern}`",)
