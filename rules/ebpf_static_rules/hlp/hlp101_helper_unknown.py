"""HLP101."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Confidence, Finding, Severity
from ebpf_static.plugins import Locator, Rule, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId, ProgramType
from ebpf_static_rules.facts import iter_loaded_with_types
from ebpf_static_rules.meetings import BEHIND_A_QUESTION, iter_meetings
from ebpf_static_rules.wording import listed, unknown_confidence


class HelperUnknown(Rule):
    """A program calls a helper number the platform does not have.

    What it does
    ------------
    Reports calls of helper numbers without meaning on the platform judged, once for each function
    and number, and says what the number is on the other platform. On Windows, numbers from 65536
    on belong to one program type and are judged by the types of the programs that make the
    call, which is WIN003's part; here they count only where that type is unknown as well, as a
    low-confidence warning.

    Why it matters
    --------------
    Linux refuses the program ("invalid func unknown#65537"); eBPF for Windows fails verification
    or cannot resolve the helper.

    Example
    -------
    ::

        static long (*enumerate)(void) = (void *)9999;

        SEC("xdp")
        int count(struct xdp_md *ctx) { return enumerate(); }

    How to fix
    ----------
    Declare helpers with the header of the platform: `bpf_helpers.h` of libbpf or of eBPF for
    Windows, and the extension's own header for numbers from 65536 on.

    References
    ----------
    https://man7.org/linux/man-pages/man7/bpf-helpers.7.html
    https://github.com/microsoft/ebpf-for-windows/blob/main/include/bpf_helper_defs.h
    """

    code = "HLP101"
    name = "helper-unknown"
    severity = Severity.ERROR

    def check(self, spec: CollectionSpec, context: RuleContext) -> Iterator[Finding]:
        """Yield one finding for each function and unknown number."""
        platform = context.judged_platform(spec)
        locate = Locator(spec, context)
        for function, facts, types in iter_loaded_with_types(spec, platform):
            for number, calls in facts.helpers.items():
                found = _judge(platform, number, types)
                if found is None:
                    continue
                severity, confidence, why = found
                what = (
                    f"`{function.name or function.section}` calls helper {number}"
                    f"{_elsewhere(platform, number)}, {why}"
                )
                for surely, insn, programs in iter_meetings(spec, context, function, calls):
                    yield self.finding(
                        context,
                        what if surely else f"{what}, {BEHIND_A_QUESTION}",
                        locate.function(function, insn),
                        help=f"declare helpers with the headers of {platform.label}",
                        severity=severity if surely else Severity.NOTE,
                        confidence=confidence if surely else Confidence.LOW,
                        related=(f"called at insn {listed(calls)}",) if len(calls) > 1 else (),
                        programs=programs,
                        undecided=not surely,
                    )


def _judge(
    platform: Platform, number: int, types: frozenset[ProgramType] | None
) -> tuple[Severity, Confidence, str] | None:
    helper = HelperId.of(platform, number)
    if not helper.per_program_type:
        if helper.known:
            return None
        return Severity.ERROR, unknown_confidence(helper), f"which {platform.label} does not have"
    if not any(type_.number for type_ in types or ()) and not helper.candidates:
        why = "which no known extension of eBPF for Windows provides"
        return Severity.WARNING, Confidence.LOW, why
    return None


def _elsewhere(platform: Platform, number: int) -> str:
    other = Platform.LINUX if platform is Platform.WINDOWS else Platform.WINDOWS
    there = HelperId.of(other, number)
    if there.known:
        return f" (`{there.name}` on {other.label})"
    scopes = HelperId.of(platform, number).candidates or there.candidates
    if not scopes:
        return ""
    first = scopes[0]
    where = "" if first.scope is None else f" in {first.scope.name} programs"
    return f" (`{first.name}`{where} on {first.platform.label})"
