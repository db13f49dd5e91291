"""SOP202."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf_static.findings import Finding, Severity
from ebpf_static.kernel.struct_ops import (
    StructureProblem,
    find_structure,
    iter_maps,
    iter_problems,
    structure_name,
)
from ebpf_static.plugins import Locator, RuleContext, Stage, Step
from ebpf_static.specs import CollectionSpec
from ebpf_static.support import Release
from ebpf_static_rules.release import ReleaseRule
from ebpf_static_rules.wording import capped


class StructOpsMemberMismatch(ReleaseRule):
    """A structure of callbacks sets a member the kernel's structure does not have so.

    What it does
    ------------
    Compares each member of a `.struct_ops` variable with the member of that name in the kernel's
    BTF, as libbpf does: one that is set must be there; the kind of its type, and the size of what
    is no pointer, must agree; a callback must be a function pointer; bit-fields are refused.
    Members that are zero and missing are left out, which is no problem.

    Why it matters
    --------------
    libbpf gives up on the whole object: "Cannot find member x in kernel BTF", "Error in size of
    member", "Unmatched member type".

    Example
    -------
    ::

        SEC(".struct_ops")
        struct tcp_congestion_ops cc = { .cwnd_event_tx_start = (void *)f };   // newer kernels

    How to fix
    ----------
    Set the member to NULL before loading where the kernel lacks it
    (`bpf_map__initial_value`), or keep a second structure with a `___suffix` for older kernels.

    References
    ----------
    libbpf: src/libbpf.c (`bpf_map__init_kern_struct_ops`)
    """

    code = "SOP202"
    name = "struct-ops-member-mismatch"
    severity = Severity.ERROR
    stage = Stage.OBJECT
    step = Step.STRUCT_OPS

    def judge(
        self, spec: CollectionSpec, context: RuleContext, release: Release
    ) -> Iterator[Finding]:
        """Yield one finding for each structure, about the first such member."""
        del release
        targets = context.kernel.btf if context.kernel else ()
        for item in iter_maps(spec):
            structure = structure_name(spec, item)
            if not item.autocreate or structure is None or not targets:
                continue
            kernel = find_structure(structure, targets)
            if isinstance(kernel, StructureProblem):
                continue
            problems = list(iter_problems(spec, item, kernel))
            if problems:
                first, *others = problems
                yield self.finding(
                    context,
                    f"`{item.name}` sets `{first.member}` of `struct {structure}`, {first.what}",
                    Locator(spec, context).map(item),
                    help="set the member only where the kernel's structure has it so",
                    related=capped((f"`{it.member}`, {it.what}" for it in others), len(others)),
                    targeted=True,
                )
