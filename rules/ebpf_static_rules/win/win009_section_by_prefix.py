"""WIN009."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.uapi.sections import match_linux_loose, match_windows
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.flows import iter_context_accesses
from ebpf_static_rules.wording import count

_SEPARATORS = "/._-"
_DIGITS = "0123456789"


class SectionByPrefix(WindowsRule):
    """A program's section is no registered one: a mere prefix decides, or nothing does.

    What it does
    ------------
    Notes programs whose section only starts with a registered name, and warns when the rest looks
    as if another name was meant. For sections no known extension registers (PRG001), it warns
    about the context accesses that fail, because the context has no bytes then.

    Why it matters
    --------------
    The longest registered prefix gives the type and no separator is needed: `bindX` is `bind`,
    `xdp_prog` is `xdp`. Extensions on the machine register the names, so an unknown section may
    have a meaning where yet another extension is installed; nowhere else.

    Example
    -------
    ::

        SEC("connect4") int f(bpf_sock_addr_t *ctx) { return ctx->family == 2; }

    How to fix
    ----------
    Use the registered name, for instance `cgroup/connect4`.

    References
    ----------
    microsoft/ebpf-for-windows: libs/api_common/windows_platform_common.cpp
    """

    code = "WIN009"
    name = "section-by-prefix"
    severity = Severity.WARNING
    foreign = False

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each program of such a section."""
        for program in spec.programs:
            match = match_windows(program.section)
            if match is None:
                yield from self._unknown(spec, context, locate, program)
            elif not match.exact:
                rest = program.section[len(match.pattern)]
                meant = rest in _SEPARATORS or rest in _DIGITS
                yield self.finding(
                    context,
                    f"`{program.name}` is {match.program_type.name} because its section "
                    f"`{program.section}` starts with `{match.pattern}`",
                    locate.function(program),
                    help=f"use the section `{match.pattern}` unless the longer name is meant",
                    severity=Severity.NOTE if meant else Severity.WARNING,
                )

    def _unknown(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator, program: ProgramSpec
    ) -> Iterator[Finding]:
        # A section Linux knows is the program type's problem: PRG101 and PRG102.
        if not program.code or match_linux_loose(program.section) is not None:
            return
        failing = list(iter_context_accesses(spec, program))
        if failing:
            function, access, _ = failing[0]
            yield self.finding(
                context,
                f"`{program.name or program.section}` accesses {count(len(failing), 'place')} of "
                f"its context, which has no bytes in section `{program.section}`",
                locate.function(function, access.insn),
                help="use a section that an extension registers",
                confidence=Confidence.MEDIUM,
            )
