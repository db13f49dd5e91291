"""WIN002."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis import Base, CallSite, Pointer
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec, FunctionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId, ProgramType
from ebpf_static.uapi.helpers import windows_equivalents
from ebpf_static_rules.facts import iter_loaded, program_type
from ebpf_static_rules.win.base import WindowsRule
from ebpf_static_rules.win.flows import iter_flows
from ebpf_static_rules.win.tables import helper_arguments
from ebpf_static_rules.wording import listed

_MAPS = ("PTR_TO_MAP", "PTR_TO_MAP_OF_PROGRAMS", "CONST_PTR_TO_MAP")
_ANYTHING = ("ANYTHING", "DONTCARE")


class HelperOfOtherPlatform(WindowsRule):
    """A helper's number means another function on the other platform.

    What it does
    ------------
    In a Linux object judged for Windows, reports each helper whose number Windows reads as another
    function (HLP101 reports numbers it does not know). In an object read with Windows numbers,
    reports a call whose arguments prove that the Windows helper cannot be meant: a map where it
    takes none, or none where it takes one.

    Why it matters
    --------------
    Of the numbers 1 to 35 only 1, 2, 3 and 8 agree: 5 is `tail_call` on Windows and
    `ktime_get_ns` on Linux, 12 is `trace_printk2` and `tail_call`. A call of the wrong function
    either fails verification with a message about arguments, or runs.

    Example
    -------
    ::

        // compiled with Linux's bpf_helpers.h: helper 5, which is bpf_tail_call on Windows
        __u64 now = bpf_ktime_get_ns();

    How to fix
    ----------
    Compile with the headers of eBPF for Windows, which have the Windows numbers.

    References
    ----------
    microsoft/ebpf-for-windows: include/ebpf_structs.h, include/bpf_helper_defs.h
    """

    code = "WIN002"
    name = "helper-of-other-platform"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, locate: Locator
    ) -> Iterator[Finding]:
        """Yield a finding for each helper and function, at the first call."""
        found = _linux(spec) if spec.numbering is Platform.LINUX else _windows(spec)
        for function, insn, message in found:
            yield self.finding(
                context,
                f"`{function.name or function.section}` {message}",
                locate.function(function, insn),
                help="compile with the headers of eBPF for Windows",
            )


def _linux(spec: CollectionSpec) -> Iterator[tuple[FunctionSpec, int, str]]:
    for function, facts in iter_loaded(spec):
        for number, insns in facts.helpers.items():
            helper = HelperId.of(Platform.LINUX, number)
            twins = windows_equivalents(helper)
            read = HelperId.of(Platform.WINDOWS, number)
            if helper.known and read.known and read not in twins:
                yield function, insns[0], _wrong(helper, read, twins)


def _wrong(helper: HelperId, read: HelperId, twins: tuple[HelperId, ...]) -> str:
    numbers = listed([f"{twin.number} ({twin.name})" for twin in twins]) if twins else ""
    wanted = f"has it as {numbers}" if twins else "has no such helper"
    return (
        f"calls {helper.name} by Linux number {helper.number}, which eBPF for Windows reads as "
        f"{read.name}; it {wanted}"
    )


def _windows(spec: CollectionSpec) -> Iterator[tuple[FunctionSpec, int, str]]:
    seen: set[tuple[int, int]] = set()
    for program, flow in iter_flows(spec):
        type_ = program_type(program, Platform.WINDOWS)
        for place, site in flow.calls.items():
            message = _mismatch(site, type_)
            if message is not None and place not in seen:
                seen.add(place)
                yield spec.functions[site.function], site.insn, message


def _mismatch(site: CallSite, type_: ProgramType) -> str | None:
    """Return why the arguments do not belong to the Windows helper, None when they may."""
    if site.helper is None:
        return None
    helper = HelperId.of(Platform.WINDOWS, site.helper, type_)
    kinds = helper_arguments(helper)
    linux = HelperId.of(Platform.LINUX, site.helper)
    if kinds is None or not linux.known:
        return None
    for number, (kind, value) in enumerate(zip(kinds, site.arguments, strict=False), start=1):
        is_map = isinstance(value, Pointer) and value.base is Base.MAP
        known = isinstance(value, int) or (
            isinstance(value, Pointer) and value.base in (Base.CONTEXT, Base.STACK)
        )
        certain = not (isinstance(value, Pointer) and value.id == -1)
        wants = kind in _MAPS
        if (is_map and not wants and kind not in _ANYTHING) or (wants and known and certain):
            need = "a map" if wants else "no map"
            got = "a map" if is_map else "none"
            return (
                f"calls helper {site.helper}, on eBPF for Windows {helper.name} which takes {need} "
                f"in r{number}, with {got} there; on Linux {site.helper} is {linux.name}"
            )
    return None
