"""INS212."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.analysis import Flow, MaybeNull
from ebpf_static.analysis.inputs import Place
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static.target import Platform
from ebpf_static.uapi.constants import HelperId
from ebpf_static_rules.calls import iter_addresses
from ebpf_static_rules.guards import runs_surely
from ebpf_static_rules.release import ReleaseRule, iter_flows


class NullCheckMissing(ReleaseRule):
    """A program uses what a helper returned without asking whether it is NULL.

    What it does
    ------------
    Follows each program as the verifier does and reports loads and stores through the result of a
    helper or kernel function that may return NULL (`bpf_map_lookup_elem()`,
    `bpf_ringbuf_reserve()`, `bpf_sk_lookup_tcp()`, `bpf_task_from_pid()` …) where no path compares
    it, or a copy of it, with 0 before; and calls that hand it to a helper that wants an address,
    the inner map of a map of maps among them.

    Why it matters
    --------------
    The verifier refuses the program: "R0 invalid mem access 'map_value_or_null'", 'mem_or_null',
    'sock_or_null' and the like; of a call, "R1 type=map_value_or_null expected=map_ptr". From 6.14
    on it knows that a constant index within an array's size is found, if it is 0 or a variable at a
    multiple of 8 in the stack; older kernels still want the check.

    Example
    -------
    ::

        struct event *event = bpf_map_lookup_elem(&events, &key);
        event->count++;                            // and if there is none?

    How to fix
    ----------
    Leave when there is nothing: `if (!event) return 0;`.

    References
    ----------
    https://docs.kernel.org/bpf/verifier.html
    """

    code = "INS212"
    name = "null-check-missing"
    severity = Severity.ERROR
    step = Step.CODE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each program, at the first such access that surely runs."""
        locate = Locator(spec, context)
        for program, flow in iter_flows(spec, context):
            unchecked = flow.through_unchecked | _handed_over(flow)
            places = sorted(unchecked)
            if not places:
                continue
            certain = next((it for it in places if runs_surely(spec, context, program, it)), None)
            place = certain or places[0]
            register, source = unchecked[place]
            function = spec.functions[place[0]]
            yield self.finding(
                context,
                f"`{function.name or function.section}` uses r{register} as an address, which may "
                f"be NULL: {_origin(spec, source)} (target {release.label})",
                locate.function(function, place[1]),
                help="compare it with NULL before",
                severity=Severity.NOTE if certain is None else None,
                targeted=True,
                programs=(program.name,) if program.name else (),
                undecided=certain is None,
            )


def _handed_over(flow: Flow) -> dict[Place, tuple[int, MaybeNull]]:
    """Return the calls of helpers that want an address and are given one that may be NULL."""
    return {
        place: (register, value)
        for place, register, value in iter_addresses(flow)
        if isinstance(value, MaybeNull)
    }


def _origin(spec: CollectionSpec, source: MaybeNull) -> str:
    """Return the call an address is from in words."""
    function = spec.functions[source.function]
    reference = function.references_by_index.get(source.insn)
    if reference is not None:
        name = spec.externs[reference.target].name
    else:
        calls = (it for it in function.instructions if it.index == source.insn)
        name = f"bpf_{HelperId.of(Platform.LINUX, next(calls).imm).name}"
    return f"`{name}` returned it and nobody asked"
