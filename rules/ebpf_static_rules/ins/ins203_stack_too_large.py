"""INS203."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.support import Release, feature
from ebpf_static_rules.code import STACK_BYTES
from ebpf_static_rules.ins.control import call_graph, deepest
from ebpf_static_rules.release import ReleaseRule, iter_flows
from ebpf_static_rules.wording import listed, tick

_FRAME_UNIT: Final = 16
"""What frames are rounded up to at least; interpreters and older releases take 32."""

# ``bpf_enable_priv_stack`` in kernel/bpf/verifier.c: each function has a stack of its own.
_PRIVATE: Final = frozenset(
    {"KPROBE", "TRACEPOINT", "PERF_EVENT", "RAW_TRACEPOINT", "TRACING", "LSM", "STRUCT_OPS"}
)


class StackTooLarge(ReleaseRule):
    """A program and the functions it calls use more stack together than the kernel gives.

    What it does
    ------------
    Adds up the stack that each function is seen to use along every chain of calls, callbacks not
    counted, and reports more than 512 bytes in all. Releases that give tracing programs a stack
    for each function (6.13) are not judged for those.

    Why it matters
    --------------
    The verifier refuses the program: "combined stack size of 2 calls is 544. Too large".

    Example
    -------
    ::

        static __noinline int fill(void) { char name[300]; ... }

        SEC("xdp")
        int filter(struct xdp_md *ctx) { char line[300]; return fill(); }

    How to fix
    ----------
    Keep large buffers in a per-CPU array map.

    References
    ----------
    https://docs.kernel.org/bpf/bpf_design_QA.html
    """

    code = "INS203"
    name = "stack-too-large"
    severity = Severity.ERROR
    step = Step.STACK

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each such program."""
        if len(spec.functions) < 2:
            return
        graph = call_graph(spec)
        if not any(graph):
            return
        private = feature("private_stack", release).available
        locate = Locator(spec, context)
        for program, flow in iter_flows(spec, context):
            if private and program.type.name in _PRIVATE:
                continue
            start = _position(spec, program)
            if not graph[start]:
                continue
            frames = [_round_up(flow.stack.get(i, 0)) for i in range(len(spec.functions))]
            found = deepest(start, graph, frames)
            if found is None or found[0] <= STACK_BYTES:
                continue
            names = listed([tick(spec.functions[i].name) for i in found[1]])
            yield self.finding(
                context,
                f"program `{program.name}` uses {found[0]} bytes of stack in calls of {names}, "
                f"and {release.label} gives {STACK_BYTES}",
                locate.function(program),
                help="keep large buffers in a per-CPU array map",
                targeted=True,
            )


def _position(spec: CollectionSpec, program: ProgramSpec) -> int:
    return next(i for i, function in enumerate(spec.functions) if function is program)


def _round_up(size: int) -> int:
    return -(-size // _FRAME_UNIT) * _FRAME_UNIT
