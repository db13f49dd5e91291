"""INS206."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, feature
from ebpf_static_rules.calls import iter_helper_calls
from ebpf_static_rules.facts import iter_linked
from ebpf_static_rules.release import ReleaseRule, open_conditions, since_words

_TAIL_CALL: Final = "tail_call"


class TailCallWithSubprograms(ReleaseRule):
    """A program makes tail calls and calls functions of its own; the target kernel takes one only.

    What it does
    ------------
    Reports tail calls that may run in programs with subprograms, where the release judged for
    does not take both (before 5.10 on x86-64).

    Why it matters
    --------------
    The verifier refuses the program: "tail_calls are not allowed in programs with bpf-to-bpf
    calls".

    Example
    -------
    On Linux 5.4::

        static __noinline int parse(struct xdp_md *ctx) { ... }

        SEC("xdp")
        int filter(struct xdp_md *ctx) { parse(ctx); bpf_tail_call(ctx, &next, 0); ... }

    How to fix
    ----------
    Have the functions inlined: `static __always_inline`.

    References
    ----------
    https://docs.ebpf.io/linux/concepts/tail-calls/
    """

    code = "INS206"
    name = "tail-call-with-subprograms"
    severity = Severity.ERROR

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each such tail call."""
        answer = feature("tail_calls_with_subprograms", release)
        if answer.available and not open_conditions(answer, context):
            return
        linking = {program.name for program, linked in iter_linked(spec) if len(linked) > 1}
        locate = Locator(spec, context)
        for call in iter_helper_calls(spec, context, release):
            programs = tuple(it.name for it in call.programs if it.name in linking)
            if call.helper.name != _TAIL_CALL or not programs:
                continue
            function = spec.functions[call.site.function]
            yield self.finding(
                context,
                f"`{function.name}` makes a tail call in a program with subprograms, "
                f"{since_words(answer, release)} (target {release.label})",
                locate.function(function, call.site.insn),
                help="have the subprograms inlined",
                targeted=True,
                programs=programs,
            )
