"""WIN007."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis.context import Context, find_context
from ebpf_static.analysis.returns import returned_constants
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import ProgramType
from ebpf_static_rules.facts import program_type
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.releases import find_gap

_SHOWN_AS_SIGNED = 1 << 31


class VerdictOfOtherPlatform(WindowsRule):
    """A program returns a constant that means something else on Windows, or nothing.

    What it does
    ------------
    Looks at the constants a program may return. Warns about one that Windows gives another meaning
    than Linux (in a Linux object and in one that does not say what it is made for), about one that
    means nothing there, and about one that only newer releases know.

    Why it matters
    --------------
    XDP_PASS and XDP_DROP are 1 and 2 on Windows, 2 and 1 on Linux: the program loads, and drops
    what it should pass. A verdict of `bpf_sock_addr` that is not known counts as REJECT;
    PROCEED_HARD (2) is new in 1.0, BIND_PERMIT_HARD (3) in 1.1.

    Example
    -------
    ::

        SEC("xdp") int pass(struct xdp_md *ctx) { return 2; }   // Linux's XDP_PASS

    How to fix
    ----------
    Return the verdict by its name, and compile with the headers of eBPF for Windows.

    References
    ----------
    microsoft/xdp-for-windows: published/external/xdp/ebpfhook.h; microsoft/ebpf-for-windows:
    include/ebpf_nethooks.h
    """

    code = "WIN007"
    name = "verdict-of-other-platform"
    severity = Severity.WARNING

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each doubtful number a program returns."""
        for program in spec.programs:
            type_ = program_type(program, Platform.WINDOWS)
            layout = find_context(type_)
            if layout is None or not layout.verdicts or not program.code:
                continue
            linux = _linux_context(spec, type_)
            seen: set[int] = set()
            for insn, value in returned_constants(program).items():
                words = _doubt(value, layout, linux, context)
                if words is None or value in seen:
                    continue
                seen.add(value)
                yield self.finding(
                    context,
                    f"`{program.name or program.section}` returns {_shown(value)}, {words}",
                    locate.function(program, insn),
                    help="return the verdict by its name in eBPF for Windows' headers",
                )


def _linux_context(spec: CollectionSpec, type_: ProgramType) -> Context | None:
    """Return what Linux means by the results, unless the object is known to be for Windows."""
    if spec.platform is Platform.WINDOWS:
        return None
    twin = type_.on(Platform.LINUX)
    return None if twin is None else find_context(twin)


def _doubt(value: int, layout: Context, linux: Context | None, context: RuleContext) -> str | None:
    verdict = layout.find_verdict(value)
    other = linux.find_verdict(value) if linux else None
    if verdict is None:
        was = f"{other.name} on Linux" if other else "no verdict"
        return f"{was}; eBPF for Windows gives {layout.struct} programs no such verdict"
    if other is not None and other.twin != verdict.name:
        return f"{verdict.name} on eBPF for Windows but {other.name} on Linux"
    gap = find_gap(context, verdict.since) if verdict.since else None
    return None if gap is None else f"{verdict.name}, {gap.words}"


def _shown(value: int) -> int:
    return value if value < _SHOWN_AS_SIGNED else value - (1 << 32)
