"""INS211."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ebpf_static.analysis import Flow
from ebpf_static.analysis.inputs import Place
from ebpf_static.analysis.values import Asked, is_number
from ebpf_static.findings import Finding, Severity
from ebpf_static.plugins import Locator, RuleContext, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static_rules.calls import iter_addresses
from ebpf_static_rules.guards import runs_surely
from ebpf_static_rules.release import ReleaseRule, iter_flows

_CLOBBERED: Final = (
    "on this release a helper that is given stack memory makes numbers of the kernel pointers kept "
    "in it (from 6.2 to 6.13, and in later releases of 6.1)"
)


class NumberUsedAsAddress(ReleaseRule):
    """A program reads or writes memory through a register that holds a number.

    What it does
    ------------
    Follows each program as the verifier does and reports loads and stores through what it takes
    for a number on every path: what helpers such as `bpf_get_current_task()` return, the registers
    of a kprobe's context, what `bpf_probe_read_kernel()` copied, results of arithmetic; and calls
    that hand such a number, or NULL, to a helper that wants an address.

    Why it matters
    --------------
    The verifier refuses the program: "R1 invalid mem access 'scalar'" ('inv' before 5.18); of a
    call, "R2 type=scalar expected=fp, …". That a number is the address of something is nothing it
    can know.

    Example
    -------
    ::

        struct task_struct *task = (void *)bpf_get_current_task();
        int pid = task->pid;                       // read by the program itself

    How to fix
    ----------
    Read with `BPF_CORE_READ(task, pid)` or `bpf_probe_read_kernel()`; or take the pointer from
    where the verifier knows its type: `bpf_get_current_task_btf()`, an argument of a `tp_btf/` or
    `fentry/` program. A kernel pointer whose address a map call got as its key is a number
    afterwards in some releases: keep it in another variable.

    References
    ----------
    https://docs.kernel.org/bpf/verifier.html
    """

    code = "INS211"
    name = "number-used-as-address"
    severity = Severity.ERROR
    step = Step.CODE

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each function with such an access, at the first."""
        if any(item.type.name == "ARENA" for item in spec.maps):
            return  # numbers become addresses of the arena
        locate = Locator(spec, context)
        for program, flow in iter_flows(spec, context):
            numbers = flow.through_numbers | _handed_over(flow)
            places = sorted(numbers)
            if not places:
                continue
            sure = (it for it in places if runs_surely(spec, context, program, it))
            certain = next(sure, None)
            place = certain or places[0]
            function = spec.functions[place[0]]
            doubtful = certain is None
            name = function.name or function.section
            yield self.finding(
                context,
                f"`{name}` uses r{numbers[place]} as an address, which is a number to "
                f"the verifier (target {release.label})",
                locate.function(function, place[1]),
                help="read kernel memory with `BPF_CORE_READ()` or `bpf_probe_read_kernel()`, or "
                "take the pointer from where its type is known",
                severity=Severity.NOTE if doubtful else None,
                related=(_CLOBBERED,) if _clobbers(context) else (),
                targeted=True,
                programs=(program.name,) if program.name else (),
                undecided=doubtful,
            )


def _handed_over(flow: Flow) -> dict[Place, int]:
    """Return the calls of helpers that want an address and are given a number."""
    return {
        place: register
        for place, register, value in iter_addresses(flow)
        if is_number(value) and not isinstance(value, Asked)
    }


def _clobbers(context: RuleContext) -> bool:
    """Tell whether calls make numbers of kernel pointers kept on the stack."""
    return context.kernel is not None and context.kernel.clobbers_spills
