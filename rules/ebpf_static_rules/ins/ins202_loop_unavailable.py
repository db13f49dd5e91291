"""INS202."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, feature
from ebpf_static_rules.facts import programs_linking
from ebpf_static_rules.ins.control import find_back_edge
from ebpf_static_rules.release import ReleaseRule, since_words


class LoopUnavailable(ReleaseRule):
    """A program has a loop, and the target kernel takes none.

    What it does
    ------------
    Looks for jumps back to code that leads to them, where the release judged for is older than
    bounded loops (5.3).

    Why it matters
    --------------
    The verifier refuses the program: "back-edge from insn 12 to 3". Whether the loop ends makes
    no difference.

    Example
    -------
    ::

        for (int i = 0; i < 64; i++)               // not unrolled: more than the compiler likes
                sum += data[i];

    How to fix
    ----------
    Have the compiler unroll it (`#pragma unroll`), or jump by tail calls.

    References
    ----------
    https://docs.ebpf.io/linux/concepts/loops/
    """

    code = "INS202"
    name = "loop-unavailable"
    severity = Severity.ERROR
    step = Step.STRUCTURE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each function with a loop."""
        answer = feature("bounded_loops", release)
        if answer.available:
            return
        locate = Locator(spec, context)
        for index, programs in programs_linking(spec).items():
            function = spec.functions[index]
            edge = find_back_edge(function)
            if edge is not None:
                yield self.finding(
                    context,
                    f"`{function.name}` loops: insn {edge[0]} jumps back to insn {edge[1]}, "
                    f"{since_words(answer, release)} (target {release.label})",
                    locate.function(function, edge[0]),
                    help="have the loop unrolled",
                    targeted=True,
                    programs=tuple(program.name for program in programs),
                )
