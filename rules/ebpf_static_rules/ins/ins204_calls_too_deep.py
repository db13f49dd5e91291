"""INS204."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release, limit
from ebpf_static_rules.facts import iter_linked
from ebpf_static_rules.ins.control import call_graph, deepest
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.wording import listed, tick


class CallsTooDeep(ReleaseRule):
    """A program's calls nest deeper than the target kernel allows, or call themselves.

    What it does
    ------------
    Follows calls from function to function, whether they run or not, and reports chains of more
    frames than the release judged for has (8, from 7.2 on 16) and functions that call themselves,
    directly or through others.

    Why it matters
    --------------
    The verifier refuses the program: "the call stack of 9 frames is too deep".

    Example
    -------
    ::

        static __noinline int walk(struct node *n) { return n ? walk(n->next) : 0; }

    How to fix
    ----------
    Have functions inlined (`__always_inline`), and turn recursion into a loop or into tail calls.

    References
    ----------
    https://docs.kernel.org/bpf/bpf_design_QA.html
    """

    code = "INS204"
    name = "calls-too-deep"
    severity = Severity.ERROR
    step = Step.STACK

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each such program."""
        graph = call_graph(spec)
        if not any(graph):
            return
        frames = limit("call_frames", release).value
        ones = [1] * len(spec.functions)
        locate = Locator(spec, context)
        positions = {id(function): index for index, function in enumerate(spec.functions)}
        for program, _ in iter_linked(spec):
            index = positions[id(program)]
            found = deepest(index, graph, ones) if graph[index] else (1, (index,))
            if found is None:
                message = f"program `{program.name}` calls functions that call themselves"
            elif frames is not None and found[0] > frames:
                names = listed([tick(spec.functions[i].name) for i in found[1]])
                message = (
                    f"calls of program `{program.name}` nest {found[0]} deep ({names}), and "
                    f"{release.label} allows {frames}"
                )
            else:
                continue
            yield self.finding(
                context,
                message,
                locate.function(program),
                help="have functions inlined, or use tail calls",
                targeted=True,
            )
