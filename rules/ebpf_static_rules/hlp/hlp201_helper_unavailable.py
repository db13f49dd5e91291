"""HLP201."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, helper
from ebpf_static_rules.calls import iter_helper_calls, split_by_course
from ebpf_static_rules.kernel_btf import has_helper
from ebpf_static_rules.meetings import BEHIND_A_QUESTION
from ebpf_static_rules.release import ReleaseRule, since_words


class HelperUnavailable(ReleaseRule):
    """A program may call a helper the target kernel does not have.

    What it does
    ------------
    Follows each program as the verifier does, with what the target decides put in (CO-RE
    results, kernel version and configuration, constants, missing kernel functions), and reports
    calls that may run of helpers that came later than the release judged for. A call behind a
    guard that is false there is not reported, nor is one libbpf replaces
    (`bpf_probe_read_kernel` by `bpf_probe_read`). Where the kernel's BTF is given, its list of
    helpers decides, backports included.

    Why it matters
    --------------
    The verifier refuses the program: "invalid func unknown#177".

    Example
    -------
    ::

        bpf_loop(16, step, &state, 0);             // since 5.17

    How to fix
    ----------
    Guard the call with something the verifier can decide, and do without where it is false::

        if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
                bpf_loop(16, step, &state, 0);

    References
    ----------
    https://docs.ebpf.io/linux/helper-function/
    """

    code = "HLP201"
    name = "helper-unavailable"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each place such a helper is called from."""
        locate = Locator(spec, context)
        for call in iter_helper_calls(spec, context, release):
            answer = helper(call.helper, None, None, release)
            if answer.available or has_helper(context, call.helper):
                continue
            function = spec.functions[call.site.function]
            subject = f"`{function.name}` calls the helper `bpf_{call.helper.name}`"
            unknown = answer.status == "unknown"
            words = f"{subject}, {since_words(answer, release)} (target {release.label})"
            if unknown:
                words = f"{subject}; whether {release.label} has it is not known"
            for surely, programs in split_by_course(spec, context, call.site, call.programs):
                doubtful = unknown or not surely
                yield self.finding(
                    context,
                    words if surely else f"{words}, {BEHIND_A_QUESTION}",
                    locate.function(function, call.site.insn),
                    help="guard the call so that it is dead code where the helper is missing",
                    severity=Severity.NOTE if doubtful else None,
                    confidence=answer.confidence,
                    targeted=True,
                    programs=tuple(program.name for program in programs),
                    undecided=doubtful,
                )
